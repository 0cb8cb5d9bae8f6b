"""A Prometheus-style adaptive band: grafana/promql-anomaly-detection, strategy `adaptive`.

Middle: the mean of an hour. Bands: twice the 26-hour mean of the hour's standard deviation where that is above half
of the mean; half of the mean; and the hour a day and a week ago with twice its deviation. The widest counts. An alarm
after five minutes outside. `width` scales all bands (1: as published).
"""

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Numbers

SPARSE = 5 / 60
"""Requests per second below which the rule does not select a series."""
FACTOR = 2.0
MARGIN = 0.5


def outside(value: Numbers, spacing: float, width: float = 1.0) -> NDArray[np.bool_]:
    """`value`: a sample per row, a series per column if two-dimensional."""
    hour = max(12, int(3600 // spacing))
    mean, deviation = _moving(value, hour)
    wild = np.where(deviation > MARGIN * np.abs(mean), deviation, np.nan)
    usual = _mean_of_known(wild, max(hour, int(26 * 3600 // spacing)))
    bands = [(mean, FACTOR * usual), (mean, MARGIN * np.abs(mean))]
    for back in (23.5, 167.5):
        shift = int(back * 3600 // spacing)
        bands.append((_shifted(mean, shift), FACTOR * _shifted(deviation, shift)))
    upper = np.fmax.reduce([middle + width * half for middle, half in bands])
    lower = np.fmin.reduce([middle - width * half for middle, half in bands])
    beyond = ((value > upper) | (value < lower)).astype(float)
    lasting = max(1, int(300 // spacing))
    return np.asarray(_sums(beyond, lasting) >= lasting)


def events(minutes: Numbers, since: int) -> NDArray[np.int64]:
    """Alarms per series after `since` minutes, those within half an hour of each other as one."""
    alarms = _of_minutes(minutes)[since:]
    found = np.zeros(alarms.shape[1], dtype=np.int64)
    for column in range(alarms.shape[1]):
        at = np.flatnonzero(alarms[:, column])
        found[column] = (np.diff(at) > 30).sum() + 1 if at.size else 0
    return found


def delays(before: Numbers, during: Numbers, times: int) -> Numbers:
    """Seconds to the first alarm in `during`, NaN where there is none; `times` copies of each series."""
    size = before.shape[1]
    found = np.full(size * times, np.nan)
    for copy in range(times):
        columns = slice(copy * size, (copy + 1) * size)
        alarms = _of_minutes(np.concatenate([before, during[:, columns]]))[len(before):]
        found[columns] = np.where(alarms.any(axis=0), (alarms.argmax(axis=0) + 1) * 60.0, np.nan)
    return found


def _of_minutes(minutes: Numbers) -> NDArray[np.bool_]:
    """The rate of five minutes, evaluated every minute; sparse and silent series are not selected."""
    rate = _sums(minutes, 5) / 300
    alarms = outside(rate, 60.0)
    return alarms & (rate > 0) & (_moving(rate, 60)[0] > SPARSE)


def _moving(value: Numbers, width: int) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation of the last `width` samples, this one included."""
    centred = value - value[0]
    mean = _means(centred, width)
    return mean + value[0], np.sqrt(np.maximum(_means(centred ** 2, width) - mean ** 2, 0))


def _means(value: Numbers, width: int) -> Numbers:
    count = np.minimum(np.arange(1, len(value) + 1), width)
    return np.asarray(_sums(value, width).T / count).T


def _mean_of_known(value: Numbers, width: int) -> Numbers:
    known = ~np.isnan(value)
    count = _sums(known.astype(float), width)
    return np.where(count > 0, _sums(np.where(known, value, 0.0), width) / np.maximum(count, 1), np.nan)


def _sums(value: Numbers, width: int) -> Numbers:
    total = np.cumsum(value, axis=0)
    found = total.copy()
    found[width:] -= total[:-width] if width < len(value) else 0
    return found


def _shifted(value: Numbers, by: int) -> Numbers:
    found = np.full_like(value, np.nan)
    if by < len(value):
        found[by:] = value[:len(value) - by]
    return found
