"""How fast the objectives of routes are used up: sums over 5 minutes to 3 days, and what burns as signals.

Ticks of ten seconds are added up to whole minutes, which are kept for six hours, and to ten minutes, kept for three
days: 12 KB a route. The minutes under way count at once; so a window is longer by at most its own grain.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from gateway.detect import burn
from gateway.detect.burn import HOUR, MINUTE, RULES, Sums
from gateway.detect.columns import Columns, Numbers
from gateway.model.signal import Signal, SignalKind

SECOND = 1_000_000_000
TICK = 10
FINE, COARSE = MINUTE, 10 * MINUTE
FINE_SLOTS, COARSE_SLOTS = 6 * HOUR // FINE, 3 * burn.DAY // COARSE


class Spent(Columns):
    """Rings by the time of day and of three days; a slot that comes round again begins at nothing."""

    WIDTHS: ClassVar = {"fine": FINE_SLOTS, "fine_bad": FINE_SLOTS, "coarse": COARSE_SLOTS, "coarse_bad": COARSE_SLOTS}
    fine: Numbers
    fine_bad: Numbers
    coarse: Numbers
    coarse_bad: Numbers
    at: Numbers
    """When the last tick began, the same for all."""


class Objectives:
    """Requests and bad requests of many routes, all at the same ticks. Times are UTC seconds."""

    def __init__(self, count: int) -> None:
        self.spent = Spent(count)

    def tick(self, at: float, requests: Numbers, bad: Numbers) -> None:
        spent = self.spent
        last = float(spent.at.max(initial=0))
        for grain, slots, ring, bad_ring in self._rings():
            self._clear(ring, bad_ring, int(last // grain), int(at // grain), slots)
            ring[int(at // grain) % slots] += requests
            bad_ring[int(at // grain) % slots] += bad
        spent.at[...] = at

    def _rings(self) -> Sequence[tuple[int, int, Numbers, Numbers]]:
        spent = self.spent
        return ((FINE, FINE_SLOTS, spent.fine, spent.fine_bad), (COARSE, COARSE_SLOTS, spent.coarse, spent.coarse_bad))

    def _clear(self, ring: Numbers, bad_ring: Numbers, last: int, now: int, slots: int) -> None:
        """What nobody saw, and what is older than the ring."""
        for slot in range(max(last + 1, now - slots + 1), now + 1):
            ring[slot % slots] = 0
            bad_ring[slot % slots] = 0

    def sums(self, seconds: int) -> Sums:
        """Of the last `seconds`."""
        grain, slots, ring, bad_ring = self._rings()[seconds > FINE * FINE_SLOTS]
        now = int(self.spent.at.max(initial=0) // grain)
        rows = [(now - back) % slots for back in range(min(seconds // grain, slots))]
        return Sums(ring[rows].sum(axis=0), bad_ring[rows].sum(axis=0))

    def signals(self, names: Sequence[str], success: Numbers) -> list[Signal]:
        """Of routes whose `success` is above 0."""
        if not success.any():
            return []
        windows = {seconds: self.sums(seconds) for seconds in burn.WINDOWS}
        rules = burn.burning(windows, success)
        burns = np.flatnonzero((rules != burn.CALM) & (success > 0))
        return [self._signal(int(row), names[int(row)], int(rules[row]), windows, success) for row in burns]

    def _signal(self, row: int, name: str, number: int, windows: Mapping[int, Sums], success: Numbers) -> Signal:
        rule = RULES[number]
        long, short = (float(burn.rate(windows[seconds], success)[row]) for seconds in (rule.long, rule.short))
        now = float(self.spent.at[row]) + TICK
        onset = self._onset(row, rule, success)
        observed = f"burns {long:.3g} times too fast for {_span(rule.long)}, {short:.3g} times for {_span(rule.short)}"
        return Signal(SignalKind.BURN, f"route:{name}", int(now * SECOND), int(onset * SECOND), observed,
                      f"{rule.burn:g} times, a {rule.severity}")

    def _onset(self, row: int, rule: burn.Rule, success: Numbers) -> float:
        """The first minute of the run of minutes that burn as fast as the rule says; one of them may be missing."""
        at, spent = float(self.spent.at[row]), self.spent
        allowed = (1 - success[row] / burn.PARTS) * rule.burn
        now, first, missing = int(at // FINE), int(at // FINE), 0
        for minute in range(now, now - FINE_SLOTS, -1):
            requests, bad = spent.fine[minute % FINE_SLOTS, row], spent.fine_bad[minute % FINE_SLOTS, row]
            burns = bad > 0 and bad >= allowed * requests
            missing = 0 if burns else missing + 1
            if missing > 1:
                break
            first = minute if burns else first
        return float(first * FINE)


def _span(seconds: int) -> str:
    return f"{seconds // burn.DAY} d" if seconds >= burn.DAY else (
        f"{seconds // HOUR} h" if seconds >= HOUR else f"{seconds // MINUTE} min")

