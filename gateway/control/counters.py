"""The board's cumulative counters as arrays: summed over the workers, a row for each target that has a name.

Counters only grow, and outlive the workers that wrote them; the difference of two readings is what happened between
them. Histogram buckets of 32 bits may wrap, and so do their sums and differences here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.board import HISTOGRAM, NO_ROUTE, OFFSETS, SIZE, TARGETS, Board
from gateway.board.segment import COUNTERS

KINDS = {"routes": "route", "upstreams": "upstream", "endpoints": "endpoint"}
COUNTED = ("requests", "errors", "client_errors", "refused", "slow", "latency_ms", "limited", "saturated")
REQUESTS, ERRORS, CLIENT_ERRORS, REFUSED, SLOW, LATENCY_MS, LIMITED, SATURATED = range(len(COUNTED))
# Of a route: the words that are errors: 5xx, and requests that got no answer though their client waited.
FAILED = {"routes": "", "upstreams": "failures", "endpoints": "failures"}

Words = NDArray[np.uint64]
Counts = NDArray[np.int64]
Histograms = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Latencies:
    """Cumulative histograms of routes and endpoints, rows x 384."""

    total: Histograms
    ttfb: Histograms
    endpoint_ttfb: Histograms


class Counters:
    """Readings of one board. `names()` is the order of the rows: routes, upstreams, endpoints."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._used: tuple[int, ...] = ()
        self._names: list[str] = []
        self._words = {section: self._view(section, np.dtype(np.uint64)) for section in TARGETS}
        self._buckets = {section: self._view(section, np.dtype(np.uint32)) for section in ("routes", "endpoints")}

    def _view(self, section: str, kind: np.dtype[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """workers x rows x words, over the mapped memory itself."""
        header = self._board.header
        shape = header["workers"], header[section], SIZE[COUNTERS[section]] // kind.itemsize
        view = np.ndarray(shape, kind, self._board.memory, header[f"{section}_at"])
        view.flags.writeable = False
        return view

    @property
    def used(self) -> tuple[int, ...]:
        """How many routes, upstreams and endpoints have a name."""
        return tuple(int(self._board.header[f"{section}_used"]) for section in TARGETS)

    def names(self) -> list[str]:
        """Targets as they are written; the row of requests that matched no route is `route:-`."""
        if self.used != self._used:
            self._used = self.used
            self._names = [f"{KINDS[section]}:{name.replace(' ', '/', 1) if name != NO_ROUTE else name}"
                           for section in TARGETS for name in self._board.names(section)]
        return self._names

    def read(self) -> Counts:
        """COUNTED of every target, since the start."""
        return np.concatenate([self._read(section, rows) for section, rows in zip(TARGETS, self.used, strict=True)])

    def _read(self, section: str, rows: int) -> Counts:
        words, kind = self._words[section][:, :rows], OFFSETS[COUNTERS[section]]
        found = np.zeros((rows, len(COUNTED)), np.int64)
        word = {name: offset // 8 for name, offset in kind.items()}
        found[:, REQUESTS] = _sum(words, word["requests"])
        found[:, SLOW] = _sum(words, word["slow"])
        if section == "routes":
            answers = word["answers"]
            unanswered = _sum(words, answers) - _sum(words, word["client_gone"])
            found[:, ERRORS] = _sum(words, answers + 5) + np.maximum(unanswered, 0)
            found[:, CLIENT_ERRORS] = _sum(words, answers + 4)
            found[:, REFUSED] = _sum(words, word["refused"])
            found[:, LATENCY_MS] = _sum(words, word["total_us"]) // 1000
            found[:, LIMITED], found[:, SATURATED] = _sum(words, word["limited"]), _sum(words, word["saturated"])
        else:
            found[:, ERRORS] = _sum(words, word[FAILED[section]])
            found[:, LATENCY_MS] = _sum(words, word["ttfb_us"]) // 1000
            if "refused" in word:
                found[:, REFUSED] = _sum(words, word["refused"])
        return found

    def latencies(self) -> Latencies:
        routes, _, endpoints = self.used
        return Latencies(self._histograms("routes", "total", routes), self._histograms("routes", "ttfb", routes),
                         self._histograms("endpoints", "ttfb", endpoints))

    def _histograms(self, section: str, field: str, rows: int) -> Histograms:
        first = OFFSETS[COUNTERS[section]][field] // 4
        return np.asarray(self._buckets[section][:, :rows, first:first + HISTOGRAM].sum(axis=0, dtype=np.uint32))

    def __repr__(self) -> str:
        return f"<Counters of {self.used}>"


def _sum(words: NDArray[np.unsignedinteger], word: int) -> Counts:
    return np.asarray(words[:, :, word].sum(axis=0)).astype(np.int64)


def since(now: Counts, before: Counts) -> Counts:
    """What was added; never less than nothing, as the words of one row are not read at the same moment."""
    return np.asarray(np.maximum(now - before, 0))
