"""The heaviest of many keys in a bounded table: Space-Saving (Metwally, Agrawal, El Abbadi 2005), with weights.

With `room` counters and W counted in all, every key that has more than W / room of it is in the table, and no count is
too high by more than its `error`, which is at most W / room. A key that finds no room takes the least one's place.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heavy:
    """`count` is at most `error` too high."""

    key: int
    count: float
    error: float


class SpaceSaving:
    def __init__(self, room: int) -> None:
        if room < 1:
            raise ValueError(f"room is at least 1, not {room}")
        self.room = room
        self.total = 0.0
        self._counts: dict[int, float] = {}
        self._errors: dict[int, float] = {}
        self._least: list[tuple[float, int]] = []       # a heap of (count when it was pushed, key), stale entries too

    def add(self, key: int, weight: float = 1.0) -> None:
        """Raises ValueError for a weight below 0."""
        if weight < 0:
            raise ValueError(f"a weight is at least 0, not {weight}")
        self.total += weight
        if key in self._counts:
            self._counts[key] += weight
        elif len(self._counts) < self.room:
            self._counts[key], self._errors[key] = weight, 0.0
            heapq.heappush(self._least, (weight, key))
        else:
            self._replace(key, weight)

    def _replace(self, key: int, weight: float) -> None:
        least = self._pop_least()
        count = self._counts.pop(least)
        del self._errors[least]
        self._counts[key], self._errors[key] = count + weight, count
        heapq.heappush(self._least, (count + weight, key))

    def _pop_least(self) -> int:
        """Counts only grow, so an entry of the heap is a lower bound: it is pushed again until it is true."""
        while True:
            count, key = self._least[0]
            if key in self._counts and self._counts[key] == count:
                heapq.heappop(self._least)
                return key
            if key in self._counts:
                heapq.heapreplace(self._least, (self._counts[key], key))
            else:
                heapq.heappop(self._least)

    def update(self, weights: Iterable[tuple[int, float]]) -> None:
        for key, weight in weights:
            self.add(key, weight)

    def top(self, most: int) -> list[Heavy]:
        """The heaviest first."""
        found = heapq.nlargest(most, self._counts.items(), key=lambda item: item[1])
        return [Heavy(key, count, self._errors[key]) for key, count in found]

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"<SpaceSaving {len(self)} of {self.room}, {self.total:g} counted>"
