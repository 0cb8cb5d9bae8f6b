"""The operating system's own account of a process: CPU time and memory.

CPU time comes from two places, because neither says enough alone:
- the process's CPU clock (`clock_getcpuclockid(3)`): every thread, ended ones too, in nanoseconds, but one total;
- `/proc/PID/stat`: user and system apart, but in ticks of 10 ms, and split by sampling at the timer interrupt.
So the total is exact and only its split into user and system is rounded.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadtests.errors import LoadTestError

# clockid of another process: its complemented pid above three bits of type; 2 is CPUCLOCK_SCHED
# (include/linux/posix-timers_types.h). glibc's clock_getcpuclockid computes the same; Python does not export it.
_CPUCLOCK_SCHED = 2


@dataclass(frozen=True, slots=True)
class CpuReading:
    """One process's account so far: nanoseconds in all, clock ticks in user and in system space."""

    total_ns: int
    user_ticks: int
    system_ticks: int


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds spent between two readings."""

    user: float = 0.0
    system: float = 0.0

    @property
    def total(self) -> float:
        return self.user + self.system

    def __add__(self, other: "CpuTime") -> "CpuTime":
        return CpuTime(self.user + other.user, self.system + other.system)


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """A line of the process table. `started` (in ticks after boot) tells a process from a later one with its number."""

    pid: int
    parent: int
    started: int
    title: str


def read_cpu(pid: int) -> CpuReading:
    """Raises LoadTestError when the process is gone: it died under the load."""
    try:
        total_ns = time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
        fields = _stat_fields(pid)
    except (OSError, LookupError) as error:
        raise LoadTestError(f"process {pid} ended while it was being measured: read its log") from error
    return CpuReading(total_ns, user_ticks=int(fields[11]), system_ticks=int(fields[12]))


def spent(before: CpuReading, after: CpuReading) -> CpuTime:
    """The exact total, split as the ticks split it. Without one tick between the readings, all counts as system."""
    seconds = (after.total_ns - before.total_ns) / 1e9
    user = after.user_ticks - before.user_ticks
    ticks = user + after.system_ticks - before.system_ticks
    share = user / ticks if ticks else 0.0
    return CpuTime(user=seconds * share, system=seconds * (1 - share))


def read_all(pids: Iterable[int]) -> dict[int, CpuReading]:
    return {pid: read_cpu(pid) for pid in pids}


def spent_by(pids: Iterable[int], before: dict[int, CpuReading], after: dict[int, CpuReading]) -> CpuTime:
    return sum((spent(before[pid], after[pid]) for pid in pids), CpuTime())


def process_entry(pid: int) -> ProcessEntry:
    """Raises LookupError when there is no such process any more."""
    fields = _stat_fields(pid)
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError as error:
        raise LookupError(pid) from error
    words = title.replace(b"\0", b" ").decode(errors="replace").strip()
    return ProcessEntry(pid, parent=int(fields[1]), started=int(fields[19]), title=words)


def process_table() -> list[ProcessEntry]:
    entries = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                entries.append(process_entry(int(name)))
            except LookupError:
                continue  # it ended since the folder was listed
    return entries


def private_memory(pid: int) -> int:
    """RssAnon in bytes: what this process alone holds; shared segments such as the board are not in it."""
    return _status_kib(pid, "RssAnon") * 1024


def private_memory_of_self() -> int:
    return private_memory(os.getpid())


def shared_segment(pid: int) -> int:
    """Size in bytes of the memfd segments that this process maps: for a gateway worker, the board."""
    sizes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, _, _, _, inode, *path = line.split()
        if path and path[0].startswith("/memfd:"):
            begin, end = (int(part, 16) for part in span.split("-"))
            sizes[inode] = sizes.get(inode, 0) + end - begin
    return sum(sizes.values())


def _stat_fields(pid: int) -> list[str]:
    """The fields of proc(5) stat from `state` (number 3) on; the name before it may itself hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError as error:
        raise LookupError(pid) from error


def _status_kib(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError as error:
        raise LoadTestError(f"process {pid} ended while its memory was being read: read its log") from error
    return int(next(line for line in lines if line.startswith(field + ":")).split()[1])
