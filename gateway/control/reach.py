"""How much of the last minute's traffic a target carries: what whoever isolates it is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.board import Board, windows
from gateway.control.places import SECTIONS, Places
from gateway.model.target import Target

SPAN_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reach:
    """`requests` of the target among `total` in the last minute; None where that is not known."""

    requests: int | None
    total: int

    def snapshot(self) -> dict[str, Any]:
        share = None if self.requests is None or not self.total else round(min(1.0, self.requests / self.total), 4)
        return {"requests": self.requests, "total": self.total, "share": share, "seconds": SPAN_NS // 10**9}


def reach(board: Board, places: Places, target: Target, now: int) -> Reach:
    """`now` is monotonic. An upstream's requests are those it was sent, retries included."""
    total = _sum(board, "routes", board.names("routes").values(), now)
    if target.kind not in SECTIONS:
        return Reach(None, total)
    return Reach(_sum(board, SECTIONS[target.kind], places.rows(target), now), total)


def _sum(board: Board, section: str, rows: Iterable[int], now: int) -> int:
    since = max(0, now - SPAN_NS)
    return sum(windows.tally(board, section, row, since).requests for row in rows)
