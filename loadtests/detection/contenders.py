"""What is scored on the labelled series: the production detector, and three others beside it.

Each answers the alarms of many series for many budgets, [budget][series]; the adaptive band has no budget but a width.
"""

import statistics
from collections.abc import Callable, Sequence

import numpy as np

from gateway.detect.columns import EVERY, Numbers
from gateway.detect.residual import COUNT, GAUGE, Kind, Residuals
from loadtests.detection import adaptive_band
from loadtests.detection.labelled import Series
from loadtests.detection.res_evt import ResidualTail
from loadtests.detection.scoring import MONTH, Alarms

Contender = Callable[[Sequence[Series], Sequence[float]], list[list[Alarms]]]


def production(counts: Kind = COUNT, gauges: Kind = GAUGE) -> Contender:
    """gateway/detect/residual.py, with one setting for counts and one for gauges."""
    def alarms(series: Sequence[Series], budgets: Sequence[float]) -> list[list[Alarms]]:
        return _by_kind(series, budgets, lambda counted, spacing, budget: Residuals(
            counts if counted else gauges, spacing, budget))
    return alarms


def residual_tail(series: Sequence[Series], budgets: Sequence[float]) -> list[list[Alarms]]:
    """res-EVT, as first written in the study and never tuned."""
    return _by_kind(series, budgets, lambda _, spacing, budget: ResidualTail(spacing, budget))


def _by_kind(series: Sequence[Series], budgets: Sequence[float], make: Callable) -> list[list[Alarms]]:
    found: list[list[Alarms]] = [[np.zeros(0, dtype=bool)] * len(series) for _ in budgets]
    for counts in (True, False):
        # Longest first: those that still have a sample are always the first columns.
        which = sorted((index for index, each in enumerate(series) if each.counts == counts),
                       key=lambda index: -len(series[index].at))
        for index, each in zip(which, _streamed([series[i] for i in which], budgets, counts, make), strict=True):
            for row, budget_alarms in zip(found, each, strict=True):
                row[index] = budget_alarms
    return found


def _streamed(series: Sequence[Series], budgets: Sequence[float], counts: bool, make: Callable) -> list[Alarms]:
    if not series:
        return []
    many = len(budgets)
    bank = make(counts, np.repeat([each.spacing for each in series], many), np.tile(budgets, len(series)))
    longest = len(series[0].at)
    at, value = (np.zeros((longest, len(series))) for _ in range(2))
    for column, each in enumerate(series):
        at[:len(each.at), column], value[:len(each.at), column] = each.at, each.value
    alarms = np.zeros((longest, len(series) * many), dtype=bool)
    lengths = np.array([len(each.at) for each in series])
    for tick in range(longest):
        alive = int((lengths > tick).sum())
        rows = slice(0, alive * many) if alive < len(series) else EVERY
        seen = bank.observe(np.repeat(at[tick, :alive], many), np.repeat(value[tick, :alive], many), rows)
        alarms[tick, :alive * many] = seen.alarm
    return [alarms[:len(each.at), column * many:(column + 1) * many].T for column, each in enumerate(series)]


def ewma_z(series: Sequence[Series], budgets: Sequence[float]) -> list[list[Alarms]]:
    """Mean and variance with a half-life of a day, and the Gaussian quantile of the budget."""
    scores = [_z_scores(each) for each in series]
    return [[np.abs(z) > _gaussian(budget * each.spacing / MONTH) for each, z in zip(series, scores, strict=True)]
            for budget in budgets]


def _gaussian(two_sided: float) -> float:
    return -statistics.NormalDist().inv_cdf(min(two_sided, 0.5) / 2)


def _z_scores(series: Series) -> Numbers:
    day = max(86_400 / series.spacing, 1)
    least, mean, variance = 1 - 2 ** (-1 / day), float(series.value[0]), 0.0
    found = np.zeros(len(series.value))
    for index, value in enumerate(series.value.tolist()):
        away = value - mean
        found[index] = away / (variance ** 0.5 + 1e-9) if index else 0.0
        gain = max(least, 1 / (index + 1))
        mean += gain * away
        variance = (1 - gain) * (variance + gain * away * away)
    return found


def band(series: Sequence[Series], widths: Sequence[float]) -> list[list[Alarms]]:
    """adaptive_band.py; its bands `widths` times as wide (1: as published)."""
    return [[adaptive_band.outside(each.value, each.spacing, width) for each in series] for width in widths]
