"""What the client of a denied request is told beside the refusal itself: which safeguard, which incident, and when to
come back. Out of the ordinary, and so in Python.

`jitter` in [0, 1) spreads the times at which clients return.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.mitigate import limits, shedding
from gateway.mitigate.limits import Decision
from gateway.model.decisions import Safeguard
from gateway.model.safeguards import SECOND, Limit

Fields = list[tuple[str, str]]
Members = dict[str, Any]

ISOLATED_RETRY_SECONDS = 10             # nobody knows when a person is done; often enough to notice
OPEN_RETRY_LEAST = 1
FULL_RETRY_SECONDS = 1
LATER_BY = 0.2

NAMES = {
    Safeguard.ISOLATION: "isolation", Safeguard.CLIENT_ISOLATION: "isolation of the client",
    Safeguard.CLIENT_CLAMP: "clamp of the client", Safeguard.SHEDDING: "shedding",
    Safeguard.ROUTE_CONCURRENCY: "concurrency of the route",
    Safeguard.UPSTREAM_CONCURRENCY: "concurrency of the upstream",
    Safeguard.BREAKER: "breaker", Safeguard.EJECTION: "ejection",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Denial:
    """`observed` and `threshold` as the safeguard noted them (ns, ranks or requests); `limit` and `decision` of a rate
    limit. `now` is monotonic ns."""

    safeguard: int
    observed: int = 0
    threshold: int = 0
    now: int = 0
    limit: Limit | None = None
    decision: Decision | None = None


def told(denial: Denial, jitter: float) -> tuple[Fields, Members]:
    """Header fields and members of the problem document; both empty where no safeguard denied."""
    safeguard = Safeguard(denial.safeguard)
    if denial.limit is not None and denial.decision is not None:
        return (limits.headers([(denial.limit, denial.decision)], jitter),
                limits.problem(denial.limit, denial.decision, jitter))
    if safeguard not in RETRY:
        return [], {}
    fields = [("retry-after", str(RETRY[safeguard](denial, jitter)))]
    if safeguard is Safeguard.SHEDDING:
        fields.append(shedding.SHED_FIELD)
    return fields, {"safeguard": NAMES[safeguard]} | _incident(safeguard, denial)


def _incident(safeguard: Safeguard, denial: Denial) -> Members:
    """The word of an isolation carries the number of its incident, 0 without one."""
    if safeguard not in (Safeguard.ISOLATION, Safeguard.CLIENT_ISOLATION) or denial.observed < 256:
        return {}
    return {"incident": denial.observed >> 8}


def _later(seconds: float, jitter: float) -> int:
    return max(1, round(seconds * (1 + LATER_BY * jitter) + 0.5))


def _until_open(denial: Denial, jitter: float) -> int:
    left = max(0, denial.threshold - denial.now) / SECOND
    return _later(max(OPEN_RETRY_LEAST, left), jitter)


RETRY: dict[Safeguard, Callable[[Denial, float], int]] = {
    Safeguard.ISOLATION: lambda denial, jitter: _later(ISOLATED_RETRY_SECONDS, jitter),
    Safeguard.CLIENT_ISOLATION: lambda denial, jitter: _later(ISOLATED_RETRY_SECONDS, jitter),
    Safeguard.CLIENT_CLAMP: lambda denial, jitter: _later(denial.observed / SECOND, jitter),
    Safeguard.SHEDDING: lambda denial, jitter: shedding.retry_after(jitter),
    Safeguard.ROUTE_CONCURRENCY: lambda denial, jitter: _later(FULL_RETRY_SECONDS, jitter),
    Safeguard.UPSTREAM_CONCURRENCY: lambda denial, jitter: _later(FULL_RETRY_SECONDS, jitter),
    Safeguard.BREAKER: _until_open,
}
