"""The traffic of the last second, and of each target in the last ten: what charts are drawn of."""

import collections
import time
from typing import Any

import numpy as np

from gateway.board import Board
from gateway.control.counters import COUNTED, Counters, Histograms
from gateway.control.windows import Windows, quantiles

LATELY = 10
TARGETS_MOST = 300
COUNTS = ("requests", "errors", "client_errors", "refused")
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Traffic:
    """Mutable state: the latency histograms of all requests at the last LATELY readings, for percentiles."""

    def __init__(self, board: Board, windows: Windows) -> None:
        self._board = board
        self._windows = windows
        self._counters = Counters(board)
        self._histograms: collections.deque[Histograms] = collections.deque(maxlen=LATELY + 1)

    def now(self) -> dict[str, Any]:
        """The last second; percentiles in ms, of the last ten seconds, null where there was no request."""
        board, routes = self._board, self._counters.used[0]
        self._histograms.append(self._counters.latencies().total.sum(axis=0, dtype=np.uint32))
        counts = self._windows.sums(1)[:routes].sum(axis=0)
        slots = [board.slot(index) for index in board.crew()]
        return {
            "at": int(time.time()), **{name: int(counts[COUNTED.index(name)]) for name in COUNTS},
            **self._percentiles(),
            "in_flight": sum(slot["active"] for slot in slots),
            "connections": sum(slot["connections"] for slot in slots),
            "loop_lag_ms": max((slot["loop_lag_us"] for slot in slots), default=0) / 1000,
        }

    def _percentiles(self) -> dict[str, float | None]:
        added = self._histograms[-1] - self._histograms[0]
        found = quantiles(added[None], *SHARES.values())
        return {name: None if np.isnan(each[0]) else round(float(each[0]) / 1000, 3)
                for name, each in zip(SHARES, found, strict=True)}

    def targets(self) -> dict[str, Any]:
        """COUNTED of each target that had requests in the last ten seconds, the busiest first, at most TARGETS_MOST."""
        sums, names = self._windows.sums(LATELY), self._windows.names
        busiest = np.argsort(-sums[:, 0], kind="stable")[:TARGETS_MOST]
        listed = {names[row]: dict(zip(COUNTED, map(int, sums[row]), strict=True)) for row in busiest
                  if row < len(names) and (sums[row, 0] or sums[row, COUNTED.index("refused")])}
        return {"seconds": LATELY, "targets": listed}

    def history(self, target: str, seconds: int) -> dict[str, Any]:
        """Second by second, the oldest first. Raises ValueError for a target that there is not."""
        if target not in self._windows.names:
            raise ValueError(f"there is no target {target[:80]!r}; /v1/status lists routes and upstreams")
        found = self._windows.history(target, seconds)
        return {"target": target, "until": int(time.time()), "seconds": len(found),
                **{name: found[:, column].tolist() for column, name in enumerate(COUNTED)}}
