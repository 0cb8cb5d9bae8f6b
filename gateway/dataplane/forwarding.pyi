class Origin:
    address: str
    trusted: bool
    node: bytes
    lines: bytes
    proto: bytes
    def __init__(self, address: str, trusted: bool, proto: str) -> None: ...
