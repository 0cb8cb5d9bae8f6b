from gateway.dataplane.pool import Endpoint
from gateway.dataplane.upstream import UpstreamConnection

class Exchange:
    generation: int
    attempts: int
    endpoint: Endpoint
    tunnel: bool
    def attach(self, generation: int, connection: UpstreamConnection) -> bool: ...
    def resume(self, generation: int, endpoint: Endpoint) -> None: ...
    def connect_failed(self, generation: int, reason: str, detail: str) -> None: ...
