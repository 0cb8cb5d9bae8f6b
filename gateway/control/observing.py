"""Ticks of ten seconds as the detectors look at them: live off the board, or out of the store; both say the same.

Latency is the 95th percentile, read off the median and the 99th, which is what the store keeps: on the logarithmic
scale of `record.ticks` it lies at 0.707 of the way between them where latencies are log-normal (1.645 / 2.326).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.control.counters import ERRORS, REQUESTS
from gateway.control.windows import EDGES, Tick
from gateway.detect.watched import Observed
from gateway.record.ticks import Ticks, microseconds
from gateway.routing.plan import Route

P95 = 0.707


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
    return Observed(ticks["requests"].astype(np.float64), ticks["errors"].astype(np.float64), latency(ticks))


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
