"""What the client of a denied request is told beside the refusal itself: which safeguard, which incident, and when to
come back. Out of the ordinary, and so in Python.

`jitter` in [0, 1) spreads the times at which clients return.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

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


class Denial(NamedTuple):
    """Times in ns, rounded so that what is said of one denial can be said of the next alike; 0 where there is none.

    `wait` until the same request would pass, `reset` until there is quota for another, `left` of it now.
    """

    safeguard: int
    wait: int = 0
    reset: int = 0
    left: int = 0
    incident: int = 0


def told(denial: Denial, limit: Limit | None, jitter: float) -> tuple[Fields, Members]:
    """Header fields and members of the problem document; both empty where no safeguard denied."""
    safeguard = Safeguard(denial.safeguard)
    if safeguard is Safeguard.LIMIT and limit is not None:
        decision = Decision(False, 0, denial.left, denial.wait, denial.reset)
        fields, members = limits.headers([(limit, decision)], jitter), limits.problem(limit, decision, jitter)
    elif safeguard in RETRY:
        fields, members = [("retry-after", str(RETRY[safeguard](denial, jitter)))], {"safeguard": NAMES[safeguard]}
    elif safeguard in NAMES:
        fields, members = [], {"safeguard": NAMES[safeguard]}
    else:
        return [], {}
    if safeguard is Safeguard.SHEDDING:
        fields.append(shedding.SHED_FIELD)
    return fields, members | {"incident": denial.incident} if denial.incident else members


def _later(seconds: float, jitter: float) -> int:
    return max(1, round(seconds * (1 + LATER_BY * jitter) + 0.5))


def _after_wait(denial: Denial, jitter: float) -> int:
    return _later(denial.wait / SECOND, jitter)


RETRY: dict[Safeguard, Callable[[Denial, float], int]] = {
    Safeguard.ISOLATION: lambda denial, jitter: _later(ISOLATED_RETRY_SECONDS, jitter),
    Safeguard.CLIENT_ISOLATION: lambda denial, jitter: _later(ISOLATED_RETRY_SECONDS, jitter),
    Safeguard.CLIENT_CLAMP: _after_wait,
    Safeguard.SHEDDING: lambda denial, jitter: shedding.retry_after(jitter),
    Safeguard.ROUTE_CONCURRENCY: lambda denial, jitter: _later(FULL_RETRY_SECONDS, jitter),
    Safeguard.UPSTREAM_CONCURRENCY: lambda denial, jitter: _later(FULL_RETRY_SECONDS, jitter),
    Safeguard.BREAKER: lambda denial, jitter: _later(max(OPEN_RETRY_LEAST, denial.wait / SECOND), jitter),
}
