from gateway.board import WorkerBoard
from gateway.model.safeguards import Limit
from gateway.routing.plan import Route, Upstream

class RouteGates:
    row: int
    plans: tuple[Limit, ...]
    policies: tuple[bytes, ...]
    def __init__(self, route: Route, board: WorkerBoard) -> None: ...
    def in_flight(self) -> int: ...

class UpstreamGates:
    row: int
    def __init__(self, upstream: Upstream, board: WorkerBoard) -> None: ...
    def in_flight(self) -> int: ...
