"""Ticks of ten seconds as the detectors look at them: live off the board, or out of the store; both say the same.

Latency is the 95th percentile, read off the median and the 99th, which is what the store keeps: on the logarithmic
scale of `record.ticks` it lies at 0.707 of the way between them where latencies are log-normal (1.645 / 2.326).
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.control.counters import ERRORS, REQUESTS
from gateway.control.windows import EDGES, Tick
from gateway.detect.watched import Observed
from gateway.record.ticks import Ticks, microseconds
from gateway.routing.plan import Route

P95 = 0.707
LEAST_SPREAD = 0.05
TAIL = np.geomspace(1e-6, 0.01, 50)
SHARES = np.concatenate([TAIL, np.linspace(0.015, 0.985, 195), 1 - TAIL[::-1]])
NORMAL = np.array([NormalDist().inv_cdf(share) for share in SHARES])
LOG_EDGES = np.log(np.maximum(EDGES, 1e-3))


def live(tick: Tick, routes: Sequence[Route]) -> Observed:
    """In the order of `routes`; one that the board does not know yet had no request."""
    rows = {name: row for row, name in enumerate(tick.names[:len(tick.total)])}
    order = np.array([rows.get(f"route:{route.name}", -1) for route in routes], dtype=np.intp)
    histograms = _rows(tick.total, order)
    counts, ticks = _rows(tick.counts, order), _rows(tick.ticks, order)
    return Observed(counts[:, REQUESTS].astype(np.float64), counts[:, ERRORS].astype(np.float64), latency(ticks),
                    histograms.astype(np.float64), late(_rows(tick.ttfb, order), routes))


def stored(ticks: Ticks) -> Observed:
    """One tick of every route as the store kept it; how many were late it does not know."""
    return Observed(ticks["requests"].astype(np.float64), ticks["errors"].astype(np.float64), latency(ticks),
                    histograms(ticks))


def histograms(ticks: Ticks) -> NDArray[np.float64]:
    """What the histograms of a tick were, about: log-normal through its median and its 99th percentile, which of n
    requests is the one of rank ceil(0.99 n), by Blom's plotting position. Nothing where nothing was answered."""
    count = ticks["requests"].astype(np.float64)
    median, tail = (microseconds(ticks[name].astype(np.float64)) for name in ("total_p50", "total_p99"))
    some = (count > 0) & ~np.isnan(median)
    place = np.interp((np.ceil(0.99 * count) - 0.375) / (count + 0.25), SHARES, NORMAL)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(np.log(tail / median) / np.maximum(place, 0.5), LEAST_SPREAD)
        scale = (LOG_EDGES - np.log(median)[:, None]) / spread[:, None]
    below = np.interp(scale, NORMAL, SHARES, 0.0, 1.0)
    return np.where(some[:, None], count[:, None] * np.diff(below, axis=1), 0.0)


def latency(ticks: Ticks) -> NDArray[np.float64]:
    """Milliseconds, NaN where nothing was answered."""
    median, tail = ticks["total_p50"].astype(np.float64), ticks["total_p99"].astype(np.float64)
    return np.where(median > 0, microseconds(median + P95 * (tail - median)) / 1000, np.nan)


def late(ttfb: NDArray[np.uint32], routes: Sequence[Route]) -> NDArray[np.float64]:
    """Answered later than the objective allows; the bucket that the limit lies in counts as in time."""
    found = np.zeros(len(routes))
    for row, route in enumerate(routes):
        if route.objective and route.objective.under:
            first = int(np.searchsorted(EDGES[:-1], route.objective.under / 1000))
            found[row] = ttfb[row, first:].sum(dtype=np.int64)
    return found


def _rows(of: NDArray[Any], order: NDArray[np.intp]) -> NDArray[Any]:
    found = np.zeros((len(order), *of.shape[1:]), of.dtype)
    found[order >= 0] = of[order[order >= 0]]
    return found
