"""The anomaly detectors of all routes together: ticks of ten seconds in, signals out.

Statistics per route, which share its budget of false alarms: rate up, rate down, errors and slow answers by the tick;
rate and latency by the minute with a learned tail. Signals are levels: each turn names all that is wrong now.
"""

import json
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
BYTES_VERSION = 1

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ten seconds of every route, in the order of `names`."""

    requests: Numbers
    errors: Numbers
    slow: Numbers
    """Answered later than an edge which the caller holds still."""


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
    """`budget`: false alarms a month, of each route."""

    def __init__(self, names: Sequence[str], budget: float = 1.0) -> None:
        self.names, self.budget = list(names), budget
        self.threshold = threshold(budget, SECONDS)
        count = len(self.names)
        self.rate, self.errors, self.slow = Counts(count), Ratios(count), Ratios(count)
        self.minute_rate, self.latency = self._by_minute(COUNT, count), self._by_minute(GAUGE, count)
        self.standing = Standing(count)

    def _by_minute(self, kind: Kind, count: int) -> Residuals:
        """Each takes the share of one family of the budget."""
        return Residuals(kind, np.full(count, 60.0), np.full(count, self.budget / FAMILIES))

    def tick(self, at: float, ticks: Ticks, frozen: Flags | bool = False,
             lowered: Numbers | float = 0.0) -> list[Signal]:
        """The ten seconds that began at `at` (UTC seconds). `frozen`: routes with an open incident learn nothing, for
        an hour; `lowered`: threshold.lowered of each route."""
        h = np.full(len(self.names), self.threshold) - lowered
        rate = self.rate.observe(at, ticks.requests, h, frozen)
        errors = self.errors.observe(at, ticks.errors, ticks.requests, h, frozen)
        slow = self.slow.observe(at, ticks.slow, ticks.requests, h, frozen)
        found = []
        for index in np.flatnonzero(rate.alarm):
            found.append(self._rate(int(index), at, bool(rate.up[index]), float(rate.onset[index]),
                                    float(rate.count[index]), float(rate.expected[index]), float(rate.excess[index])))
        for kind, seen in ((SignalKind.ERRORS, errors), (SignalKind.SLOW, slow)):
            for index in np.flatnonzero(seen.alarm):
                found.append(self._signal(kind, int(index), at, float(seen.onset[index]), float(seen.excess[index]),
                                          f"{seen.share[index]:.1%} of the last minute",
                                          f"{seen.usual[index]:.2%} usual"))
        return found + self._standing(at, {(signal.kind, signal.target) for signal in found})

    def minute(self, at: float, requests: Numbers, latency: Numbers, frozen: Flags | bool = False,
               lowered: Numbers | float = 0.0) -> None:
        """The minute that began at `at`. `latency`: a percentile in ms; NaN or too few requests: not looked at.

        What it finds is in the signals of the ticks from now on.
        """
        everything = np.arange(len(self.names))
        self._stand("rate", at, everything, self.minute_rate.observe(at, requests, lowered=lowered, frozen=frozen),
                    requests)
        known = np.flatnonzero(~np.isnan(latency) & (requests >= LEAST_REQUESTS))
        if known.size:
            seen = self.latency.observe(at, latency[known], known, _of(lowered, known), _of(frozen, known))
            self._stand("latency", at, known, seen, latency)

    def _stand(self, what: str, at: float, which: NDArray[np.intp], seen: Seen, value: Numbers) -> None:
        alarm = seen.alarm & (seen.up if what == "latency" else True)
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

    def condition(self, name: str) -> Condition:
        """Raises ValueError for a name that is not watched."""
        index = self.names.index(name)
        age = float(self.rate.watch.age[index])
        day = float(self.errors.state.count[index]) * math.log(2) / TICKS_A_DAY
        noise = float(dispersion.factor(self.rate.dispersion, np.full(len(self.names), day))[index])
        usual = float((self.errors.state.bad[index] + 0.5) / (self.errors.state.count[index] + 1))
        return Condition(max(WARM_UP_TICKS - age, 0) * SECONDS, visibility.smallest_rise(day, noise, self.threshold),
                         visibility.sees_silence(day, noise, self.threshold),
                         visibility.smallest_share(day, usual, self.threshold))

    def arrange(self, names: Sequence[str]) -> None:
        """Another plan: routes that stay keep what was learned, by name; new ones begin to warm up."""
        places = {name: index for index, name in enumerate(self.names)}
        order = np.array([places.get(name, -1) for name in names], dtype=np.intp)
        fresh = RouteDetectors(names, self.budget)
        for owner, name, columns in self._parts():
            setattr(getattr(fresh, owner) if owner else fresh, name, columns.arranged(order))
        self.__dict__.update(fresh.__dict__)

    def _parts(self) -> list[tuple[str, str, Columns]]:
        """All that is remembered: (detector, attribute, columns), in a fixed order."""
        found: list[tuple[str, str, Columns]] = [("", "standing", self.standing)]
        for owner in ("rate", "errors", "slow", "minute_rate", "latency"):
            found += [(owner, name, value) for name, value in vars(getattr(self, owner)).items()
                      if isinstance(value, Columns)]
        return found

    def to_bytes(self) -> bytes:
        """About 12 KB a route."""
        blobs = [columns.to_bytes() for _, _, columns in self._parts()]
        head = json.dumps({"version": BYTES_VERSION, "names": self.names, "sizes": [len(blob) for blob in blobs]})
        return head.encode() + b"\n" + b"".join(blobs)

    @classmethod
    def from_bytes(cls, data: bytes, budget: float = 1.0) -> "RouteDetectors":
        """Raises ValueError where it is damaged or of another version; the caller begins anew then, warming up."""
        head, _, rest = data.partition(b"\n")
        try:
            said = json.loads(head)
            names, sizes, version = said["names"], said["sizes"], said["version"]
        except (ValueError, KeyError, TypeError):
            raise ValueError("no state of detectors") from None
        found = cls(names, budget)
        parts = found._parts()
        if version != BYTES_VERSION or len(sizes) != len(parts) or sum(sizes) != len(rest):
            raise ValueError("the state of detectors is damaged or of another version")
        begin = 0
        for (owner, name, columns), size in zip(parts, sizes, strict=True):
            read = type(columns).from_bytes(rest[begin:begin + size])
            if len(read) != len(names):
                raise ValueError("the state of detectors is damaged")
            setattr(getattr(found, owner) if owner else found, name, read)
            begin += size
        return found


def _of(value: Any, rows: NDArray[np.intp]) -> Any:
    """Of a value for every route, or of one for all."""
    return value[rows] if isinstance(value, np.ndarray) else value
