"""What weeks of hours tell before the last days are watched tick by tick: the profile of the week, the usual errors.

A detector that watched all these weeks would know the same, but for noise and level, which the days after them teach.
An hour that is far from the ones before it moves the profile by half at most: an old outage is not the usual.
"""

import numpy as np
from numpy.typing import NDArray

from gateway.detect.baseline import HOUR_GAIN, HOURS, TICKS_A_DAY, TICKS_AN_HOUR
from gateway.detect.columns import Numbers
from gateway.detect.residual import COUNT, transformed
from gateway.detect.watched import Watched

AGE_TICKS = TICKS_A_DAY
"""How old it counts as: noise is learned fast until the third day."""
DAY_HOURS = 24
MINUTE_TICKS = 6


def prime(watched: Watched, first: int, requests: Numbers, errors: Numbers, ticks: NDArray[np.int64]) -> None:
    """`requests`, `errors`: hours x routes, the oldest first, `first` the number of the first since 1970; `ticks`: in
    how many ticks of each hour the gateway ran. Nothing is done with less than a day."""
    seen = ticks > TICKS_AN_HOUR / 2
    if seen.sum() < DAY_HOURS:
        return
    means = requests[seen] / ticks[seen, None]
    _week(watched, np.flatnonzero(seen) + first, means)
    _ratio(watched, np.arange(len(ticks), 0, -1), requests, errors)


def _week(watched: Watched, hours: NDArray[np.intp], means: Numbers) -> None:
    rate, minutes = watched.anomalies.rate, watched.anomalies.minute_rate.experts
    week = rate.baseline.week
    for hour, mean in zip(hours % HOURS, means, strict=True):
        known = week[hour]
        moved = known + HOUR_GAIN * (np.clip(mean, known / 2, 2 * known + 1) - known)
        week[hour] = np.where(np.isnan(known), mean, moved)
        minutes.week_seen[hour] += 1
    slots = np.unique(hours % HOURS)
    minutes.week[slots] = transformed(week[slots] * MINUTE_TICKS, COUNT)
    last = means[-1]
    rate.baseline.recent[...] = last
    rate.baseline.level[...] = 1
    rate.baseline.trusted[...] = 1
    rate.baseline.age[...] = rate.watch.age[...] = AGE_TICKS


def _ratio(watched: Watched, age: NDArray[np.intp], requests: Numbers, errors: Numbers) -> None:
    """`age`: of each hour. The sums that a half-life of a day would have left."""
    weight = np.exp2(-age / DAY_HOURS)[:, None]
    ratio = watched.anomalies.errors
    ratio.state.bad[...] = (weight * errors).sum(axis=0)
    ratio.state.count[...] = (weight * requests).sum(axis=0)
    ratio.watch.age[...] = AGE_TICKS
