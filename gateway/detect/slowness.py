"""What is a slow answer of this route: later than the edge that 5 % of its usual requests are beyond.

The edge is a bucket of the latency histogram, found from a decayed sum over days and held still for a day at a time:
an edge that followed the traffic would call nothing slow. When it moves, so must the share that is usual beyond it.
Nothing is summed up while the route is in doubt: what is slow now is not what is usual. Source: algorithms.md 2.3.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Columns, Numbers

BUCKETS = 384
TICKS_A_DAY = 8640
SLOW = 0.05
KEPT = 0.5
"""Of the sum, each day: its half-life."""
LEAST_REQUESTS = 1000
"""From which on an edge means something."""

Flags = NDArray[np.bool_]


class Latencies(Columns):
    WIDTHS: ClassVar = {"seen": BUCKETS}
    seen: Numbers
    edge: Numbers
    """The first bucket that is slow; 0: none is known yet."""
    age: Numbers
    """Ticks since the edge was looked for."""


class Slowness:
    def __init__(self, count: int) -> None:
        self.latencies = Latencies(count)

    def count(self, histograms: Numbers) -> Numbers:
        """How many of a tick's requests, routes x BUCKETS, were slow; none of a route without an edge."""
        edge = self.latencies.edge
        beyond = np.arange(BUCKETS) >= edge[:, None]
        return np.where(edge > 0, (histograms * beyond).sum(axis=1), 0.0)

    def learn(self, histograms: Numbers, learning: Flags) -> tuple[NDArray[np.intp], Numbers]:
        """The routes whose edge has moved, and the share that is usual beyond the new one."""
        state = self.latencies
        state.seen += np.where(learning, histograms.T, 0)
        state.age += 1
        due = np.flatnonzero((state.age >= TICKS_A_DAY) & learning)
        if due.size:
            return self._look(due)
        return due, np.zeros(0)

    def _look(self, due: NDArray[np.intp]) -> tuple[NDArray[np.intp], Numbers]:
        state = self.latencies
        total = state.seen[:, due].sum(axis=0)
        due = due[total >= LEAST_REQUESTS]
        total = total[total >= LEAST_REQUESTS]
        beyond = state.seen[::-1, due].cumsum(axis=0)[::-1]     # at least this bucket
        edge = np.maximum((beyond <= SLOW * total).argmax(axis=0), 1)
        moved = edge != state.edge[due]
        share = np.take_along_axis(beyond, edge[None], axis=0)[0] / np.maximum(total, 1)
        state.edge[due], state.age[due] = edge, 0
        state.seen[:, due] *= KEPT
        return due[moved], share[moved]
