"""What the thinking of control costs at 1,000 routes: time of each turn, share of a core, memory.

The counters are simulated: a real board of four workers is written as workers write it, with the requests of each
second, before each turn; only the turns are timed: windows, all detectors, incidents. Every tenth route has an
objective. The stores are real ones in a temporary folder; the detectors begin without a past. On a machine that does
other things too, the processor time of the turns says more than their duration, which has its waits.
"""

import argparse
import gc
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gateway.board import OFFSETS, SIZE, Board, Capacity
from gateway.config import revisions
from gateway.control.deliberation import Deliberation
from gateway.control.reloading import Reloader
from gateway.record.active import Active, ActiveFile
from gateway.routing.plan import Endpoint, Listener, Objective, Plan, Route, Upstream
from loadtests.errors import LoadTestError

WORKERS = 4
UPSTREAMS = 100
ENDPOINTS = 2
MOST_TURN_MS = 50.0
MOST_SHARE = 0.05
START = 1_700_002_500
"""Five minutes before a whole hour, whose ticks are folded then."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--routes", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="requests per second of each route")
    parser.add_argument("--turns", type=int, default=370, help="seconds of simulated traffic")


def main(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(options.routes)
        board = _board(plan)
        thinking = _deliberation(board, Path(folder), plan)
        traffic = Traffic(board, options.routes, options.rate)
        turns, own, beside = [], [], 0.0
        gc.collect()
        gc.freeze()                     # as control does
        thinking.try_turn(START * 10**9)
        for second in range(START + 1, START + 1 + options.turns):
            traffic.second()
            began, used = time.perf_counter(), time.thread_time()
            thinking.try_turn(second * 10**9)
            turns.append(1000 * (time.perf_counter() - began))
            own.append(1000 * (time.thread_time() - used))
            if work := thinking.between(second):
                beside = max(beside, _timed(work))
        if thinking.fault or thinking.incidents.fault:
            raise LoadTestError(f"a turn failed: {thinking.fault}{thinking.incidents.fault}")
        _show(options, turns, own, thinking, beside)
    worst, share = max(turns), statistics.mean(own) / 1000
    return 0 if worst < MOST_TURN_MS and share < MOST_SHARE else 1


class Traffic:
    """Writes what a second of traffic adds to every worker's counters of every route."""

    def __init__(self, board: Board, routes: int, rate: int) -> None:
        header, offsets = board.header, OFFSETS["RouteCounters"]
        shape = header["workers"], header["routes"], SIZE["RouteCounters"] // 8
        words = np.ndarray(shape, np.uint64, board.memory, header["routes_at"])
        buckets = words.view(np.uint32)
        self._routes = slice(1, routes + 1)
        self._words, self._buckets = words, buckets
        self._offsets = offsets
        self._random = np.random.default_rng(7)
        self._rate = rate / header["workers"]

    def second(self) -> None:
        routes, word = self._routes, {name: offset // 8 for name, offset in self._offsets.items()}
        count = self._words.shape[0], routes.stop - routes.start
        requests = self._random.poisson(self._rate, count).astype(np.uint64)
        errors = self._random.binomial(requests.astype(np.int64), 0.002).astype(np.uint64)
        self._words[:, routes, word["requests"]] += requests
        self._words[:, routes, word["answers"] + 2] += requests - errors
        self._words[:, routes, word["answers"] + 5] += errors
        self._words[:, routes, word["total_us"]] += 5000 * requests
        for name in ("total", "ttfb"):
            first = self._offsets[name] // 4
            for bucket, share in ((150, 6), (160, 3), (190, 1)):
                self._buckets[:, routes, first + bucket] += (requests * share // 10).astype(np.uint32)


def _plan(routes: int) -> Plan:
    endpoints = tuple(Endpoint(f"127.0.0.1:{9000 + each}") for each in range(ENDPOINTS))
    upstreams = tuple(Upstream(f"upstream-{number}", endpoints) for number in range(UPSTREAMS))
    promise = Objective(990_000, 300_000_000)
    return Plan((Listener("127.0.0.1:1"),), upstreams, tuple(
        Route(f"route-{number}", upstream=f"upstream-{number % UPSTREAMS}", objective=None if number % 10 else promise)
        for number in range(routes)))


def _board(plan: Plan) -> Board:
    board = Board.create(Capacity.room_for(WORKERS, len(plan.routes), UPSTREAMS * ENDPOINTS, UPSTREAMS), boot_ns=1,
                         boot_utc_ns=1)
    board.name_rows([route.name for route in plan.routes],
                    [(upstream.name, endpoint.address) for upstream in plan.upstreams
                     for endpoint in upstream.endpoints], 1, upstreams=[upstream.name for upstream in plan.upstreams])
    return board


def _deliberation(board: Board, folder: Path, plan: Plan) -> Deliberation:
    """As control builds it, but nobody analyses, and there are no stored windows to learn from."""
    candidate = revisions.Candidate("", plan)
    ActiveFile(folder).write(Active(revisions.revision(1, candidate, at_ns=0, how="boot", who="file")))
    log = logging.getLogger("loadtests")
    return Deliberation(board, folder, Reloader(board, folder, "", {}, log), None, log)


def _timed(work: Callable[[], None]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _own_memory() -> float:
    """MiB of this process that no other shares: the board is not in it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def _show(options: argparse.Namespace, turns: list[float], own: list[float], thinking: Deliberation,
          beside: float) -> None:
    ordered = sorted(turns)
    print(f"{options.routes} routes x {options.rate} requests/s, {UPSTREAMS} upstreams, {UPSTREAMS * ENDPOINTS} "
          f"endpoints, {WORKERS} workers, {len(turns)} turns of one second")
    print(f"turn: mean {statistics.mean(turns):.1f} ms, p50 {ordered[len(ordered) // 2]:.1f}, "
          f"p95 {ordered[int(0.95 * len(ordered))]:.1f}, max {ordered[-1]:.1f} ms "
          f"in turn {turns.index(ordered[-1])} (mark: {MOST_TURN_MS:.0f})")
    print(f"processor time of a turn: mean {statistics.mean(own):.1f} ms, max {max(own):.1f} ms "
          f"in turn {own.index(max(own)) + 1}")
    print(f"share of a core: {statistics.mean(own) / 10:.2f} % (mark: {100 * MOST_SHARE:.0f})")
    print(f"between two turns, in another thread, at most {beside:.0f} ms")
    history, detectors = thinking.windows.bytes() / 2**20, thinking.routes.memory() / 2**20
    print(f"memory: {history:.1f} MiB of history, {detectors:.1f} MiB of detectors, in a process of "
          f"{_own_memory():.0f} MiB beside the board")
