"""What the reflexes, the processes and people say, read once a second: facts for `detect.reflex`, reports as signals.

Monotonic times of the board become UTC here. Since when something is so is what the board says, or else when it was
first seen; that memory may be lost with the process, and begins anew then.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from gateway.board import Board, State
from gateway.control.counters import LIMITED, REQUESTS, SATURATED, Counts
from gateway.control.places import Places
from gateway.control.windows import Windows
from gateway.detect import reflex
from gateway.isolate.breaker import CLOSED
from gateway.model.report import Report
from gateway.model.signal import Signal, SignalKind
from gateway.model.target import Target
from gateway.record import process_metrics
from gateway.record.certificates import Certificates
from gateway.record.store import Store
from gateway.routing.plan import Plan, is_own

MINUTE_S = 60
REPORTS_NS = 30 * 60 * 10**9
REPORTERS = {SignalKind.LOG_REVIEW: 1, SignalKind.OPERATOR_REPORT: 1, SignalKind.COMMUNITY_REPORT: 3}
"""So many independent people, within half an hour, open an incident: one who may use the admin API, three others."""
STRAINED_NS = 4 * 10**9
"""So long a worker must be late or busy, second after second, before it is overloaded: a neighbour's second is not."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Sensing:
    """Mutable state: since when each level is so, restarts seen, and the processor time of each worker."""

    def __init__(self, board: Board, windows: Windows, plan: Callable[[], Plan],
                 refused: Callable[[], reflex.RefusedConfig | None]) -> None:
        self._board = board
        self._windows = windows
        self._plan = plan
        self._refused = refused
        self._places = Places(board)
        self._certificates = Certificates()
        self._since: dict[tuple[str, str], int] = {}
        self._restarts: dict[int, int] = {}
        self._restarted: list[reflex.Restart] = []
        self._cpu: dict[int, tuple[float, float]] = {}

    def __call__(self, now: int) -> list[Signal]:
        """`now`: UTC ns."""
        monotonic = time.monotonic_ns()
        minute = self._windows.sums(MINUTE_S)
        return reflex.signals(reflex.Facts(
            breakers=list(self._breakers(now, monotonic)), endpoints=list(self._endpoints(now, monotonic)),
            limits=self._refusals(minute, LIMITED, "limit", now),
            bulkheads=self._refusals(minute, SATURATED, "bulkhead", now),
            process=self._process(now, monotonic), config=self._refused(), restarts=self._restarts_seen(now),
            certificates=[reflex.Certificate(each.path, each.ends_ns) for each in self._certificates.of(self._plan())]),
            now)

    def _breakers(self, now: int, monotonic: int) -> Iterator[reflex.Breaker]:
        names = self._places.names("upstream")
        for upstream in self._plan().upstreams:
            row = names.get(upstream.name)
            if row is None or upstream.breaker.mode != "enforce":
                continue
            control = self._board.control("upstreams", row)
            is_open = control["breaker"] & 3 != CLOSED
            window = self._board.window("upstreams", row)
            yield reflex.Breaker(upstream.name, is_open, now - max(0, monotonic - control["since_ns"]),
                                 window["failures"], window["requests"], window["slow"])

    def _endpoints(self, now: int, monotonic: int) -> Iterator[reflex.Endpoint]:
        for name, row in self._places.names("endpoint").items():
            upstream, _, address = name.partition("/")
            control = self._board.control("endpoints", row)
            unhealthy = bool(control["unhealthy"])
            is_out = unhealthy or control["ejected_until"] > monotonic
            reason = "its health check fails" if unhealthy else f"ejected, {control['ejections']} times lately"
            yield reflex.Endpoint(upstream, address, is_out, self._first_seen(("endpoint", name), is_out, now), reason)

    def _refusals(self, minute: Counts, column: int, safeguard: str, now: int) -> list[reflex.Refusals]:
        found = []
        for row in np.flatnonzero(minute[:, column]):
            name = self._windows.names[row].partition(":")[2]
            if is_own(name):
                continue
            found.append(reflex.Refusals(Target("route", name), safeguard, int(minute[row, column]),
                                         int(minute[row, REQUESTS]), self._first_seen((safeguard, name), True, now)))
        refusing = {(safeguard, each.target.name) for each in found}
        for gone in [key for key in self._since if key[0] == safeguard and key not in refusing]:
            del self._since[gone]
        return found

    def _process(self, now: int, monotonic: int) -> reflex.Process | None:
        workers = [slot for index in self._board.crew() if (slot := self._board.slot(index))["state"] == State.READY]
        if not workers:
            return None
        lag = max(slot["loop_lag_us"] for slot in workers) / 1000
        cpu = max(self._share_of_core(slot["pid"], monotonic / 1e9) for slot in workers)
        files = max(_share_of_files(slot["pid"]) for slot in workers)
        strained = lag > reflex.OVERLOADED_LAG_MS or cpu > reflex.OVERLOADED_CPU
        since = self._first_seen(("process", ""), strained, now)
        if not strained or now - since < STRAINED_NS:
            lag = cpu = 0.0
        short = self._first_seen(("files", ""), files > reflex.OVERLOADED_FILES, now)
        return reflex.Process(lag, cpu, files, min(since, short))

    def _share_of_core(self, pid: int, at: float) -> float:
        """Since the last look; 0 at the first, or where the process is gone."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            self._cpu.pop(pid, None)
            return 0.0
        used = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
        before = self._cpu.get(pid)
        self._cpu[pid] = used, at
        return (used - before[0]) / (at - before[1]) if before and at > before[1] else 0.0

    def _restarts_seen(self, now: int) -> list[reflex.Restart]:
        for worker in range(self._board.workers):
            count = self._board.slot(worker)["restarts"]
            if count > self._restarts.setdefault(worker, count):
                self._restarted.append(reflex.Restart(worker, now))
            self._restarts[worker] = count
        self._restarted = [each for each in self._restarted if now - each.at_ns < reflex.RECENT]
        return self._restarted

    def _first_seen(self, what: tuple[str, str], is_so: bool, now: int) -> int:
        if not is_so:
            self._since.pop(what, None)
            return now
        return self._since.setdefault(what, now)


def _share_of_files(pid: int) -> float:
    """Open file descriptors of what the process may have; 0 where it is gone."""
    count, most = process_metrics.open_files(pid), process_metrics.files_limit(pid)
    return count / most if count and most else 0.0


class Reports:
    """What people said in the last half hour."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store

    def __call__(self, now: int) -> list[Signal]:
        """Raises NotStored."""
        return signals_of(self._store().reports(now - REPORTS_NS), now)


def signals_of(reports: Iterable[Report], now: int) -> list[Signal]:
    """A signal for each target of which enough independent people speak; nobody is counted twice."""
    by_target: dict[tuple[SignalKind, str], list[Report]] = {}
    for each in reports:
        by_target.setdefault((each.kind, each.target), []).append(each)
    found = []
    for (kind, target), said in by_target.items():
        people = len({each.who for each in said})
        if people >= REPORTERS[kind]:
            first = min(said, key=lambda each: each.at_ns)
            seen = f"{people} said so"
            if kind is not SignalKind.COMMUNITY_REPORT and first.words:     # what strangers write goes into no alert
                seen += f"; the first: {first.words}"
            found.append(Signal(kind, target, now, first.at_ns, seen,
                                f"{REPORTERS[kind]} in half an hour"))
    return found
