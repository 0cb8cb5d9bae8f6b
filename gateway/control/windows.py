"""The history of every route, upstream and endpoint: seconds for a quarter of an hour here, ticks of ten in the store.

A turn each second reads the board's counters and keeps what was added. A tick ends with every tenth second of UTC; then
the latencies of these ten seconds are read off the histograms too, and the tick is handed to the store. Requests that
were counted while nobody looked (control was dead) belong to nobody's tick: a gap is a gap, not a surge.

Bounded: SECONDS x targets x 32 bytes, 29 KB a target. Nothing here raises: a database that fails is a fault to show.
"""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway import _fastpath
from gateway.board import HISTOGRAM, Board
from gateway.control.counters import COUNTED, REFUSED, REQUESTS, Counters, Counts, Histograms, Latencies, since
from gateway.record.ticks import COUNTS, TICK, Ticks, coded
from gateway.record.ticks import SECONDS as TICK_SECONDS
from gateway.record.window_store import GATEWAY, WindowStore

SECONDS = 900
GAP_SECONDS = 5
"""A turn that comes later than that after the last one begins anew."""
FOLD_AT_ONCE = 25
"""Series of an hour that has ended; each is some reading and writing of blobs."""
PRUNE_EVERY = 3600
EDGES = np.array([_fastpath.lower_edge(index) for index in range(HISTOGRAM + 1)], dtype=np.float64)
MIDDLES = (EDGES[:-1] + EDGES[1:] - 1) / 2


@dataclass(frozen=True, slots=True)
class Tick:
    """Ten seconds that began at `at` (UTC seconds). `counts`: targets x COUNTED; `ticks`: as the store keeps them;
    `total`, `ttfb`: how many requests of a route took how long, all of it and to the first byte, routes x 384."""

    at: int
    names: list[str]
    counts: Counts
    ticks: Ticks
    total: Histograms
    ttfb: Histograms


