"""The safeguards a plan can carry, as frozen plain values: what settings compile to, workers obey and step rooms judge.

Rules:
- the defaults mean "off", so that a plan without them does what it did before there were safeguards;
- `mode` is off | shadow | enforce; a decision never looks at it, only `refuses` does, so that shadow counts the same;
- durations are nanoseconds, shares parts per million, sizes bytes, as everywhere in the plan.
"""

from dataclasses import dataclass

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
WHOLE = 1_000_000  # parts per million

OFF, SHADOW, ENFORCE = "off", "shadow", "enforce"
MODES = (OFF, SHADOW, ENFORCE)

PRIORITIES = {"critical": 0, "high": 1, "normal": 2, "low": 4, "bulk": 5}  # 3 is kept for a later word
NORMAL = PRIORITIES["normal"]

# Why an ordinary answer is not possible, in the words of `on:`. The order is that of the gates.
CAUSES = ("isolated", "limited", "shed", "saturated", "open", "error", "timeout")
# Who is over a limit is told so: a fallback there, unasked, would turn a 429 into something else, or undo the limit.
USUAL_CAUSES = tuple(cause for cause in CAUSES if cause != "limited")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` requests per `period_ns` in the long run, `burst` (at least 1) at once, for each `key`.

    `key`: route | client | route+client | header:NAME | cookie:NAME.
    """

    name: str
    key: str = "route"
    quota: int = 1
    period_ns: int = SECOND
    burst: int = 1
    mode: str = ENFORCE


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most `limit` requests at a time over all workers; `adaptive`: it is found by measuring, at most `limit`."""

    limit: int = 0
    adaptive: bool = False
    mode: str = OFF


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` and `slow_share` of the requests in `window` open it; `slow_over` 0 = slowness does not count."""

    window: int = 10 * SECOND
    min_requests: int = 20
    failures: int = WHOLE // 2
    slow_over: int = 2 * SECOND
    slow_share: int = WHOLE * 8 // 10
    mode: str = OFF


@dataclass(frozen=True, slots=True)
class Eject:
    """`duration` is `for:`, times the number of ejections; `at_most` of the endpoints may be out at a time."""

    consecutive_failures: int = 5
    window: int = 10 * SECOND
    min_requests: int = 20
    failures: int = WHOLE // 2
    duration: int = 30 * SECOND
    at_most: int = WHOLE // 2
    slow_start: int = 10 * SECOND
    mode: str = OFF


@dataclass(frozen=True, slots=True)
class Health:
    """`rise` good checks in a row bring an endpoint in, `fall` bad ones take it out."""

    path: str = ""
    every: int = 5 * SECOND
    timeout: int = 1 * SECOND
    rise: int = 2
    fall: int = 3
    mode: str = OFF


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` counts every try, the first included; `per_try` 0 = the upstream's own time-outs alone."""

    attempts: int = 1
    budget: int = WHOLE // 5
    per_try: int = 0
    max_body: int = 64 * 1024
    mode: str = OFF


@dataclass(frozen=True, slots=True)
class Fallback:
    """One step of a route's `fallback`. `kind` says which of the other fields count:

    stale: `stale_for`; upstream: `upstream`; respond: `status`, `headers`, `body` or `file`; redirect: `to`, `status`.
    """

    kind: str
    on: tuple[str, ...] = USUAL_CAUSES
    stale_for: int = 0
    upstream: str = ""
    status: int = 503
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    file: str = ""
    to: str = ""
    mode: str = ENFORCE


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a safeguard decided as it did: what it saw, what it compared that with, and what follows."""

    safeguard: str
    observed: str
    threshold: str
    decision: str

    def __str__(self) -> str:
        return f"{self.safeguard}: {self.observed}; threshold {self.threshold}; {self.decision}"


def refuses(mode: str, denied: bool) -> bool:
    """Does a request that a safeguard denies have to stop here? The one place where `mode` matters."""
    return denied and mode == ENFORCE


def percent(part: int, whole: int) -> str:
    """`12 of 40 (30 %)`, for explanations."""
    return f"{part} of {whole} ({100 * part // whole} %)" if whole else "0 of 0"


def seconds(nanoseconds: int) -> str:
    """For people, who want no more than a tenth."""
    return f"{round(nanoseconds / SECOND, 1):g} s"
