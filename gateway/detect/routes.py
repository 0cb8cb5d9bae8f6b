"""The anomaly detectors of all routes together: ticks of ten seconds in, signals out.

Statistics per route, which share its budget of false alarms: rate up, rate down, errors and slow answers by the tick;
rate and latency by the minute with a learned tail. Signals are levels: each turn names all that is wrong now.
While a route warms up there is one absolute rule: half of a minute's requests fail.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.detect import dispersion, visibility
from gateway.detect.baseline import SECONDS, TICKS_A_DAY
from gateway.detect.columns import Columns, Numbers
from gateway.detect.counts import Counts
from gateway.detect.ratios import Ratios
from gateway.detect.residual import COUNT, GAUGE, Kind, Residuals, Seen
from gateway.detect.threshold import FAMILIES, threshold
from gateway.detect.watch import WARM_UP_TICKS
from gateway.model.signal import Signal, SignalKind

SECOND = 1_000_000_000
STANDS = 300
"""Seconds for which an alarm of a minute stands after the last one."""
LEAST_REQUESTS = 20
"""Requests in a minute below which its percentile means nothing."""

FAILING_SHARE, FAILING_LEAST = 0.5, 20
"""Of a minute's requests, and requests in it: while it is not known yet what is usual, this is not."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ten seconds of every route, in the order of `names`."""

    requests: Numbers
    errors: Numbers
    slow: Numbers
    """Answered later than an edge that is held still: slowness.py."""


@dataclass(frozen=True, slots=True)
class Condition:
    """For people: what detection can do for a route now. Infinite: it can not see that at this traffic."""

    warming_up_seconds: float
    smallest_rise: float
    sees_silence: bool
    smallest_error_share: float

    def __str__(self) -> str:
        if self.warming_up_seconds > 0:
            return f"warming up: no anomaly alarms for another {self.warming_up_seconds / 3600:.0f} h"
        rise = f"rises of x{self.smallest_rise:.2g}" if math.isfinite(self.smallest_rise) else "no rise"
        share = (f"errors of {self.smallest_error_share:.2g}" if math.isfinite(self.smallest_error_share)
                 else "no errors")
        silence = "silence" if self.sees_silence else "no silence"
        return f"sees {rise}, {share} and {silence} within ten minutes"


class Standing(Columns):
    """The alarms by the minute, which stand for a while: one of `rate`, one of `latency`. Times are UTC seconds."""

    rate_until: Numbers
    rate_up: Numbers
    rate_onset: Numbers
    rate_seen: Numbers
    rate_usual: Numbers
    rate_excess: Numbers
    latency_until: Numbers
    latency_onset: Numbers
    latency_seen: Numbers
    latency_usual: Numbers
    latency_excess: Numbers


