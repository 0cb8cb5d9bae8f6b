"""The board: one shared memory segment (memfd + mmap) through which processes say everything frequent.

Rules:
- sized and `posix_fallocate`d once, so that no later write can meet a full machine (SIGBUS);
- offsets only: each process maps it where it likes;
- rows are 64-byte aligned, so that no two writers share a cache line; words are 64 bits, and a counter has one writer;
- rows of routes, upstreams, endpoints and limits are keyed by name, so that a row, and what it has counted, outlives a
  plan and a worker.

`layout.py` is the one table of fields; `capacity.py` says how much room there is and where a section begins;
`segment.py` maps it and finds rows; `worker.py` hands a worker the addresses of its own.
"""

from gateway.board.capacity import CLIENT_LINES, INTERNED, RECORDER_BYTES, Capacity, worker_room
from gateway.board.layout import (
    ALIGNMENT,
    FOR_EVER,
    GAUGES,
    HISTOGRAM,
    LAYOUT,
    MAGIC,
    NAME_BYTES,
    OFFSETS,
    SIZE,
    TARGETS,
    VERSION,
    Field,
)
from gateway.board.row import Row
from gateway.board.segment import NO_ROUTE, Board, BoardFullError, endpoint_name, limit_name
from gateway.board.state import State
from gateway.board.worker import WorkerBoard

__all__ = [
    "ALIGNMENT", "CLIENT_LINES", "FOR_EVER", "GAUGES", "HISTOGRAM", "INTERNED", "LAYOUT", "MAGIC", "NAME_BYTES",
    "NO_ROUTE", "OFFSETS", "RECORDER_BYTES", "SIZE", "TARGETS", "VERSION", "Board", "BoardFullError", "Capacity",
    "Field", "Row", "State", "WorkerBoard", "endpoint_name", "limit_name", "worker_room",
]
