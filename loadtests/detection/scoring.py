"""How alarms on a labelled series are scored: streaming, no point adjustment, stuck alarms counted.

- Nothing counts in the first 48 hours; segments that end in them are dropped.
- Alarm samples no further apart than max(30 min, 3 samples) are one event.
- A segment is hit by an alarm sample in [start, max(end, start + max(3 samples, 30 min))] of an event that opened no
  more than max(6 samples, 30 min) before the start. An event that touches no segment is a false alarm, and so is each
  further day that an alarm spends outside of labels.
- NAB: its standard profile (Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms"), an event's opening
  being the detection.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtests.detection.labelled import Series

DAY = 86_400
MONTH = 30 * DAY
WARM_UP = 2 * DAY
FALSE_ALARM_COST = 0.11

Alarms = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    segments: int = 0
    hit: int = 0
    events: int = 0
    true_events: int = 0
    false_alarms: int = 0
    clean_seconds: float = 0.0
    delays: tuple[int, ...] = ()
    nab: float = 0.0
    """Sum over windows and false alarms, not normalised."""

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def recall(self) -> float:
        return self.hit / self.segments if self.segments else math.nan

    @property
    def precision(self) -> float:
        return self.true_events / self.events if self.events else 0.0

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both > 0 else 0.0

    @property
    def per_month(self) -> float:
        return self.false_alarms / (self.clean_seconds / MONTH) if self.clean_seconds else 0.0

    @property
    def nab_score(self) -> float:
        """100: perfect; 0: silent."""
        return 100 * (self.nab + self.segments) / (2 * self.segments) if self.segments else math.nan


def together(scores: Iterable[Score]) -> Score:
    return sum(scores, Score())


def score(series: Series, alarms: Alarms) -> Score:
    """`alarms`: true for each sample in alarm."""
    spacing, warm = series.spacing, int(np.searchsorted(series.at, series.at[0] + WARM_UP))
    alarms = alarms & (np.arange(len(alarms)) >= warm)
    segments = [segment for segment in series.segments if segment[1] >= warm]
    events = merged(alarms, max(3, int(1800 // spacing)))
    grace, early = max(3, int(1800 // spacing)), max(6, int(1800 // spacing))
    true, delays = set(), []
    for start, end in segments:
        last = max(end, start + grace)
        hits = [(max(first, start), number) for number, (first, final) in enumerate(events)
                if first <= last and final >= start and first >= start - early and alarms[start:last + 1].any()]
        true |= {number for _, number in hits}
        if hits:
            delays.append(int(np.flatnonzero(alarms[start:last + 1])[0]))
    false = sum(1 for number in range(len(events)) if number not in true)
    clean = ~series.labelled & (np.arange(len(alarms)) >= warm)
    stuck = sum(int((clean[first:final + 1] & alarms[first:final + 1]).sum() * spacing // DAY)
                for first, final in events)
    return Score(len(segments), len(delays), len(events), len(true), false + stuck, float(clean.sum() * spacing),
                 tuple(delays), _nab(segments, [first for first, _ in events]))


def merged(alarms: Alarms, gap: int) -> list[tuple[int, int]]:
    """First and last sample of each event."""
    at = np.flatnonzero(alarms)
    if not at.size:
        return []
    breaks = np.flatnonzero(np.diff(at) > gap)
    return list(zip(at[np.concatenate([[0], breaks + 1])].tolist(), at[np.concatenate([breaks, [-1]])].tolist(),
                    strict=True))


def _nab(windows: Sequence[tuple[int, int]], openings: Sequence[int]) -> float:
    total = 0.0
    for start, end in windows:
        inside = [opening for opening in openings if start <= opening <= end]
        total += _sigmoid(-(end - inside[0] + 1) / (end - start + 1)) / _sigmoid(-1.0) if inside else -1.0
    for opening in openings:
        if not any(start <= opening <= end for start, end in windows):
            before = [window for window in windows if window[1] < opening]
            total += FALSE_ALARM_COST * (_after(opening, max(before)) if before else -1.0)
    return total


def _after(opening: int, window: tuple[int, int]) -> float:
    away = (opening - window[1]) / max(window[1] - window[0], 1)
    return _sigmoid(away) if away <= 3 else -1.0


def _sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1
