"""Load shedding for the gateway's own sake: the controller of one worker.

Theory of operation (DAGOR). The queue of a process with one event loop is the loop itself, so its lag is the signal:
how late a 10 ms timer comes. Each request has a rank 0 .. 767, lower is more important:

    rank = tier * 128 + (client hash ^ salt of the hour) & 127

so that within a tier the same client keeps its fate for an hour, and sessions are not all half broken. A request is let
in up to the *cut*: all ranks up to its threshold, and a share of the rank above, drawn per request, since all requests
may come from one address. Each request is counted by rank, let in or not. Shedding begins above 20 ms of lag, and then
aims at 5, so that what is let in does not wait. Every 100 ms the cut is moved so that
- too late: to 5 % fewer for each 20 ms of lag, between 5 % and half, than have ended meanwhile, but never to fewer
  than half of those let in. A loop that is late is busy, so that what ended is what it can bear: from four times the
  load two steps lead there, and none leads far below it while what was let in before is worked off;
- in time: 1 % more; well in time (below 2.5 ms): 10 % more, so that all is normal again within seconds.
Tier 0 (critical) is never shed. There is no second signal to tune, and nothing winds up. A processor that is busy is no
reason: clients who each wait for their answer keep it so without anybody being late.
A request is refused before its body is read: 503, Retry-After and `x-shed: 1`, so that nobody retries it at once.

Sources: algorithms.md 5 (1); "Overload Control for Scaling WeChat Microservices" (DAGOR), SoCC 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.safeguards import MILLISECOND, PRIORITIES, Explanation

LEVELS = 128  # per tier
TIERS = 6
RANKS = TIERS * LEVELS
ALL = RANKS - 1  # a threshold that lets everything in
LEAST = LEVELS - 1  # one that lets only critical requests in

TICK = 100 * MILLISECOND
LAG = 20 * MILLISECOND
AIM = LAG // 4
CALM = AIM // 2
STEP_DOWN = 0.05  # of the requests let in, for each LAG of lag
STEP_DOWN_MOST = 0.5
STEP_UP = 0.01
STEP_UP_CALM = 0.1

SHED_FIELD = ("x-shed", "1")


@dataclass(frozen=True, slots=True)
class Cut:
    """Ranks up to `threshold` are let in, and the share `fraction` (0 .. 1) of the rank above."""

    threshold: int = ALL
    fraction: float = 0.0

    @property
    def lets_all_in(self) -> bool:
        return self.threshold >= ALL


EVERYTHING = Cut()


def rank(tier: int, client_hash: int, salt: int) -> int:
    return tier * LEVELS + ((client_hash ^ salt) & (LEVELS - 1))


def admits(cut: Cut, request_rank: int, draw: float) -> bool:
    """`draw` is random in [0, 1)."""
    return request_rank <= cut.threshold or (request_rank == cut.threshold + 1 and draw < cut.fraction)


def is_late(cut: Cut, lag: int) -> bool:
    """`lag` in nanoseconds."""
    return lag > (LAG if cut.lets_all_in else AIM)


def tick(cut: Cut, counts: Sequence[int], lag: int, more_in_flight: int = 0) -> Cut:
    """The next cut, from the requests of the last tick by rank; they are counted anew afterwards.

    `more_in_flight`: by how many those in flight became more during the tick, negative if fewer.
    """
    admitted = _admitted(cut, counts)
    if is_late(cut, lag):
        borne = (admitted - more_in_flight) * (1 - step_down(lag))
        return _letting_in(max(admitted * (1 - STEP_DOWN_MOST), min(admitted, borne)), counts)
    return _letting_in(admitted + max(1.0, admitted * step_up(lag)), counts)


def _admitted(cut: Cut, counts: Sequence[int]) -> float:
    partly = cut.fraction * counts[cut.threshold + 1] if cut.threshold < ALL else 0.0
    return sum(counts[: cut.threshold + 1]) + partly


def _letting_in(wanted: float, counts: Sequence[int]) -> Cut:
    """The cut that would have let in so many, all critical ones in any case."""
    let_in = sum(counts[: LEAST + 1])
    for threshold in range(LEAST, ALL):
        above = counts[threshold + 1]
        if above and let_in + above > wanted:
            return Cut(threshold, max(0.0, (wanted - let_in) / above))
        let_in += above
    return EVERYTHING


def step_down(lag: int) -> float:
    """The share of the requests let in that is to go."""
    return min(STEP_DOWN_MOST, max(STEP_DOWN, STEP_DOWN * lag / LAG))


def step_up(lag: int) -> float:
    """The share by which more are let in."""
    return STEP_UP_CALM if lag < CALM else STEP_UP


def retry_after(jitter: float) -> int:
    """Seconds to tell a client that was shed, 1 to 3; `jitter` in [0, 1)."""
    return 1 + int(jitter * 3)


def tier_name(tier: int) -> str:
    return next((name for name, number in PRIORITIES.items() if number == tier), f"tier {tier}")


def explain(cut: Cut, lag: int) -> Explanation:
    tier, level = divmod(cut.threshold, LEVELS)
    decision = "lets everything in" if cut.lets_all_in else (
        f"lets in what is above {tier_name(tier)}, and {level + 1} of {LEVELS} parts of that")
    return Explanation("shedding", f"lag {lag / MILLISECOND:g} ms", f"{LAG // MILLISECOND} ms", decision)
