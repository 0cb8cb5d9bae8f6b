"""State of many series as a struct of arrays: one matrix, a named row (or some) per value, a column per series.

A subclass declares its rows as annotations; WIDTHS has those that are several rows, START those that begin as another
number than 0. Everything a detector remembers is in such a matrix, so that it is kept and restored as bytes.
"""

import inspect
import zlib
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp] | slice
EVERY = slice(None)


class Columns:
    WIDTHS: ClassVar[dict[str, int]] = {}
    START: ClassVar[dict[str, float]] = {}

    def __init__(self, count: int) -> None:
        matrix = np.full((self.height(), count), 0.0)       # its memory is taken now, not in the first tick
        self._bind(matrix)
        for name, value in self.START.items():
            getattr(self, name)[...] = value

    @classmethod
    def names(cls) -> list[str]:
        return [name for name in inspect.get_annotations(cls) if name not in ("WIDTHS", "START")]

    @classmethod
    def height(cls) -> int:
        return sum(cls.WIDTHS.get(name, 1) for name in cls.names())

    def _bind(self, matrix: Numbers) -> None:
        self.matrix = matrix
        row = 0
        for name in self.names():
            width = self.WIDTHS.get(name, 0)
            setattr(self, name, matrix[row:row + width] if width else matrix[row])
            row += width or 1

    def __len__(self) -> int:
        return int(self.matrix.shape[1])

    def part(self, rows: Rows) -> Self:
        """Some of the series: the same memory for a slice, a copy (see `put`) otherwise."""
        return self._of(self.matrix[:, rows])

    def put(self, rows: Rows, part: Self) -> None:
        if part.matrix.base is not self.matrix:
            self.matrix[:, rows] = part.matrix

    def arranged(self, order: NDArray[np.intp]) -> Self:
        """The series in another order; -1: a new one."""
        found = type(self)(len(order))
        found.matrix[:, order >= 0] = self.matrix[:, order[order >= 0]]
        return found

    def _of(self, matrix: Numbers) -> Self:
        found = object.__new__(type(self))
        found._bind(matrix)
        return found

    @classmethod
    def layout(cls) -> int:
        """A number that changes with the meaning of the bytes."""
        return zlib.crc32(repr([(name, cls.WIDTHS.get(name, 1)) for name in cls.names()]).encode())

    def to_bytes(self) -> bytes:
        return self.layout().to_bytes(4, "big") + self.matrix.astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ValueError where the bytes are of another version, or damaged."""
        size = 8 * cls.height()
        if data[:4] != cls.layout().to_bytes(4, "big") or (len(data) - 4) % size:
            raise ValueError(f"no state of {cls.__name__} as this version keeps it")
        found = object.__new__(cls)
        found._bind(np.frombuffer(data[4:], "<f8").reshape(cls.height(), -1).astype(np.float64))
        return found


def half_life(samples: Numbers | float) -> Numbers:
    """The gain of an average that halves what it knew in so many samples."""
    return np.asarray(1 - np.exp2(-1 / np.asarray(samples, dtype=np.float64)))
