"""Programs that a load test starts: each leads its own process group, on given cores, and is ended by its id.

- The cores are set before exec, so every process and thread that the program starts inherits them.
- The program gets SIGTERM if the load test dies, so nothing is left behind by a crash.
- Ending one: SIGTERM to the leader, which ends its own children; what is left after `PATIENCE` is killed one by one.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from loadtests import accounting
from loadtests.errors import LoadTestError

PATIENCE = 5.0  # seconds that a program may take to end by itself
CHECKOUT = Path(__file__).resolve().parents[1]
OPEN_FILES = 20_000  # each side of 10,000 connections fits in one process
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Program:
    """A running program and everything that it started."""

    def __init__(self, name: str, arguments: Sequence[str], *, cores: frozenset[int], folder: Path,
                 environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = folder / f"{name.replace('/', '_')}.log"
        with self.log.open("wb") as log:
            self._leader = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, cwd=folder,
                env={**os.environ, **(environment or {})}, preexec_fn=_before_exec(cores))
        self.pid = self._leader.pid

    def __repr__(self) -> str:
        return f"<Program {self.name} pid={self.pid} {'running' if self.running else 'ended'}>"

    @property
    def running(self) -> bool:
        return self._leader.poll() is None

    def members(self) -> list[accounting.ProcessEntry]:
        """The leader first, then its descendants."""
        return descendants(self.pid, accounting.process_table())

    def stop(self) -> None:
        members = self.members()
        if self.running:
            self._leader.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._leader.wait(PATIENCE)
        for left in members:
            _kill(left)
        self._leader.wait(PATIENCE)

    def wait_until(self, ready: Callable[[], bool], patience: float = 15.0) -> None:
        """Raises LoadTestError with the end of its log when it ends, or is not ready in time."""
        deadline = time.monotonic() + patience
        while not ready():
            if not self.running:
                raise LoadTestError(f"{self.name} ended with {self._leader.returncode} at start:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise LoadTestError(f"{self.name} does not answer after {patience:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def descendants(leader: int, table: Sequence[accounting.ProcessEntry]) -> list[accounting.ProcessEntry]:
    """`leader` and everything below it, parents before children; empty when it is not in the table."""
    found = [entry for entry in table if entry.pid == leader]
    for parent in found:  # grows while it is read: children of children
        found += [entry for entry in table if entry.parent == parent.pid]
    return found


@contextlib.contextmanager
def running(program: Program) -> Iterator[Program]:
    try:
        yield program
    finally:
        program.stop()


def _before_exec(cores: frozenset[int]) -> Callable[[], None]:
    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        raise_open_files()
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return prepare


def raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _kill(entry: accounting.ProcessEntry) -> None:
    """End what is left, and only that: a later process with the same number started at another time."""
    with contextlib.suppress(LookupError, ProcessLookupError):
        if accounting.process_entry(entry.pid).started == entry.started:
            os.kill(entry.pid, signal.SIGKILL)
