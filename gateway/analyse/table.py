"""What an analysis looks at: records of an incident and of the time before it, column by column.

Rows of the incident come first, so that both halves are slices. Values are coded as numbers 0.. of their column; a row
stands for `count` requests of which `bad` failed, so that a sampled record and an already aggregated one are the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint16] | NDArray[np.uint32]
Weights = NDArray[np.float64]

UNKNOWN = ""
"""The value of what was not recorded, such as the version of an answer that never came: it is never named."""

Cell = tuple[tuple[int, int], ...]
"""A conjunction of conditions (column, code), by column: (route = 3) and (version = 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """`split`: how many rows belong to the incident; they come first."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: tuple[Codes, ...]
    count: Weights
    bad: Weights
    split: int

    @property
    def rows(self) -> int:
        return len(self.count)

    def where(self, chosen: NDArray[np.bool_]) -> "Table":
        """The chosen rows only."""
        return Table(self.names, self.values, tuple(each[chosen] for each in self.codes), self.count[chosen],
                     self.bad[chosen], int(np.count_nonzero(chosen[: self.split])))

    def holds(self, cell: Cell) -> NDArray[np.bool_]:
        """Which rows lie in the cell."""
        inside = np.ones(self.rows, dtype=bool)
        for column, code in cell:
            inside &= self.codes[column] == code
        return inside

    def can_be_named(self, column: int) -> NDArray[np.bool_]:
        """Of each value of a column."""
        return np.array([value != UNKNOWN for value in self.values[column]], dtype=bool)

    def told(self, cell: Cell) -> dict[str, str]:
        """The cell in words: column name to value."""
        return {self.names[column]: self.values[column][code] for column, code in cell}

    def __repr__(self) -> str:
        return f"<Table {self.split} rows now, {self.rows - self.split} before, columns {', '.join(self.names)}>"


def table(names: Sequence[str], now: Iterable[Mapping[str, str]], before: Iterable[Mapping[str, str]],
          count: Sequence[float] | None = None, bad: Sequence[float] | None = None) -> Table:
    """A Table of rows of text; `count` and `bad` for all rows, those of the incident first; 1 and 0 where left out."""
    first, rest = list(now), list(before)
    rows = [*first, *rest]
    coded = [_coded([row[name] for row in rows]) for name in names]
    ones = np.ones(len(rows))
    return Table(tuple(names), tuple(values for _, values in coded), tuple(codes for codes, _ in coded),
                 ones if count is None else np.asarray(count, dtype=float),
                 np.zeros(len(rows)) if bad is None else np.asarray(bad, dtype=float), len(first))


def _coded(texts: Sequence[str]) -> tuple[Codes, tuple[str, ...]]:
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(text, len(numbers)) for text in texts]
    return narrow(np.asarray(codes, dtype=np.int64), len(numbers)), tuple(numbers)


def narrow(codes: NDArray[np.int64], size: int) -> Codes:
    """As few bytes a code as the column allows: what a scan reads is memory first of all."""
    return codes.astype(np.uint16) if size < 2**16 else codes.astype(np.uint32)
