"""Two spans of kept flight records, held against each other by hand: where are the failures that the first has more?

The same attribution as for incidents, on what the recorder kept on disk: a weighted sample of what went well. Each
span is bounded to MOST records, the latest; what was left out is said. It may take a second: done in a niced child.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.analyse import attribution
from gateway.analyse.attribution import Part
from gateway.analyse.table import Table, narrow
from gateway.control import evidence
from gateway.record import flight, looking
from gateway.record.flight import Meanings, Records
from gateway.record.looking import Wanted

SECOND = 10**9
MOST = 100_000
SLOW_QUANTILE = 0.95
RUNNERS_UP = 3


@dataclass(frozen=True, slots=True)
class Span:
    """UTC ns, the end not included."""

    since: int
    until: int

    def __post_init__(self) -> None:
        if not 0 <= self.since < self.until:
            raise ValueError("a span ends after it begins")

    @property
    def seconds(self) -> float:
        return (self.until - self.since) / SECOND


Shown = Callable[[Any], str]


def _rows(section: str, told: Meanings) -> Shown:
    return lambda row: told.name(section, row).rpartition(" ")[2] or "-"


COLUMNS: dict[str, tuple[str, Callable[[Meanings], Shown]]] = {
    "route": ("route", lambda told: _rows("routes", told)),
    "method": ("method", lambda told: lambda number: flight.method(number) or "-"),
    "client": ("client_key", lambda told: str),     # as an address: `_values`
    "endpoint": ("endpoint", lambda told: _rows("endpoints", told)),
    "agent": ("agent", lambda told: lambda number: told.texts.get(number, "-")),
    "version": ("version", lambda told: lambda text: text.decode("latin-1") or "-"),
    "revision": ("generation", lambda told: str),
    "size": ("bytes_in", lambda told: lambda power: "0" if power == 0 else f"<{2 ** power}"),
}
"""Name -> the field of a record, and how its value is told by what a block means."""


class _Half:
    """The records of a span, block by block. Mutable: how many there are, and what was not looked at."""

    def __init__(self, folder: Path, span: Span) -> None:
        self.span = span
        self.records, self.complete = 0, True
        self.blocks = list(self._read(folder))
        self.requests = float(sum(weights.sum() for _, weights, _ in self.blocks))

    def _read(self, folder: Path) -> Iterator[tuple[Records, NDArray[np.float64], Meanings]]:
        wanted = Wanted(since_ns=self.span.since, before_ns=self.span.until)
        for block in looking.newest_first(folder, wanted, looking.Looked()):
            chosen = np.flatnonzero(looking.matches(block.records, block.meanings, wanted))[-(MOST - self.records):]
            self.records += len(chosen)
            yield block.records[chosen], block.weights[chosen].astype(np.float64), block.meanings
            if self.records >= MOST:
                self.complete = False
                return

    def shown(self, bad: float) -> dict[str, Any]:
        return {"records": self.records, "requests": round(self.requests), "bad": round(bad),
                "per_second": round(self.requests / self.span.seconds, 2), "complete": self.complete}


def compare(folder: Path, span: Span, before: Span, slow: bool = False) -> dict[str, Any]:
    """As plain data. `folder`: of the recorder; `slow`: not failures, but what took longer than 95 % of before."""
    now, then = _Half(folder, span), _Half(folder, before)
    table = _table(now, then, slow)
    found = attribution.attribute(table, span.seconds, before.seconds)
    bad, bad_then = float(table.bad[:table.split].sum()), float(table.bad[table.split:].sum())
    return {
        "words": str(found), "reach": found.reach.value, "share_explained": round(found.cover, 3),
        "causes": [_part(each) for each in found.causes], "surge": _part(found.surge) if found.surge else None,
        "runners_up": [_part(each) for each in found.runners_up[:RUNNERS_UP]],
        "of": "slow" if slow else "failures", "now": now.shown(bad), "before": then.shown(bad_then),
    }


def _table(now: _Half, then: _Half, slow: bool) -> Table:
    blocks = now.blocks + then.blocks
    edge = _slow_edge(then) if slow else 0.0
    bad = [records["total_us"] > edge if slow else evidence.failed(records) for records, _, _ in blocks]
    count = _joined([weights for _, weights, _ in blocks], np.float64)
    columns = [_coded(blocks, name) for name in COLUMNS]
    return Table(tuple(COLUMNS), tuple(values for _, values in columns), tuple(codes for codes, _ in columns), count,
                 count * _joined(bad, np.float64), now.records)


def _slow_edge(then: _Half) -> float:
    taken = _joined([records["total_us"] for records, _, _ in then.blocks], np.float64)
    return float(np.quantile(taken, SLOW_QUANTILE)) if len(taken) else float("inf")


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate([each.astype(kind) for each in parts]) if parts else np.zeros(0, kind)


def _coded(blocks: list[tuple[Records, NDArray[np.float64], Meanings]], name: str) -> tuple[Any, tuple[str, ...]]:
    numbers: dict[str, int] = {}
    codes: list[NDArray[np.int64]] = []
    for records, _, told in blocks:
        values, index = _values(records, name)
        text = COLUMNS[name][1](told)
        mine = [numbers.setdefault(text(value), len(numbers)) for value in values]
        codes.append(np.asarray(mine, np.int64)[index] if mine else np.zeros(0, np.int64))
    return narrow(_joined(codes, np.int64), max(len(numbers), 1)), tuple(numbers) or ("-",)


def _values(records: Records, name: str) -> tuple[list[Any], NDArray[np.intp]]:
    """The different values of a column, and which of them each record has."""
    column = records[COLUMNS[name][0]]
    if name == "client":
        _, first, index = np.unique(column, return_index=True, return_inverse=True)
        values = [flight.client_key(each) or flight.client(int(each["client_high"]), int(each["client_low"])) or "-"
                  for each in records[first]]
        return values, index.reshape(-1)
    if name == "version":
        column = np.ascontiguousarray(column).view(f"S{column.shape[1]}").reshape(-1)
    if name == "size":
        column = np.ceil(np.log2(column.astype(np.float64) + 1)).astype(np.int64)
    found, index = np.unique(column, return_inverse=True)
    return found.tolist(), index.reshape(-1)


def _part(part: Part) -> dict[str, Any]:
    return {"where": part.conditions, "excess": round(part.excess, 1), "share": round(part.share, 3)}
