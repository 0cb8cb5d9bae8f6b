"""Reading the table of client keys, as `_limiter.slot_of` finds its slots, without taking one."""

from gateway import _limiter
from gateway.board import OFFSETS, SIZE, Board

WAYS = 4
WORD = 8


def arrival_of(board: Board, client: int, limit_row: int) -> int:
    """The arrival time of a client (its keyed hash) under the limit of a row; 0 where it holds no slot."""
    lines = board.header["client_slots"] // WAYS
    if not lines:
        return 0
    key = _limiter.key_under(client, limit_row)
    line = board.header["client_table_at"] + (key >> 8 & (lines - 1)) * WAYS * SIZE["ClientSlot"]
    for way in range(WAYS):
        slot = line + way * SIZE["ClientSlot"]
        if _word(board, slot + OFFSETS["ClientSlot"]["tag"]) == key | 1:
            return _word(board, slot + OFFSETS["ClientSlot"]["arrival"])
    return 0


def _word(board: Board, at: int) -> int:
    return int.from_bytes(board.memory[at : at + WORD], "little")
