"""Ejection of an endpoint: taken out of the balancing for a while, by what real requests met there.

Theory of operation:
- Two triggers. Consecutive failures (5) see a dead server within a few requests; the share of failures in the window
  (50 % of at least 20) sees one that fails every second request, which consecutive failures never would.
- The time out is 30 s * the number of ejections, at most 300 s, +-10 %, so that endpoints do not all return at once.
  For every such interval in good health one ejection is forgotten.
- `at_most` of the endpoints are out at a time, but one may always be, unless it is the only one: an endpoint alone is
  never ejected, as there is nowhere else to go.
- Panic: with fewer than half of the endpoints left, ejections are ignored. The fault is then probably not theirs, and
  the rest would drown in all of the traffic.
- Who returns starts slowly: its share of the weight grows from a tenth to the whole during `slow_start`.
- What was counted before an endpoint went out does not count after its return.

Sources: algorithms.md 4 A; Envoy's outlier detection (5 in a row, 30 s * k, 300 s, decay) and slow start (at least
10 %); panic threshold 50 % as in Envoy. Jitter is an argument in [-1, 1]; times are monotonic nanoseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.model import safeguards
from gateway.model.safeguards import SECOND, WHOLE, Eject, Explanation

DURATION_MAX = 300 * SECOND
JITTER = WHOLE // 10
PANIC_BELOW = WHOLE // 2
SLOW_START_LEAST = WHOLE // 10


@dataclass(frozen=True, slots=True)
class Observed:
    """Results at one endpoint since it last came in: `consecutive` failures; requests and failures in the window."""

    consecutive: int = 0
    requests: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`times` ejections not yet forgotten; `until`: end of the last; `healthy_since`: of the decay and slow start."""

    times: int = 0
    until: int = 0
    healthy_since: int = 0

    def is_out(self, now: int) -> bool:
        return now < self.until

    def __repr__(self) -> str:
        return f"<endpoint ejected {self.times} times, the last until {self.until}>"


def step(endpoint: Endpoint, seen: Observed, others_out: int, total: int, params: Eject, now: int,
         jitter: float) -> Endpoint:
    """The endpoint after one look: the same object, or ejected. `others_out` of the `total` endpoints are out."""
    if endpoint.is_out(now) or not offends(seen, params) or others_out >= most_out(total, params):
        return endpoint
    times = times_left(endpoint, params, now) + 1
    until = now + duration(times, params, jitter)
    return replace(endpoint, times=times, until=until, healthy_since=until)


def offends(seen: Observed, params: Eject) -> bool:
    if params.consecutive_failures and seen.consecutive >= params.consecutive_failures:
        return True
    return seen.requests >= params.min_requests and seen.failures * WHOLE >= seen.requests * params.failures > 0


def most_out(total: int, params: Eject) -> int:
    """How many of `total` endpoints may be out at a time."""
    return 0 if total <= 1 else max(1, total * params.at_most // WHOLE)


def duration(times: int, params: Eject, jitter: float) -> int:
    """Nanoseconds of the `times`-th ejection; `jitter` in [-1, 1] moves it by up to 10 %."""
    whole = min(params.duration * times, max(DURATION_MAX, params.duration))
    return whole + int(whole * jitter * JITTER / WHOLE)


def times_left(endpoint: Endpoint, params: Eject, now: int) -> int:
    """Ejections not yet forgotten: one less for each healthy interval as long as the first ejection."""
    healthy = max(0, now - endpoint.healthy_since)
    return max(0, endpoint.times - healthy // params.duration)


def in_panic(total: int, out: int) -> bool:
    """Fewer than half left: ejections are ignored."""
    return (total - out) * WHOLE < total * PANIC_BELOW


def usable(endpoints: Sequence[Endpoint], now: int) -> list[int]:
    """The indexes of the endpoints that requests may go to."""
    left = [index for index, endpoint in enumerate(endpoints) if not endpoint.is_out(now)]
    panic = in_panic(len(endpoints), len(endpoints) - len(left))
    return list(range(len(endpoints))) if panic else left


def weight_share(endpoint: Endpoint, params: Eject, now: int) -> int:
    """Parts per million of its weight that an endpoint gets: all of it, or less while it starts slowly."""
    if not endpoint.until or not params.slow_start:
        return WHOLE
    passed = max(0, now - endpoint.until)
    return min(WHOLE, max(SLOW_START_LEAST, passed * WHOLE // params.slow_start))


def explain(endpoint: Endpoint, seen: Observed, others_out: int, total: int, params: Eject, now: int) -> Explanation:
    observed = f"{seen.consecutive} failures in a row, {safeguards.percent(seen.failures, seen.requests)} in the window"
    threshold = (f"{params.consecutive_failures} in a row, or {params.failures * 100 // WHOLE} % of at least "
                 f"{params.min_requests} in {safeguards.seconds(params.window)}")
    return Explanation("ejection", observed, threshold, _decision(endpoint, seen, others_out, total, params, now))


def _decision(endpoint: Endpoint, seen: Observed, others_out: int, total: int, params: Eject, now: int) -> str:
    if endpoint.is_out(now):
        return f"ejected for another {safeguards.seconds(endpoint.until - now)}"
    if not offends(seen, params):
        return "in"
    if others_out >= most_out(total, params):
        return f"in, as {others_out} of {total} are out already and at most {most_out(total, params)} may be"
    return "to be ejected"
