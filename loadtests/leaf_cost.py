"""What each safeguard costs on a real board, in ns per call: `python -m loadtests leaves`.

The loops are compiled (`leaf_loops.pyx`, into a temporary folder); the least disturbed of several rounds counts. Warm
is one key again and again; cold is a million keys in a table of full size, evictions included.
"""
import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from gateway import board
from gateway.board import params
from gateway.model.safeguards import ENFORCE, Breaker, Eject

TIMES = 200_000
ROUNDS = 7
BUDGET = 200
ROOT = Path(__file__).parents[1]
BUILD = """
from Cython.Build import cythonize
from setuptools import Extension, setup
setup(ext_modules=cythonize([Extension("leaf_loops", ["loadtests/leaf_loops.pyx"], extra_compile_args=["-O3"])],
                            build_dir={folder!r}, quiet=True),
      script_args=["-q", "build_ext", "--build-lib", {folder!r}, "--build-temp", {folder!r}])
"""


def compiled(folder: str) -> ModuleType:
    subprocess.run([sys.executable, "-c", BUILD.format(folder=folder)], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    (path,) = Path(folder).glob("leaf_loops*.so")
    spec = importlib.util.spec_from_file_location("leaf_loops", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_rows() -> board.WorkerBoard:
    """A board as a gateway of two workers has it."""
    capacity = board.Capacity.room_for(2, 10, 10, 10, 10, client_lines=board.CLIENT_LINES,
                                       recorder_bytes=board.RECORDER_BYTES)
    made = board.Board.create(capacity, boot_ns=0, boot_utc_ns=0)
    made.name_rows(["r"], [("u", "a:1")], 1, upstreams=["u"], limits=[("r", "l")])
    params.write_upstream(made, "u", ["a:1"], Breaker(mode=ENFORCE), Eject(mode=ENFORCE))
    return board.WorkerBoard(made, 0)


def cases(loops: ModuleType, rows: board.WorkerBoard) -> list[tuple[str, Callable[[], int]]]:
    _, arrival = rows.limit("r", "l")
    table, path = rows.client_table(), b"/api/v1/orders/81723/items?page=2&size=50"
    controls = [rows.control("routes", "r"), rows.control("upstreams", "u"), rows.control("endpoints", "u a:1")]
    return [
        ("clock", lambda: loops.loop_clock(TIMES)),
        ("client key hash, 12 bytes", lambda: loops.loop_hash(b"203.0.113.77", TIMES)),
        ("client key hash, 40 bytes", lambda: loops.loop_hash(b"k" * 40, TIMES)),
        ("limit by route, admitted", lambda: loops.loop_gcra(arrival, table, 10**9, TIMES)),
        ("limit by route, denied", lambda: loops.loop_gcra(arrival, table, 1, TIMES)),
        ("limit by client, warm", lambda: loops.loop_clients(table, 1, TIMES)),
        ("limit by client, 1,000 keys", lambda: loops.loop_clients(table, 1000, TIMES)),
        ("limit by client, 1,000,000 keys", lambda: loops.loop_clients(table, 10**6, TIMES)),
        ("permit taken and given", lambda: loops.loop_permits(rows.permits("upstreams", "u"), TIMES)),
        ("all other gates together", lambda: loops.loop_gates(controls, rows.client_rules(), TIMES)),
        ("upstream counters", lambda: loops.loop_count(rows.counters("upstreams", "u"), TIMES)),
        ("text interned", lambda: loops.loop_intern(rows.interned(), b"api.example.com", TIMES)),
        ("flight record, ring of 64 MiB", lambda: loops.loop_record(rows.ring(), path, TIMES)),
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    """None."""


def main(options: argparse.Namespace | None = None) -> int:
    """1 when one takes longer than the budget."""
    rows, over = make_rows(), 0
    with tempfile.TemporaryDirectory() as folder:
        loops = compiled(folder)
        for name, loop in cases(loops, rows):
            cost = min(loop() for _ in range(ROUNDS)) / TIMES
            over += cost > BUDGET
            print(f"{name:34}{cost:8.1f} ns")
    ticker, now = rows.ticker(), 10**9
    print(f"{'a tick of this board':34}{tick_cost(ticker.run, now):8.1f} µs")
    return 1 if over else 0


def tick_cost(run: Callable[[int], bool], now: int) -> float:
    """µs of one turn, the least of several."""
    costs = []
    for number in range(20):
        started = time.perf_counter_ns()
        ran = run(now + number * 10**8)
        assert ran
        costs.append(time.perf_counter_ns() - started)
    return min(costs) / 1e3


if __name__ == "__main__":
    raise SystemExit(main())
