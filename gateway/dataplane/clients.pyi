from gateway.dataplane.trusted import TrustedProxies

class Client:
    address: str
    high: int
    low: int
    key: int

class Clients:
    trusted: TrustedProxies
    def __init__(self, trusted: TrustedProxies, seed: tuple[int, int], key: str = "ip") -> None: ...
    def of(self, address: str) -> Client: ...
