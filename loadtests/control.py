"""What the thinking of control costs at 1,000 routes: time of each turn, share of a core, memory.

The counters are simulated: a real board of four workers is written as workers write it, with the requests of each
second, before each turn; only the turns are timed. The windows are kept in a real database in a temporary folder.
"""

import argparse
import logging
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from gateway.board import OFFSETS, SIZE, Board, Capacity
from gateway.control.windows import Windows
from gateway.record.window_store import WindowStore

WORKERS = 4
UPSTREAMS = 100
ENDPOINTS = 2
MOST_TURN_MS = 50.0
MOST_SHARE = 0.05
START = 1_700_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--routes", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=200, help="requests per second of each route")
    parser.add_argument("--turns", type=int, default=130, help="seconds of simulated traffic")


def main(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        board = _board(options.routes)
        store = WindowStore(Path(folder, "windows.sqlite"), 2 * 2**30)
        windows = Windows(board, lambda: store, logging.getLogger("loadtests"))
        traffic = Traffic(board, options.routes, options.rate)
        turns = []
        windows.turn(START)
        for second in range(START + 1, START + 1 + options.turns):
            traffic.second()
            began = time.perf_counter()
            windows.turn(second)
            turns.append(1000 * (time.perf_counter() - began))
        _show(options, turns, windows.bytes())
    worst, share = max(turns), statistics.mean(turns) / 1000
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


def _board(routes: int) -> Board:
    board = Board.create(Capacity.room_for(WORKERS, routes, UPSTREAMS * ENDPOINTS, UPSTREAMS), boot_ns=1, boot_utc_ns=1)
    upstreams = [f"upstream-{number}" for number in range(UPSTREAMS)]
    board.name_rows([f"route-{number}" for number in range(routes)],
                    [(upstream, f"127.0.0.1:{9000 + each}") for upstream in upstreams for each in range(ENDPOINTS)], 1,
                    upstreams=upstreams)
    return board


def _own_memory() -> float:
    """MiB of this process that no other shares: the board is not in it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def _show(options: argparse.Namespace, turns: list[float], history: int) -> None:
    ordered = sorted(turns)
    print(f"{options.routes} routes x {options.rate} requests/s, {UPSTREAMS} upstreams, {UPSTREAMS * ENDPOINTS} "
          f"endpoints, {WORKERS} workers, {len(turns)} turns of one second")
    print(f"turn: mean {statistics.mean(turns):.1f} ms, p50 {ordered[len(ordered) // 2]:.1f}, "
          f"p95 {ordered[int(0.95 * len(ordered))]:.1f}, max {ordered[-1]:.1f} ms (mark: {MOST_TURN_MS:.0f})")
    print(f"share of a core: {statistics.mean(turns) / 10:.2f} % (mark: {100 * MOST_SHARE:.0f})")
    print(f"memory: {history / 2**20:.1f} MiB of history, in a process of {_own_memory():.0f} MiB beside the board")
