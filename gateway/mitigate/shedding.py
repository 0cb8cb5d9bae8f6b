"""Load shedding for the gateway's own sake: the controller of one worker, a reference of the compiled one.

Theory of operation (DAGOR). The queue of a process with one event loop is the loop itself, so its lag is the signal:
how late a 10 ms timer comes. Each request has a priority 0 .. 767, lower is more important:

    priority = tier * 128 + (client hash ^ salt of the hour) & 127

so that within a tier the same client keeps its fate for an hour, and sessions are not all half broken. A request is let
in if its priority is at most the threshold; each one is counted in a histogram, let in or not. Every 100 ms:
- too late (above 20 ms, or more than 95 % CPU): walk the threshold down over the histogram until so many requests are
  left out as were too many: 5 % of those let in for each 20 ms of lag, between 5 % and half;
- else: walk it up until at least 1 % more are let in.
Tier 0 (critical) is never shed: the threshold ends at 127. There is no second signal to tune, and nothing winds up.
A request is refused before its body is read: 503, Retry-After and `x-shed: 1`, so that nobody retries it at once.

Sources: algorithms.md 5 (1); "Overload Control for Scaling WeChat Microservices" (DAGOR), SoCC 2018.
"""

from collections.abc import Sequence

from gateway.model.safeguards import MILLISECOND, PRIORITIES, Explanation

LEVELS = 128  # per tier
TIERS = 6
PRIORITIES_IN_ALL = TIERS * LEVELS
ALL = PRIORITIES_IN_ALL - 1  # a threshold that lets everything in
LEAST = LEVELS - 1  # one that lets only critical requests in

TICK = 100 * MILLISECOND
LAG = 20 * MILLISECOND
CPU = 95  # percent
STEP_DOWN = 0.05  # of the requests let in, for each LAG of lag
STEP_DOWN_MOST = 0.5
STEP_UP = 0.01

SHED_FIELD = ("x-shed", "1")


def priority(tier: int, client_hash: int, salt: int) -> int:
    return tier * LEVELS + ((client_hash ^ salt) & (LEVELS - 1))


def admits(threshold: int, request_priority: int) -> bool:
    return request_priority <= threshold


def is_late(lag: int, cpu: int) -> bool:
    """`lag` in nanoseconds, `cpu` in percent of one core."""
    return lag > LAG or cpu > CPU


def tick(threshold: int, histogram: Sequence[int], lag: int, cpu: int = 0) -> int:
    """The next threshold, from the requests of the last tick by priority; the histogram begins anew afterwards."""
    admitted = sum(histogram[: threshold + 1])
    return _down(threshold, histogram, admitted, lag) if is_late(lag, cpu) else _up(threshold, histogram, admitted)


def _down(threshold: int, histogram: Sequence[int], admitted: int, lag: int) -> int:
    wanted, dropped = admitted * step_down(lag), 0
    while threshold > LEAST and dropped < wanted:
        dropped += histogram[threshold]
        threshold -= 1
    return threshold


def _up(threshold: int, histogram: Sequence[int], admitted: int) -> int:
    wanted, added = max(1.0, admitted * STEP_UP), 0
    while threshold < ALL and added < wanted:
        threshold += 1
        added += histogram[threshold]
    return threshold


def step_down(lag: int) -> float:
    """The share of the requests let in that is to go."""
    return min(STEP_DOWN_MOST, max(STEP_DOWN, STEP_DOWN * lag / LAG))


def retry_after(jitter: float) -> int:
    """Seconds to tell a client that was shed, 1 to 3; `jitter` in [0, 1)."""
    return 1 + int(jitter * 3)


def tier_name(tier: int) -> str:
    return next((name for name, number in PRIORITIES.items() if number == tier), f"tier {tier}")


def explain(threshold: int, lag: int, cpu: int = 0) -> Explanation:
    tier, level = divmod(threshold, LEVELS)
    decision = "lets everything in" if threshold >= ALL else (
        f"lets in what is above {tier_name(tier)}, and {level + 1} of {LEVELS} parts of that")
    return Explanation("shedding", f"lag {lag / MILLISECOND:g} ms, CPU {cpu} %", f"{LAG // MILLISECOND} ms or {CPU} %",
                       decision)