class Windows:
    """Mutable state: the last readings and the ring of seconds."""

    def __init__(self, board: Board, store: Callable[[], WindowStore | None], log: logging.Logger) -> None:
        self._counters = Counters(board)
        self._store = store
        self._log = log
        self._ring = np.zeros((SECONDS, 0, len(COUNTED)), np.uint32)
        self._second = 0
        self._first = 0
        self._before: Counts | None = None
        self._tick_before: tuple[Counts, Latencies] | None = None
        self._pruned_at = 0
        self.fault = ""

    @property
    def names(self) -> list[str]:
        """The order of the targets in all arrays."""
        return self._counters.names()

    def turn(self, now: int) -> Tick | None:
        """`now`: UTC seconds. The tick that has ended with this second, if one has and all of it was seen."""
        if self._before is None or not 0 <= now - self._second <= GAP_SECONDS:
            self._begin(now)
            return None
        if now == self._second:
            return None
        counts = self._counters.read()
        if len(counts) != len(self._before):
            self._widen(counts)
        self._keep(now, since(counts, self._before))
        self._before = counts
        ended = now // TICK_SECONDS > self._second // TICK_SECONDS
        self._second = now
        return self._end_tick(now, counts) if ended else None

    def _begin(self, now: int) -> None:
        self._second = self._first = now
        self._before, self._tick_before = self._counters.read(), None
        self._ring = np.zeros((SECONDS, len(self._before), len(COUNTED)), np.uint32)

    def _keep(self, now: int, added: Counts) -> None:
        for skipped in range(self._second + 1, now):
            self._ring[skipped % SECONDS] = 0
        self._ring[now % SECONDS] = np.minimum(added, 2**32 - 1)

    def _widen(self, counts: Counts) -> None:
        """More names: what lies behind a section's new rows has moved, so that only what is to come is in order."""
        self._ring = np.zeros((SECONDS, len(counts), len(COUNTED)), np.uint32)
        self._first, self._tick_before, self._before = self._second, None, counts

    def _end_tick(self, now: int, counts: Counts) -> Tick | None:
        latencies, before = self._counters.latencies(), self._tick_before
        self._tick_before = counts, latencies
        if before is None or len(before[0]) != len(counts):
            return None
        at = now // TICK_SECONDS * TICK_SECONDS - TICK_SECONDS
        total, ttfb = latencies.total - before[1].total, latencies.ttfb - before[1].ttfb
        endpoint_ttfb = latencies.endpoint_ttfb - before[1].endpoint_ttfb
        added = since(counts, before[0])
        tick = Tick(at, self.names, added, self._ticks(added, total, ttfb, endpoint_ttfb), total, ttfb)
        self._write(tick)
        return tick

    def _ticks(self, added: Counts, total: Histograms, ttfb: Histograms, endpoint_ttfb: Histograms) -> Ticks:
        ticks = np.zeros(len(added), TICK)
        for column, name in enumerate(COUNTS):
            ticks[name] = np.minimum(added[:, column], 2**32 - 1)
        routes, upstreams, _ = self._counters.used
        endpoints = routes + upstreams
        for rows, histograms, what in ((slice(0, routes), total, "total"), (slice(0, routes), ttfb, "ttfb"),
                                       (slice(endpoints, None), endpoint_ttfb, "ttfb")):
            for name, found in zip(("p50", "p99"), quantiles(histograms, 0.5, 0.99), strict=True):
                ticks[f"{what}_{name}"][rows] = coded(found)
        return ticks

    def _write(self, tick: Tick) -> None:
        try:
            store = self._store()
            if store is None:
                return
            busy = tick.counts[:, REQUESTS] + tick.counts[:, REFUSED] > 0
            named = {tick.names[row]: tick.ticks[row:row + 1] for row in np.flatnonzero(busy)}
            store.append(tick.at, named | {GATEWAY: self._all_together(tick)})
            self.fault = ""
        except sqlite3.Error as error:
            self._failed(error)

    def tidy(self, now: int) -> None:
        """A part of what turns leave undone in the store: whole hours to be folded, the old to be forgotten. It may
        take a while, and no turn may come meanwhile."""
        try:
            store = self._store()
            if store is None:
                return
            store.fold(now, FOLD_AT_ONCE)
            if now - self._pruned_at >= PRUNE_EVERY:
                self._pruned_at = now
                store.prune(now)
        except sqlite3.Error as error:
            self._failed(error)

    def _failed(self, error: sqlite3.Error) -> None:
        if str(error) != self.fault:
            self._log.error("what the last seconds held is not kept: %s", error)
        self.fault = str(error)

    def _all_together(self, tick: Tick) -> Ticks:
        routes = self._counters.used[0]
        whole = np.zeros(1, TICK)
        for column, name in enumerate(COUNTS):
            whole[name] = min(int(tick.counts[:routes, column].sum()), 2**32 - 1)
        summed = tick.total.sum(axis=0, dtype=np.uint32)[None]
        for name, found in zip(("p50", "p99"), quantiles(summed, 0.5, 0.99), strict=True):
            whole[f"total_{name}"] = np.maximum(coded(found), 1)        # 0 would mean: did not run
        return whole

    def sums(self, seconds: int) -> Counts:
        """COUNTED of the last `seconds`, as many of them as were seen."""
        span = min(seconds, SECONDS, self._second - self._first)
        rows = [(self._second - back) % SECONDS for back in range(span)]
        return np.asarray(self._ring[rows].sum(axis=0, dtype=np.int64))

    def history(self, name: str, seconds: int = SECONDS) -> NDArray[np.uint32]:
        """Second by second, the oldest first: seconds x COUNTED. Raises ValueError for a name that has no row."""
        row = self.names.index(name)
        span = min(seconds, SECONDS, self._second - self._first)
        return np.asarray(self._ring[[(self._second - back) % SECONDS for back in range(span - 1, -1, -1)], row])

    def bytes(self) -> int:
        return self._ring.nbytes

    def __repr__(self) -> str:
        return f"<Windows of {self._ring.shape[1]} targets, {self._second - self._first} seconds>"


def quantiles(histograms: Histograms, *shares: float) -> list[NDArray[np.float64]]:
    """Of each row, in µs, as `_fastpath.quantile` has it; NaN where nothing was counted."""
    below = histograms.cumsum(axis=1, dtype=np.uint32)
    count = below[:, -1]
    ranks = [np.ceil(share * count).astype(np.uint32) for share in shares]
    return [np.where(count > 0, MIDDLES[(below >= rank[:, None]).argmax(axis=1)], np.nan) for rank in ranks]
