from gateway.board import WorkerBoard
from gateway.dataplane.deadlines import DeadlineBook
from gateway.dataplane.fallbacks import Fallbacks
from gateway.dataplane.pool import UpstreamGroup
from gateway.routing import plan as plans

def reason_phrase(status: int) -> str: ...

class Edits:
    dropped: tuple[bytes, ...]
    lines: bytes
    def __init__(self, edits: plans.HeaderEdits) -> None: ...

class Route:
    name: str
    index: int
    group: UpstreamGroup | None
    fallbacks: Fallbacks | None

class RoutePlan:
    plan: plans.Plan
    routes: tuple[Route, ...]
    groups: dict[str, UpstreamGroup]
    def __init__(
        self, plan: plans.Plan, groups: dict[str, UpstreamGroup], board: WorkerBoard, book: DeadlineBook
    ) -> None: ...
