"""The board's rows as tables, read at once: a row for each name, a column for each word."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.board import OFFSETS, SIZE, TARGETS, Board
from gateway.board.capacity import permits_stride
from gateway.board.segment import COUNTERS
from gateway.record.exposition import Labels

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind, in the order of `names`."""

    kind: str
    names: list[Labels]
    words: Words

    def column(self, field: str, index: int = 0) -> list[int]:
        """A field of every row; `index` in a field of several words."""
        values: list[int] = self.words[:, OFFSETS[self.kind][field] // 8 + index].tolist()
        return values

    def samples(self, field: str) -> Iterator[tuple[Labels, int]]:
        return zip(self.names, self.column(field), strict=True)

    def until(self, field: str, now: int) -> Iterator[tuple[Labels, bool]]:
        """Whether the time in a field is still to come."""
        return ((name, value > now) for name, value in self.samples(field))


@dataclass(frozen=True, slots=True)
class Tables:
    """By section (routes, upstreams, endpoints): counters, summed over all workers; what is in force; the requests
    that hold a permit, of all workers, in the order of the names."""

    counters: dict[str, Table]
    controls: dict[str, Table]
    in_flight: dict[str, list[int]]


def read(board: Board) -> Tables:
    names = {section: [_labels(section, name) for name in board.names(section)] for section in TARGETS}
    return Tables({section: _counters(board, section, named) for section, named in names.items()},
                  {section: _controls(board, section, named) for section, named in names.items()},
                  {section: _in_flight(board, section)[:len(named)] for section, named in names.items()})


def _labels(section: str, name: str) -> Labels:
    """The board's name of an endpoint is its upstream and its address."""
    return tuple(name.split(" ", 1)) if section == "endpoints" else (name,)


def _counters(board: Board, section: str, names: list[Labels]) -> Table:
    kind, header = COUNTERS[section], board.header
    single = min(OFFSETS[kind].get(field, SIZE[kind]) for field in ("total", "ttfb")) // 8      # before the histograms
    shape = header["workers"], header[section], SIZE[kind] // 8
    words = np.ndarray(shape, np.uint64, board.memory, header[f"{section}_at"])
    return Table(kind, names, words[:, :len(names), :single].sum(axis=0, dtype=np.uint64))


def _controls(board: Board, section: str, names: list[Labels]) -> Table:
    at = board.control(section, 0).at
    return Table("Control", names, np.ndarray((len(names), SIZE["Control"] // 8), np.uint64, board.memory, at).copy())


def _in_flight(board: Board, section: str) -> list[int]:
    shape, strides = (board.workers, board.header[section]), (permits_stride(board.targets), 8)
    cells = np.ndarray(shape, np.uint64, board.memory, board.permit_at(0, board.target(section, 0)), strides)
    sums: list[int] = cells.sum(axis=0, dtype=np.uint64).tolist()
    return sums
