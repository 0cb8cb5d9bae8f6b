"""How many requests a tick should bring: the hour of the week times a level, winsorised, never frozen for ever.

    mu = max(0.02, week[hour] * level)        between the hours' centres interpolated

- First day: no profile, `level` is the rate itself. Days 2 to 7: the same hour of the latest day that is known.
- `level` has a half-life of 30 minutes and stays within 0.1 to 4. A rate that was accepted outside of that makes the
  profile distrusted: `level` is the rate itself again, until the profile fits once more (half an hour of usual ticks)
  or has been relearned (a week).
- Learning is the caller's to stop; `accept` is how it ends: the present rate is the usual one from then on.

Source: algorithms.md 2.3; Farrington's reweighting of the past, in a streaming form. Ticks are of ten seconds.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Columns, Numbers, half_life

SECONDS = 10
TICKS_AN_HOUR = 3600 // SECONDS
TICKS_A_DAY = 24 * TICKS_AN_HOUR
HOURS = 168
LEAST = 0.02
LEVEL_GAIN = float(half_life(180.0))
RECENT_GAIN = float(half_life(6.0))
LOW, HIGH = 0.1, 4.0
HOUR_GAIN = 0.3
USUAL_TICKS = 180

Flags = NDArray[np.bool_]


class Baseline(Columns):
    WIDTHS: ClassVar = {"week": HOURS}
    START: ClassVar = {"week": float("nan")}
    week: Numbers
    """Requests per tick in each hour; NaN: not seen yet."""
    level: Numbers
    trusted: Numbers
    """1 where the level multiplies the profile, 0 where it is the rate itself."""
    distrusted: Numbers
    """Ticks since the profile was last trusted."""
    usual: Numbers
    recent: Numbers
    age: Numbers
    total: Numbers
    ticks: Numbers


def profile(baseline: Baseline, at: float) -> Numbers:
    """Of the moment; NaN where no hour at all is known."""
    position = at / 3600 - 0.5
    before, after = (_known(baseline, int(position // 1) + step) for step in (0, 1))
    share = position % 1
    both = before * (1 - share) + after * share
    return np.where(np.isnan(both), np.where(np.isnan(before), after, before), both)


def _known(baseline: Baseline, hour: int) -> Numbers:
    found: Numbers = baseline.week[hour % HOURS]
    for days in range(1, 7):
        if not np.isnan(found).any():
            break
        found = np.where(np.isnan(found), baseline.week[(hour - 24 * days) % HOURS], found)
    else:
        found = np.where(np.isnan(found), _mean_hour(baseline), found)
    return found


def _mean_hour(baseline: Baseline) -> Numbers:
    known = ~np.isnan(baseline.week)
    hours = known.sum(axis=0)
    total = np.where(known, baseline.week, 0.0).sum(axis=0)
    return np.where(hours > 0, total / np.maximum(hours, 1), np.nan)


def expected(baseline: Baseline, base: Numbers) -> Numbers:
    return np.maximum(np.where(baseline.trusted > 0, base * baseline.level, baseline.level), LEAST)


def explained(baseline: Baseline, base: Numbers, count: Numbers, noise: Numbers) -> Flags:
    """Where the profile is distrusted and yet fits: the usual is back, which is no news."""
    doubted = (baseline.trusted == 0) & (baseline.age > TICKS_A_DAY)
    near = np.minimum(3 * np.sqrt(noise * base) + 1, base / 2)
    fits: Flags = doubted & (base >= 1) & (np.abs(count - base) <= near)
    baseline.usual[...] = np.where(fits, baseline.usual + 1, np.where(baseline.trusted == 0, baseline.usual, 0))
    back = baseline.usual >= USUAL_TICKS
    if back.any():
        _trust(baseline, base, back, np.where(back, baseline.recent, 0.0))
    return fits


def learn(baseline: Baseline, at: float, base: Numbers, tame: Numbers, learning: Flags) -> None:
    """`tame`: the winsorised count. The hour that ends with this tick goes into the profile."""
    towards = np.where(baseline.trusted > 0, tame / np.maximum(base, LEAST), tame)
    gain = np.where(learning, np.maximum(LEVEL_GAIN, 1 / (baseline.age + 1)), 0.0)
    level = baseline.level + gain * (towards - baseline.level)
    baseline.level[...] = np.where(baseline.trusted > 0, np.clip(level, LOW, HIGH), level)
    baseline.total += np.where(learning, tame, 0.0)
    baseline.ticks += learning
    baseline.age += 1
    baseline.distrusted[...] = np.where(baseline.trusted > 0, 0, baseline.distrusted + 1)
    if at % 3600 >= 3600 - SECONDS:
        _end_hour(baseline, int(at // 3600), base)


def _end_hour(baseline: Baseline, hour: int, base: Numbers) -> None:
    week = baseline.week[hour % HOURS]
    mean = baseline.total / np.maximum(baseline.ticks, 1)
    anew = np.isnan(week) | (baseline.distrusted > TICKS_A_DAY)
    moved = np.where(anew, mean, week + HOUR_GAIN * (mean - week))
    week[...] = np.where(baseline.ticks > TICKS_AN_HOUR / 2, moved, week)
    baseline.total[...] = 0
    baseline.ticks[...] = 0
    fitting = (baseline.level >= base / 4) & (baseline.level <= base * 4)
    first = (baseline.distrusted == baseline.age) & (baseline.age >= TICKS_A_DAY)
    relearned = baseline.distrusted >= 7 * TICKS_A_DAY
    _trust(baseline, base, (baseline.trusted == 0) & (first | relearned) & fitting, baseline.level)


def _trust(baseline: Baseline, base: Numbers, where: Flags, rate: Numbers) -> None:
    level = np.clip(rate / np.maximum(base, LEAST), LOW, HIGH)
    baseline.level[...] = np.where(where, level, baseline.level)
    np.copyto(baseline.trusted, 1.0, where=where)
    np.copyto(baseline.usual, 0.0, where=where)


def accept(baseline: Baseline, base: Numbers, where: Flags) -> Flags:
    """The recent rate is the usual one. Answers where that distrusts the profile."""
    needed = baseline.recent / np.maximum(base, LEAST)
    within = (baseline.trusted > 0) & (needed >= LOW) & (needed <= HIGH)
    baseline.level[...] = np.where(where, np.where(within, needed, baseline.recent), baseline.level)
    distrusted = where & ~within
    np.copyto(baseline.trusted, 0.0, where=distrusted)
    return distrusted
