"""The rolling counters of a target, summed: what control and status read of what the tick has folded."""

from dataclasses import dataclass

from gateway.board.layout import BUCKETS_1S, BUCKETS_100MS
from gateway.board.segment import Board

FIELDS = ("start_ns", "requests", "failures", "slow", "refused", "client_errors", "latency_us", "retries")
RINGS = {"fast": BUCKETS_100MS, "seconds": BUCKETS_1S}


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted in a span; `latency_us` is a sum."""

    requests: int = 0
    failures: int = 0
    slow: int = 0
    refused: int = 0
    client_errors: int = 0
    latency_us: int = 0
    retries: int = 0


def tally(board: Board, section: str, row: int, since: int, ring: str = "seconds") -> Tally:
    """The sum of a target's buckets that began at `since` or later; `ring`: `fast` (11 s) or `seconds` (a minute)."""
    words, width = board.window(section, row).items(ring, RINGS[ring] * len(FIELDS)), len(FIELDS)
    inside = [words[at + 1 : at + width] for at in range(0, len(words), width) if words[at] >= max(since, 1)]
    return Tally(*(sum(column) for column in zip(*inside, strict=True))) if inside else Tally()
