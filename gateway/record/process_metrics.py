"""What the operating system charges to each process of the gateway: files, memory and CPU, read from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.board import Board, State
from gateway.record.exposition import Family, counter, gauge

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
UNLIMITED = 2**63


class ProcessMetrics:
    """Of the workers and control; a process that ends meanwhile is left out."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Family]:
        pids = dict(self._pids())
        labels = ("process",)
        yield gauge("gateway_open_files", "Open file descriptors, sockets included.", labels,
                    (((name,), count) for name, pid in pids.items() if (count := open_files(pid)) is not None))
        yield gauge("gateway_open_files_limit", "How many file descriptors the process may have.", labels,
                    (((name,), most) for name, pid in pids.items() if (most := files_limit(pid)) is not None))
        used = {name: found for name, pid in pids.items() if (found := cpu_and_memory(pid)) is not None}
        yield counter("gateway_cpu_seconds", "Processor seconds of the process, from 0 after a restart.", labels,
                      (((name,), cpu) for name, (cpu, _) in used.items()))
        yield gauge("gateway_resident_memory_bytes", "Bytes of memory in use, the shared board included.", labels,
                    (((name,), memory) for name, (_, memory) in used.items()))

    def _pids(self) -> Iterator[tuple[str, int]]:
        for index in (*self._board.crew(), self._board.workers):
            slot = self._board.slot(index)
            if slot["pid"] and slot["state"] != State.DEAD:
                yield f"worker {index}" if index < self._board.workers else "control", slot["pid"]


def open_files(pid: int) -> int | None:
    """None where there is no such process (any more)."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def files_limit(pid: int) -> int | None:
    """The soft limit, RLIMIT_NOFILE; None as above."""
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    except OSError:
        return None
    soft = next((line.split()[3] for line in lines if line.startswith("Max open files")), "")
    return int(soft) if soft.isdecimal() else UNLIMITED


def cpu_and_memory(pid: int) -> tuple[float, int] | None:
    """(CPU seconds, resident bytes), proc(5) stat fields 14, 15 and 24; None as above."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND, int(fields[21]) * PAGE
