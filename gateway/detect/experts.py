"""What a series should be now: five simple predictors, the better ones heard more.

    0  a fast average (half-life 2 samples)        1  a slow one (half an hour or more)
    2  the time of day + a slow level              3  the hour of the week + a slow level
    4  the time of day + a level of a day

Each is weighed by its recent mean error to the power of -`sharpness`, so that a series without seasons is predicted
by its level, and one with a strong week by its week, without anyone having to say which it is.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Columns, Numbers, half_life

DAY, HOUR, WEEK = 86_400, 3_600, 7 * 86_400
DAY_SLOTS, WEEK_SLOTS = 96, 168
SCORED = 20
"""Samples after which a seasonal predictor may speak."""
SLOT_GAIN = 0.3
SEASONAL = np.array([[False], [False], [True], [True], [True]])

Slots = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pace:
    """Gains per sample for a spacing, in seconds, of each series."""

    fast: Numbers
    slow: Numbers
    day: Numbers
    day_slots: Slots

    @classmethod
    def of(cls, spacing: Numbers, slowness: float) -> "Pace":
        """`slowness`: how many half hours (but at least six samples each) the slow averages remember."""
        slow = half_life(slowness * np.maximum(1800 / spacing, 6))
        slots = np.minimum(DAY_SLOTS, DAY // spacing).astype(np.intp)
        return cls(half_life(np.full_like(spacing, 2.0)), slow, half_life(np.maximum(DAY / spacing, 48)), slots)

    def take(self, rows: slice | NDArray[np.intp]) -> "Pace":
        return Pace(self.fast[rows], self.slow[rows], self.day[rows], self.day_slots[rows])


class Experts(Columns):
    WIDTHS: ClassVar = {"level": 5, "error": 5, "scored": 5, "slot": 2, "total": 2, "count": 2, "day": DAY_SLOTS,
                        "day_seen": DAY_SLOTS, "week": WEEK_SLOTS, "week_seen": WEEK_SLOTS}
    START: ClassVar = {"slot": -1.0}
    level: Numbers
    """Of 2 to 4: what is added to the profile."""
    error: Numbers
    scored: Numbers
    slot: Numbers
    total: Numbers
    count: Numbers
    day: Numbers
    day_seen: Numbers
    week: Numbers
    week_seen: Numbers


@dataclass(frozen=True, slots=True)
class Forecast:
    """`profile`: what 2 to 4 add their level to (0 for the others)."""

    each: Numbers
    profile: Numbers
    heard: NDArray[np.bool_]
    mixed: Numbers


def roll(experts: Experts, at: Numbers, pace: Pace) -> None:
    """A slot of the day or the week that has ended goes into its profile."""
    slots = np.stack([at % DAY // (DAY / pace.day_slots), at % WEEK // HOUR])
    ended = slots != experts.slot
    for which, (profile, seen) in enumerate(((experts.day, experts.day_seen), (experts.week, experts.week_seen))):
        done = np.flatnonzero(ended[which] & (experts.count[which] > 0))
        if done.size:
            _fold(profile, seen, experts.slot[which, done].astype(np.intp), done,
                  experts.total[which, done] / experts.count[which, done])
    np.copyto(experts.total, 0.0, where=ended)
    np.copyto(experts.count, 0.0, where=ended)
    experts.slot[...] = slots


def _fold(profile: Numbers, seen: Numbers, slot: Slots, series: Slots, mean: Numbers) -> None:
    seen[slot, series] += 1
    gain = np.maximum(SLOT_GAIN, 1 / seen[slot, series])
    profile[slot, series] += gain * (mean - profile[slot, series])


def forecast(experts: Experts, scale: Numbers, sharpness: float) -> Forecast:
    """`sharpness`: the power by which a smaller mean error is heard more."""
    series = np.arange(len(experts))
    day, week = experts.slot.astype(np.intp)
    nothing = np.zeros(len(experts))
    of_day, of_week = experts.day[day, series], experts.week[week, series]
    profile = np.stack([nothing, nothing, of_day, of_week, of_day])
    day_known, week_known = experts.day_seen[day, series] > 0, experts.week_seen[week, series] > 0
    always = np.ones(len(experts), dtype=bool)
    known = np.stack([always, always, day_known, week_known, day_known])
    each = profile + experts.level
    heard = known & (~SEASONAL | (experts.scored > SCORED))
    weight = np.where(heard, (experts.error + 0.01 * scale + 1e-12) ** -sharpness, 0.0)
    weight /= weight.max(axis=0)
    return Forecast(each, profile, known, (weight * each).sum(axis=0) / weight.sum(axis=0))


def score(experts: Experts, told: Forecast, value: Numbers, most: Numbers, pace: Pace,
          learning: Flags) -> None:
    """The mean error of each predictor that spoke; one sample counts at most `most`."""
    error = np.minimum(np.abs(value - told.each), most)
    learned = told.heard & learning
    experts.scored[...] += learned
    gain = np.maximum(pace.day, 1 / np.maximum(experts.scored, 1))
    experts.error[...] += np.where(learned, gain * (error - experts.error), 0.0)


def learn(experts: Experts, told: Forecast, value: Numbers, usual: Numbers, pace: Pace,
          learning: Flags) -> None:
    """`value` moves the levels of the series that are learning; the others' slots get `usual`."""
    gain = np.stack([pace.fast, pace.slow, pace.slow, pace.slow, pace.day])
    first = experts.scored <= 1
    gain = np.where(first & ~SEASONAL, 1.0, gain)
    moved = gain * (value - told.profile - experts.level)
    experts.level[...] += np.where(learning & told.heard, moved, 0.0)
    experts.total[...] += np.where(learning, value, usual)
    experts.count[...] += 1


def accept(experts: Experts, told: Forecast, value: Numbers, accepted: NDArray[np.bool_]) -> None:
    """The present value is the level from now on."""
    experts.level[...] = np.where(accepted, value - told.profile, experts.level)
