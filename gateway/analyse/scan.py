"""Every cell of one to three conditions that may hold the excess, without looking at all of them.

As in Apriori, a cell can hold no more than the least of its parts: `bound` is the excess that a part could still give
to a narrower cell, and what cannot reach the best worth so far is never counted. Cells are found among the failures,
which are few; all records are read only for the sets of columns that survive, at most CUBOIDS of each order.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.analyse._cells import count_rows, count_values, recode, sum_rows
from gateway.analyse.excess import SIGNIFICANT_NATS, Counts, Numbers, Whole, evidence, expected, least_failures, worth
from gateway.analyse.table import Cell, Table

Codes = NDArray[np.uint16]

LEAST_SHARE = 0.05
"""rho: what holds less of the excess is not named."""
LEAST_CELL = 5.0
SLACK = 0.85
"""How far below the best a cell is still counted, as a runner-up."""
CUBOIDS = 30


@dataclass(frozen=True, slots=True)
class Found:
    """A cell with its counts, of which the rise is significant; `worth` of the union with what was named before."""

    cell: Cell
    bad: float
    count: float
    excess: float
    worth: float


@dataclass(slots=True)
class Column:
    """The values of a column that may matter, coded again as 1.. and all others as 0."""

    kept: NDArray[np.intp]
    bound: Numbers
    codes: Codes
    failing: NDArray[np.intp]

    @property
    def size(self) -> int:
        return len(self.kept) + 1


@dataclass(slots=True)
class Scan:
    """One pass over `table`, given that a union of this excess and count is named already."""

    table: Table
    of: Whole
    excess: float = 0.0
    count: float = 0.0
    target: float = 0.0
    found: list[Found] = field(default_factory=list)
    best: float = 0.0
    tested: int = 0
    need: float = 0.0
    _columns: list[Column | None] = field(default_factory=list)
    _failing: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    _failing_before: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    _alike: bool = False
    _reached: tuple[float, float] = (-1.0, 0.0)
    _pairs: dict[tuple[int, int], dict[tuple[int, int], float]] = field(default_factory=dict)

    def run(self) -> list[Found]:
        table = self.table
        self._failing = np.flatnonzero(table.bad[: table.split] > 0)
        self._failing_before = np.flatnonzero(table.bad[table.split:] > 0) + table.split
        self._alike = bool((table.count == 1).all())
        self.best = self.target
        reach = least_failures(self.target, self.excess, self.count, self.of) if self.target else 0.0
        self.need = max(LEAST_CELL, LEAST_SHARE * self.of.excess, reach)
        if math.isfinite(self.need):
            bounds = [self._single(column) for column in range(len(table.codes))]
            self._need_significance()
            self._raise_need()
            self._columns = [self._recode(column, bound) for column, bound in enumerate(bounds)]
            self._order(2)
            self._raise_need()
            self._order(3)
        return self.found

    def _raise_need(self) -> None:
        self.need = max(self.need, self._reach())

    def _reach(self) -> float:
        """Anew where the best has changed since: asked for each set of columns."""
        if self._reached[0] != self.best:
            self._reached = self.best, least_failures(SLACK * self.best, self.excess, self.count, self.of)
        return self._reached[1]

    def _need_significance(self) -> None:
        """So few failures are not significant even where every request failed and none did before."""
        least = SIGNIFICANT_NATS + math.log(max(self.tested, 1))
        before = self.of.count_before + self.of.pseudo
        while self.of.count_before and self.need * math.log1p(before / self.need) < least:
            self.need += 1.0

    def _single(self, column: int) -> Numbers:
        """Order 1: score the values of a column; answers what each could give to narrower cells."""
        table, size = self.table, len(self.table.values[column])
        codes = table.codes[column]
        bad = _sums(codes[self._failing], table.bad[self._failing], size)
        self.tested += int(np.count_nonzero(bad))
        bound = np.zeros(size)
        chosen = np.flatnonzero((bad >= self.need) & table.can_be_named(column))
        if len(chosen):
            counts = self._counts(codes, size, bad).take(chosen)
            bound[chosen] = self._score(lambda at: ((column, int(chosen[at])),), counts)
        return bound

    def _counts(self, key: NDArray[Any], size: int, bad: Numbers) -> Counts:
        split, before = self.table.split, self._failing_before
        return Counts(bad, self._requests(key[:split], self.table.count[:split], size),
                      _sums(key[before], self.table.bad[before], size),
                      self._requests(key[split:], self.table.count[split:], size))

    def _counts_of(self, columns: list[Column], sizes: tuple[int, ...], bad: Numbers) -> Counts:
        """Of all cells of these columns at once."""
        split, before = self.table.split, self._failing_before
        codes = [each.codes for each in columns]
        return Counts(bad, self._in_cells([each[:split] for each in codes], sizes, self.table.count[:split]),
                      _sums_of([each[before] for each in codes], sizes, self.table.bad[before]),
                      self._in_cells([each[split:] for each in codes], sizes, self.table.count[split:]))

    def _in_cells(self, codes: list[Codes], sizes: tuple[int, ...], count: Numbers) -> Numbers:
        if not self._alike:
            return _sums_of(codes, sizes, count)
        one, two, three, by_two, by_three = _by(codes, sizes)
        counted = np.zeros(math.prod(sizes), dtype=np.uint32)
        count_rows(one, two, three, by_two, by_three, counted)
        return counted.astype(np.float64)

    def _requests(self, key: NDArray[Any], count: Numbers, size: int) -> Numbers:
        """How many requests have each key."""
        if not self._alike:
            return _sums(key, count, size)
        counted = np.zeros(size, dtype=np.uint32)
        count_values(key, counted)
        return counted.astype(np.float64)

    def _score(self, cell: Callable[[int], Cell], counts: Counts) -> Numbers:
        """Keep what has a significant excess; answers the excess that narrower cells inside could hold, to two
        deviations. `cell`: the one whose counts stand at an index."""
        usual = expected(counts, self.of)
        excess = counts.bad - usual
        value = worth(self.excess + excess, self.count + counts.count, self.of)
        gate = evidence(counts, self.of) >= SIGNIFICANT_NATS + math.log(max(self.tested, 1))
        for index in map(int, np.flatnonzero((excess > 0) & gate)):
            found = Found(cell(index), float(counts.bad[index]), float(counts.count[index]), float(excess[index]),
                          float(value[index]))
            self.found.append(found)
            self.best = max(self.best, found.worth)
        bound: Numbers = np.minimum(counts.bad, np.maximum(excess, 0) + 2 * np.sqrt(usual))
        return bound

    def _recode(self, column: int, bound: Numbers) -> Column | None:
        kept = np.flatnonzero(bound >= self.need)
        if not len(kept):
            return None
        coding = np.zeros(len(bound), dtype=np.uint16)
        coding[kept] = np.arange(1, len(kept) + 1)
        codes = np.empty(self.table.rows, dtype=np.uint16)
        recode(self.table.codes[column], coding, codes)
        return Column(kept, np.concatenate(([0.0], bound[kept])), codes, codes[self._failing].astype(np.intp))

    def _order(self, order: int) -> None:
        """Cells of two or three conditions: those among the failures first, then the most promising columns."""
        present = [index for index, column in enumerate(self._columns) if column is not None]
        promising = []
        for subset in itertools.combinations(present, order):
            if order == 3 and not all(pair in self._pairs for pair in itertools.combinations(subset, 2)):
                continue
            candidate = self._among_failures(subset)
            if candidate is not None:
                promising.append(candidate)
        promising.sort(key=lambda each: -each[0])
        for _, subset, bad, keys, bounds in promising[:CUBOIDS]:
            self._count_subset(subset, bad, keys, bounds)

    def _among_failures(
        self, subset: tuple[int, ...]
    ) -> tuple[float, tuple[int, ...], Numbers, NDArray[np.intp], Numbers] | None:
        """The cells of these columns that hold enough failures, and what each can hold at most."""
        columns = [self._column(each) for each in subset]
        sizes = tuple(each.size for each in columns)
        key = columns[0].failing
        for each in columns[1:]:
            key = key * each.size + each.failing
        bad = _sums(key, self.table.bad[self._failing], math.prod(sizes))
        self.tested += int(np.count_nonzero(bad))
        keys = np.flatnonzero(bad >= self.need)
        digits = np.unravel_index(keys, sizes)
        inside = np.all([each > 0 for each in digits], axis=0)
        keys, digits = keys[inside], tuple(each[inside] for each in digits)
        if not len(keys):
            return None
        parts = [each.bound[digit] for each, digit in zip(columns, digits, strict=True)]
        bounds: Numbers = np.minimum.reduce([bad[keys], *parts])
        if len(subset) == 2:
            self._pairs.setdefault((subset[0], subset[1]), {})
        return float(bounds.max()), subset, bad, keys, bounds

    def _count_subset(self, subset: tuple[int, ...], bad: Numbers, keys: NDArray[np.intp], bounds: Numbers) -> None:
        columns = [self._column(each) for each in subset]
        sizes = tuple(each.size for each in columns)
        least = self._reach()
        digits = np.unravel_index(keys, sizes)
        alive = bounds >= least
        if len(subset) == 3:
            alive &= self._pairs_reach(subset, digits, least)
        if not alive.any():
            return
        keys, digits = keys[alive], tuple(each[alive] for each in digits)
        counts = self._counts_of(columns, sizes, bad).take(keys)

        def cell(at: int) -> Cell:
            return tuple((index, int(column.kept[digit[at] - 1]))
                         for index, column, digit in zip(subset, columns, digits, strict=True))

        bound = self._score(cell, counts)
        if len(subset) == 2:
            held = self._pairs[subset[0], subset[1]]
            held.update({(int(digits[0][at]), int(digits[1][at])): float(bound[at]) for at in range(len(keys))})

    def _pairs_reach(self, subset: tuple[int, ...], digits: tuple[NDArray[np.intp], ...],
                     least: float) -> NDArray[np.bool_]:
        """Whether all three pairs inside a triple were counted and can still give enough."""
        reach = np.ones(len(digits[0]), dtype=bool)
        for one, other in itertools.combinations(range(3), 2):
            held = self._pairs[subset[one], subset[other]]
            reach &= [held.get((int(a), int(b)), -1.0) >= least
                      for a, b in zip(digits[one], digits[other], strict=True)]
        return reach

    def _column(self, index: int) -> Column:
        column = self._columns[index]
        assert column is not None
        return column


def _by(codes: list[Codes], sizes: tuple[int, ...]) -> tuple[Codes, Codes, Codes | None, int, int]:
    return codes[0], codes[1], codes[2] if len(codes) == 3 else None, sizes[1], sizes[2] if len(codes) == 3 else 1


def _sums_of(codes: list[Codes], sizes: tuple[int, ...], weights: Numbers) -> Numbers:
    one, two, three, by_two, by_three = _by(codes, sizes)
    summed = np.zeros(math.prod(sizes))
    sum_rows(one, two, three, by_two, by_three, weights, summed)
    return summed


def _sums(key: NDArray[Any], weights: Numbers, size: int) -> Numbers:
    return np.asarray(np.bincount(key, weights=weights, minlength=size), dtype=np.float64)


def best(found: list[Found]) -> Found | None:
    """The significant cell of most worth; of equals the one with fewer conditions."""
    return max(found, key=lambda each: (each.worth, -len(each.cell)), default=None)
