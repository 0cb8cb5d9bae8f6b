"""How late this worker's event loop is, and whom it turns away for that: mitigate/shedding.py put to work.

A timer is due every 10 ms; how late it comes is how long a request would wait for its turn. Every 100 ms the controller
of `shedding` is told the least of these lags: a queue that stands makes every beat late, while a burst (of handshakes,
or another guest on the processor) has passed before the next one. Where no beat came at all, it is as late as it is by
now. Source: "Controlling Queue Delay" (CoDel), ACM Queue 2012, which takes the minimum of 100 ms for the same reason.
What waits for its turn among large bodies (turns.pyx) is late as well, though the loop is not.
It is also told for how much of the time the thread ran or waited for a processor: what is left is time to spare.

The salt of the cohorts changes each hour, so that it is not always the same clients who are turned away.
"""

import asyncio
import time
from collections.abc import Callable

from gateway.dataplane.plane import Plane
from gateway.mitigate import shedding

PERIOD_SECONDS = 0.010
NO_BEAT = 2**63
HOUR_NS = 3_600_000_000_000
SCHEDSTAT = "/proc/thread-self/schedstat"   # ns on a processor, ns waiting for one, times: Documentation/scheduler
GOLDEN = 0x9E3779B97F4A7C15             # spreads the number of the hour over all bits of the salt


def runnable_seconds() -> float:
    """For how long this thread ran or waited for a processor. Where the kernel does not say how long it waited, as in
    some sandboxes, how long it ran."""
    try:
        with open(SCHEDSTAT, "rb") as file:
            ran, waited = map(int, file.read().split()[:2])
    except (OSError, ValueError):
        return time.thread_time()
    return (ran + waited) / 1e9 if ran else time.thread_time()


class Overload:
    """Mutable state: when the timer is due, the least and the worst lag since the last turn, and the least of the turn
    before; ns. Requests in flight; when the last turn was, and the thread's time then, in seconds.

    `runnable` tells for how long the thread ran or waited to run."""

    def __init__(self, loop: asyncio.AbstractEventLoop, plane: Plane,
                 runnable: Callable[[], float] = runnable_seconds) -> None:
        self._loop = loop
        self._plane = plane
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._seed = plane.shed_salt
        self._least = NO_BEAT
        self.lag = 0
        self.worst = 0
        self.cut = shedding.EVERYTHING
        self._in_flight = 0
        self._runnable = runnable
        self._looked = loop.time(), self._runnable()

    def start(self) -> None:
        self._due = self._loop.time() + PERIOD_SECONDS
        self._timer = self._loop.call_at(self._due, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        late = max(self._late(), self._plane.turns.waited())
        self._least = min(self._least, late)
        self.worst = max(self.worst, late)
        self._plane.beat_let_in = 0
        self.start()

    def _late(self) -> int:
        return max(0, int((self._loop.time() - self._due) * 1e9)) if self._timer is not None else 0

    def turn(self, now_ns: int) -> int:
        """Every 100 ms: the next threshold. Returns the worst lag since the last turn."""
        self.lag, self._least = self._least if self._least < NO_BEAT else self._late(), NO_BEAT
        worst, self.worst = max(self.worst, self.lag), 0
        seen = self._look()
        if self.cut.lets_all_in and not shedding.is_late(self.cut, self.lag):
            self._plane.forget_ranks()                  # nothing to decide, so nothing to count: the ordinary turn
        else:
            counts, let_in, full = self._plane.take_ranks()
            self._obey(shedding.tick(self.cut, shedding.Seen(counts, let_in, full, self.lag, *seen)))
        self._plane.shed_salt = (self._seed ^ (now_ns // HOUR_NS) * GOLDEN) & (2**64 - 1)
        return worst

    def _look(self) -> tuple[float, int]:
        """Since the last look: the share of the time that the thread ran or waited to, and by how many those in flight
        became more."""
        (then, spent), self._looked = self._looked, (self._loop.time(), self._runnable())
        before, self._in_flight = self._in_flight, self._plane.active
        passed = self._looked[0] - then
        return (self._looked[1] - spent) / passed if passed > 0 else 1.0, self._in_flight - before

    def _obey(self, cut: shedding.Cut) -> None:
        self.cut = cut
        self._plane.shedding = not cut.lets_all_in
        self._plane.shed_threshold, self._plane.shed_reserve = cut.threshold, cut.reserve
        self._plane.shed_room, self._plane.shed_budget = cut.room, cut.budget
        self._plane.next_epoch()

    def __repr__(self) -> str:
        return f"<Overload lag {self.lag / 1e6:.1f} ms, {self.cut}>"
