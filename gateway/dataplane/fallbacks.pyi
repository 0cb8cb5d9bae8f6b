from gateway.dataplane.pool import UpstreamGroup
from gateway.routing import plan as plans
from gateway.routing.template import Pattern

BODY_MAX: int

class Step:
    kind: int
    status: int
    fields: bytes
    body: bytes
    group: UpstreamGroup | None

class Fallbacks:
    told: tuple[plans.Fallback, ...]
    steps: tuple[Step, ...]
    reads_request: bool
    keeps_for: int
    def __init__(
        self, told: tuple[plans.Fallback, ...], pattern: Pattern, groups: dict[str, UpstreamGroup]
    ) -> None: ...
