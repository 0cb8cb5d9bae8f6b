"""Load shedding for the gateway's own sake: the controller of one worker.

Theory of operation. The queue of a process with one event loop is the loop itself, so its lag is the signal: how late
a 10 ms timer comes. Shedding begins when that stands above 20 ms, and then two things are decided every 100 ms: *whom*
to let in, and *how many at a time*.

Whom (DAGOR): each request has a rank 0 .. 767, lower is more important:

    rank = tier * 128 + (client hash ^ salt of the hour) & 127

so that within a tier the same client keeps its fate for an hour, and sessions are not all half broken. Of the ranks
that came in the last 100 ms, the most important that together were no more than the worker let in are *sure*; those up
to one and a half times that many (or all, while the worker has time to spare) are in *reserve*; the rest are shed.

How many at a time: a sure request is let in while fewer than twice the *room* are in flight, one of the reserve while
fewer than the room are. So each that ends makes room for the next, and a burst cannot queue up in the loop, which a
share of the requests would let it do. In flight counts those that began within the last 100 to 200 ms, since who waits
long for a slow upstream takes no time of the loop. What is answered at once is never in flight: where requests come too
fast for the loop while there is room, a *budget* for each beat of 10 ms bounds them in the same way.
Above 5 ms of lag the one that bounds shrinks by 5 % for each 20 ms, at most to half; in time, the one for which
requests are refused grows by as much as the worker has time to spare, at most to twice. Has it none, the room shrinks
by 5 %: what waits in it only makes the loop late. After a second in which nobody was refused all is normal again.

Tier 0 (critical) is never shed. A processor that is merely busy is no reason to begin: clients who each wait for their
answer keep it so without anybody being late.
A request is refused before its body is read: 503, Retry-After and `x-shed: 1`, so that nobody retries it at once.

Sources: algorithms.md 5 (1); "Overload Control for Scaling WeChat Microservices" (DAGOR), SoCC 2018, for the ranks;
"Controlling Queue Delay" (CoDel), ACM Queue 2012, for the standing lag; the room is a window of what is in flight, as
in TCP and in Netflix's concurrency-limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.model.safeguards import MILLISECOND, PRIORITIES, Explanation

LEVELS = 128  # per tier
TIERS = 6
RANKS = TIERS * LEVELS
ALL = RANKS - 1  # a threshold that lets everything in
LEAST = LEVELS - 1  # one that lets only critical requests in

TICK = 100 * MILLISECOND
LAG = 20 * MILLISECOND
AIM = LAG // 4
STEP_DOWN = 0.05  # of the room, for each LAG of lag
STEP_DOWN_MOST = 0.5
ROOM_LEAST = 4
BEATS = 10  # per tick
UNBOUNDED = 2**31 - 1
ROOM_AT_FIRST = 4  # what a quarter of a tick's requests take
RESERVE = 1.5
BUSY = 0.9
GROWTH_MOST = 2.0
CALM_TICKS = 10

SHED_FIELD = ("x-shed", "1")


@dataclass(frozen=True, slots=True)
class Cut:
    """Ranks up to `threshold` are let in while fewer than twice the `room` are in flight and fewer than twice the
    `budget` have come in this beat, those up to `reserve` while fewer than once that. `calm`: ticks since somebody was
    refused."""

    threshold: int = ALL
    reserve: int = ALL
    room: int = UNBOUNDED
    budget: int = UNBOUNDED
    calm: int = 0

    @property
    def lets_all_in(self) -> bool:
        return self.room == UNBOUNDED


EVERYTHING = Cut()


@dataclass(frozen=True, slots=True)
class Seen:
    """One tick: requests by rank, how many of them were let in and how many found no room, the standing lag in ns, the
    share of the time that the worker had something to do, and by how many those in flight became more (or fewer)."""

    counts: Sequence[int]
    let_in: int
    full: int
    lag: int
    busy: float = 1.0
    more_in_flight: int = 0


def rank(tier: int, client_hash: int, salt: int) -> int:
    return tier * LEVELS + ((client_hash ^ salt) & (LEVELS - 1))


def admits(cut: Cut, request_rank: int, in_flight: int, came_in: int = 0) -> bool:
    """`came_in`: since this beat began."""
    if request_rank <= LEAST or cut.lets_all_in:
        return True
    times = 2 if request_rank <= cut.threshold else 1
    return request_rank <= cut.reserve and in_flight < times * cut.room and came_in < times * cut.budget


def is_late(cut: Cut, lag: int) -> bool:
    """`lag` in nanoseconds."""
    return lag > (LAG if cut.lets_all_in else AIM)


def tick(cut: Cut, seen: Seen) -> Cut:
    """The next cut."""
    late = is_late(cut, seen.lag)
    if cut.lets_all_in:
        return _beginning(seen) if late and seen.let_in else cut
    if not late and seen.let_in == sum(seen.counts):
        return replace(cut, calm=cut.calm + 1) if cut.calm + 1 < CALM_TICKS else EVERYTHING
    spare = not late and seen.busy < BUSY
    threshold = last_within(seen.counts, seen.let_in)
    reserve = ALL if spare else min(ALL, last_within(seen.counts, seen.let_in * RESERVE) + 1)
    return replace(smaller(cut, seen) if late else larger(cut, seen), threshold=threshold, reserve=reserve, calm=0)


def _beginning(seen: Seen) -> Cut:
    """What has ended is what can be borne."""
    borne = max(0, seen.let_in - max(0, seen.more_in_flight))
    threshold = last_within(seen.counts, borne)
    return Cut(threshold, min(ALL, threshold + 1), max(ROOM_LEAST, borne // ROOM_AT_FIRST))


def smaller(cut: Cut, seen: Seen) -> Cut:
    """The room bounds, unless more come in at each beat than there is room for: those were answered at once."""
    left, came_in = 1 - step_down(seen.lag), seen.let_in / BEATS
    if seen.full or came_in <= cut.room:
        return replace(cut, room=max(ROOM_LEAST, int(cut.room * left)))
    return replace(cut, budget=max(cut.room, int(min(cut.budget, came_in) * left)))


def larger(cut: Cut, seen: Seen) -> Cut:
    """What bounds, if there is time to spare; else the room is tried smaller, as long as the worker stays busy."""
    if seen.busy >= BUSY:
        return replace(cut, room=max(ROOM_LEAST, int(cut.room * (1 - STEP_DOWN)))) if seen.full else cut
    over_budget = sum(seen.counts[: cut.reserve + 1]) - seen.let_in - seen.full
    return replace(cut, room=_grown(cut.room, seen.busy) if seen.full else cut.room,
                   budget=_grown(cut.budget, seen.busy) if over_budget > 0 else cut.budget)


def _grown(bound: int, busy: float) -> int:
    return min(UNBOUNDED - 1, int(bound * min(GROWTH_MOST, 1 / max(busy, 0.01))) + 1)


def last_within(counts: Sequence[int], wanted: float) -> int:
    """The last rank up to which there were no more than `wanted`; critical ones are in any case."""
    total = sum(counts[: LEAST + 1])
    for threshold in range(LEAST, ALL):
        total += counts[threshold + 1]
        if total > wanted:
            return threshold
    return ALL


def step_down(lag: int) -> float:
    """The share of what bounds that is to go."""
    return min(STEP_DOWN_MOST, max(STEP_DOWN, STEP_DOWN * lag / LAG))


def retry_after(jitter: float) -> int:
    """Seconds to tell a client that was shed, 1 to 3; `jitter` in [0, 1)."""
    return 1 + int(jitter * 3)


def tier_name(tier: int) -> str:
    return next((name for name, number in PRIORITIES.items() if number == tier), f"tier {tier}")


def explain_threshold(threshold: int) -> str:
    tier, level = divmod(threshold, LEVELS)
    return f"what is above {tier_name(tier)}, and {level + 1} of {LEVELS} parts of that"


def explain(cut: Cut, lag: int) -> Explanation:
    decision = "lets everything in" if cut.lets_all_in else (
        f"lets in {explain_threshold(cut.threshold)}; others while fewer than {cut.room} are in flight")
    return Explanation("shedding", f"lag {lag / MILLISECOND:g} ms", f"{LAG // MILLISECOND} ms", decision)
