from gateway.dataplane.clients import Client

class Origin:
    address: str
    trusted: bool
    node: bytes
    lines: bytes
    proto: bytes
    client: Client
    def __init__(self, address: str, trusted: bool, proto: str, client: Client) -> None: ...