class RouteDetectors:
    """`budget`: false alarms a month, of each route or for all alike; 0: it learns, and raises none."""

    PARTS = ("rate", "errors", "slow", "minute_rate", "latency")

    def __init__(self, names: Sequence[str], budget: Numbers | float = 1.0) -> None:
        self.names = list(names)
        count = len(self.names)
        wanted = np.broadcast_to(np.asarray(budget, dtype=np.float64), count)
        self.silent = wanted <= 0
        self.budget = np.where(self.silent, 1.0, wanted)
        self.threshold = threshold(self.budget, SECONDS)
        self.rate, self.errors, self.slow = Counts(count), Ratios(count), Ratios(count)
        self.minute_rate, self.latency = self._by_minute(COUNT, count), self._by_minute(GAUGE, count)
        self.standing = Standing(count)

    def _by_minute(self, kind: Kind, count: int) -> Residuals:
        """Each takes the share of one family of the budget."""
        return Residuals(kind, np.full(count, 60.0), self.budget / FAMILIES)

    def tick(self, at: float, ticks: Ticks, frozen: Flags | bool = False,
             lowered: Numbers | float = 0.0) -> list[Signal]:
        """The ten seconds that began at `at` (UTC seconds). `frozen`: routes with an open incident learn nothing, for
        an hour; `lowered`: threshold.lowered of each route."""
        h = self.threshold - lowered
        rate = self.rate.observe(at, ticks.requests, h, frozen)
        errors = self.errors.observe(at, ticks.errors, ticks.requests, h, frozen)
        slow = self.slow.observe(at, ticks.slow, ticks.requests, h, frozen)
        found = []
        for index in np.flatnonzero(rate.alarm & ~self.silent):
            found.append(self._rate(int(index), at, bool(rate.up[index]), float(rate.onset[index]),
                                    float(rate.count[index]), float(rate.expected[index]), float(rate.excess[index])))
        for kind, seen in ((SignalKind.ERRORS, errors), (SignalKind.SLOW, slow)):
            for index in np.flatnonzero(seen.alarm & ~self.silent):
                found.append(self._signal(kind, int(index), at, float(seen.onset[index]), float(seen.excess[index]),
                                          f"{seen.share[index]:.1%} of the last minute",
                                          f"{seen.usual[index]:.2%} usual"))
        for index in np.flatnonzero(self._failing(errors.share) & ~self.silent):
            found.append(self._signal(SignalKind.ERRORS, int(index), at, float(errors.onset[index]), 0.0,
                                      f"{errors.share[index]:.1%} of the last minute",
                                      f"{FAILING_SHARE:.0%}, while it learns what is usual"))
        return found + self._standing(at, {(signal.kind, signal.target) for signal in found})

    def _failing(self, share: Numbers) -> Flags:
        """`share`: of the last minute's requests that failed."""
        state, new = self.errors.state, self.errors.watch.age <= WARM_UP_TICKS
        failing: Flags = new & (share >= FAILING_SHARE) & (state.minute_count.sum(axis=0) >= FAILING_LEAST)
        return failing

    def minute(self, at: float, requests: Numbers, latency: Numbers, frozen: Flags | bool = False,
               lowered: Numbers | float = 0.0, rows: NDArray[np.intp] | None = None) -> None:
        """The minute that began at `at`. `latency`: a percentile in ms; NaN or too few requests: not looked at; `rows`:
        the routes of which the whole minute was seen, all by default.

        What it finds is in the signals of the ticks from now on.
        """
        rows = np.arange(len(self.names)) if rows is None else rows
        if rows.size:
            seen = self.minute_rate.observe(at, requests[rows], rows, _of(lowered, rows), _of(frozen, rows))
            self._stand("rate", at, rows, seen, requests)
        known = rows[~np.isnan(latency[rows]) & (requests[rows] >= LEAST_REQUESTS)]
        if known.size:
            seen = self.latency.observe(at, latency[known], known, _of(lowered, known), _of(frozen, known))
            self._stand("latency", at, known, seen, latency)

    def _stand(self, what: str, at: float, which: NDArray[np.intp], seen: Seen, value: Numbers) -> None:
        alarm = seen.alarm & (seen.up if what == "latency" else True)
        alarm &= ~self.silent[which]
        rows, standing = which[alarm], self.standing
        stands = getattr(standing, f"{what}_until") > at
        onset = getattr(standing, f"{what}_onset")
        onset[rows] = np.where(stands[rows], onset[rows], seen.onset[alarm])
        getattr(standing, f"{what}_until")[rows] = at + 60 + STANDS
        getattr(standing, f"{what}_seen")[rows] = value[rows]
        getattr(standing, f"{what}_usual")[rows] = seen.expected[alarm]
        getattr(standing, f"{what}_excess")[rows] = seen.excess[alarm]
        if what == "rate":
            standing.rate_up[rows] = seen.up[alarm]

    def _standing(self, at: float, already: set[tuple[SignalKind, str]]) -> list[Signal]:
        standing, found = self.standing, []
        for index in map(int, np.flatnonzero(standing.rate_until > at)):
            found.append(self._rate(index, at, bool(standing.rate_up[index]), float(standing.rate_onset[index]),
                                    float(standing.rate_seen[index]), float(standing.rate_usual[index]),
                                    float(standing.rate_excess[index])))
        for index in map(int, np.flatnonzero(standing.latency_until > at)):
            found.append(self._signal(SignalKind.SLOW, index, at, float(standing.latency_onset[index]),
                                      float(standing.latency_excess[index]), f"{standing.latency_seen[index]:.0f} ms",
                                      f"{standing.latency_usual[index]:.0f} ms usual"))
        return [signal for signal in found if (signal.kind, signal.target) not in already]

    def _rate(self, index: int, at: float, up: bool, onset: float, seen: float, usual: float, excess: float) -> Signal:
        kind = SignalKind.RATE_UP if up else SignalKind.RATE_DOWN
        return self._signal(kind, index, at, onset, excess, f"{seen:.0f} in a minute", f"{usual:.1f} usual")

    def _signal(self, kind: SignalKind, index: int, at: float, onset: float, excess: float, observed: str,
                usual: str) -> Signal:
        return Signal(kind, f"route:{self.names[index]}", int((at + SECONDS) * SECOND), int(onset * SECOND), observed,
                      usual, max(excess, 0.0))

    def conditions(self) -> list[Condition]:
        """In the order of the names."""
        age, state = self.rate.watch.age, self.errors.state
        day = state.count * math.log(2) / TICKS_A_DAY
        noise = dispersion.factor(self.rate.dispersion, day)
        usual = (state.bad + 0.5) / (state.count + 1)
        return [Condition(max(WARM_UP_TICKS - float(age[row]), 0) * SECONDS,
                          visibility.smallest_rise(float(day[row]), float(noise[row]), h),
                          visibility.sees_silence(float(day[row]), float(noise[row]), h),
                          visibility.smallest_share(float(day[row]), float(usual[row]), h))
                for row, h in enumerate(map(float, self.threshold))]


def _of(value: Any, rows: NDArray[np.intp]) -> Any:
    """Of a value for every route, or of one for all."""
    return value[rows] if isinstance(value, np.ndarray) else value
