"""How much of the cores was taken by programs that are no part of the run.

A core that others use too is a core whose caches others fill: CPU per request grows by a third, and not alike for all.
So each sample says how quiet its cores were: what the kernel counts as busy on them (stolen by the hypervisor included)
less what this process, its programs and wrk spent. Ticks of 10 ms: a share of one per cent is noise.
"""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests import accounting, processes
from loadtests.errors import LoadTestError

# Beyond this share figures moved by more than the marks allow, and a result should be measured again.
QUIET = 0.05
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)  # of the columns of /proc/stat: idle, iowait
_BUSY = range(8)  # user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already


@dataclass
class Others:
    """The share, 0 to 1, of the watched cores' time that went to other programs; set when the watch is over."""

    share: float = 0.0


@contextmanager
def watch(cores: frozenset[int]) -> Iterator[Others]:
    others = Others()
    begun, busy, own = time.monotonic(), _busy(cores), _own()
    yield others
    others.share = share(_busy(cores) - busy, _own() - own, (time.monotonic() - begun) * len(cores))


def share(busy: float, own: float, whole: float) -> float:
    """Of `whole` seconds of core time, what was busy and not our own; ticks may round it below nothing."""
    return min(1.0, max(0.0, (busy - own) / whole))


def busy_seconds(stat: str, cores: frozenset[int]) -> float:
    """From the text of /proc/stat: time in which these cores were not idle."""
    wanted = {f"cpu{core}" for core in cores}
    rows = [line.split() for line in stat.splitlines() if line.split(" ")[0] in wanted]
    return sum(int(row[1 + column]) for row in rows for column in _BUSY if column not in _IDLE) * _TICK


def _busy(cores: frozenset[int]) -> float:
    return busy_seconds(Path("/proc/stat").read_text(), cores)


def _own() -> float:
    """CPU seconds of this process, what runs below it, and what ran and ended below it (wrk)."""
    return _ended() + sum(_total(entry.pid) for entry in processes.descendants(os.getpid(), accounting.process_table()))


def _ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _total(pid: int) -> float:
    try:
        return accounting.read_cpu(pid).total_ns / 1e9
    except LoadTestError:
        return 0.0  # it ended since the table was read; whoever waited for it has its time
