"""One row of the board as Python sees it: words by field name."""

from gateway.board.layout import GAUGES, LAYOUT, OFFSETS


class Row:
    """One row: `row["requests"]` reads or writes the first word of a field."""

    __slots__ = ("_words", "at", "kind")

    def __init__(self, words: memoryview, kind: str, at: int) -> None:
        self._words = words
        self.kind = kind
        self.at = at

    def __getitem__(self, field: str) -> int:
        return int(self._words[(self.at + OFFSETS[self.kind][field]) // 8])

    def __setitem__(self, field: str, value: int) -> None:
        self._words[(self.at + OFFSETS[self.kind][field]) // 8] = value

    def override(self, field: str, value: int, until: str, until_ns: int) -> None:
        """Write a (value, until) pair so that no reader takes the new value for the old time or the reverse."""
        self[until] = 0
        self[field] = value
        self[until] = until_ns

    def items(self, field: str, count: int) -> list[int]:
        """The first `count` words of a field that is an array of words."""
        first = (self.at + OFFSETS[self.kind][field]) // 8
        return self._words[first : first + count].tolist()

    def histogram_at(self, field: str) -> int:
        """The byte offset in the board of a histogram, for `_fastpath.sum_histograms`."""
        return self.at + OFFSETS[self.kind][field]

    def clear_gauges(self) -> None:
        for field in GAUGES.get(self.kind, ()):
            self[field] = 0

    def snapshot(self) -> dict[str, int]:
        """Every single word of the row."""
        return {field.name: self[field.name] for field in LAYOUT[self.kind] if field.count == 1 and field.size == 8}

    def __repr__(self) -> str:
        return f"<{self.kind} at {self.at}: {self.snapshot()}>"
