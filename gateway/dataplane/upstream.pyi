import asyncio

from gateway.dataplane.plane import Plane
from gateway.dataplane.pool import Endpoint

class UpstreamConnection(asyncio.Protocol):
    closed: bool
    def __init__(self, plane: Plane, endpoint: Endpoint, tls: bool) -> None: ...
    def give_up(self) -> None: ...
    def park_now(self) -> None: ...
