"""How many recorded requests a replay decides per second of CPU, each under both configs: flight records and a log."""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from gateway.config import replay as replaying
from gateway.config.replay import Report
from gateway.model.safeguards import SECOND, Limit
from gateway.record import segments
from gateway.record.flight import NO_ROW, RECORD, Meanings, Records
from gateway.record.segments import FLIGHT, SegmentWriter
from gateway.routing import plan as plans
from gateway.routing.plan import Match, Plan, Route

BLOCK = 5000        # records: a second at 5,000 requests/s
CLIENTS = 2000
BEGAN = 1_700_000_000 * SECOND
LIMITS = (Limit("each", "client", 100, SECOND, 200), Limit("all", "route", 4000, SECOND, 8000))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=2_000_000, help="of each kind (default: %(default)s)")


def main(options: argparse.Namespace) -> int:
    old, new = plan(()), plan(LIMITS)
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        recording, log = Path(folder), Path(folder) / "access.log"
        write_recording(recording, options.requests)
        write_log(log, options.requests)
        measure("flight records", lambda: replaying.replay_recording(old, new, recording))
        measure("access log", lambda: replaying.replay_log(old, new, log))
    return 0


def plan(limits: tuple[Limit, ...]) -> Plan:
    routes = tuple(Route(f"r{each}", Match(f"/r{each}/**"), upstream="api", limits=limits) for each in range(20))
    return Plan((plans.Listener("127.0.0.1:8080"),), routes=routes)


def measure(what: str, replay: Callable[[], Report]) -> None:
    began = time.process_time()
    report = replay()
    seconds = time.process_time() - began
    print(f"{what:16} {report.requests:>10,} requests  {report.requests / seconds:>10,.0f} per second of CPU  "
          f"({report.newly_denied:,} newly denied, {report.late:,} out of order)", flush=True)


def write_recording(folder: Path, count: int) -> None:
    writer = SegmentWriter(folder, FLIGHT, 2**40)
    told = Meanings(0, {}, {1: "www.example.com"})
    for first in range(0, count, BLOCK):
        records = made(first, min(BLOCK, count - first))
        times = records["started_ns"]
        writer.append(told.to_json().encode(), segments.pack(records, np.ones(len(records), np.float32)), len(records),
                      int(times[0]), int(times[-1]))
    writer.close()


def made(first: int, count: int) -> Records:
    records, numbers = np.zeros(count, RECORD), np.arange(first, first + count)
    clients = numbers * 7919 % CLIENTS
    records["started_ns"] = BEGAN + numbers * (SECOND // BLOCK)
    records["client_low"] = 0xFFFF0A000000 + clients
    records["client_key"] = (clients + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    records["host"], records["status"], records["total_us"], records["ttfb_us"] = 1, 200, 900 + numbers % 700, NO_ROW
    for index, number in enumerate(numbers):
        path = b"/r%d/item/%d" % (number % 20, number % 1000)
        records["path"][index, : len(path)] = np.frombuffer(path, "u1")
        records["path_size"][index] = len(path)
    return records


def write_log(file: Path, count: int) -> None:
    with file.open("w") as lines:
        for number in range(count):
            at = datetime.fromtimestamp(BEGAN // SECOND + number // BLOCK, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            client = number * 7919 % CLIENTS
            lines.write(f"www.example.com:443 10.0.{client // 256}.{client % 256} - - [{at}] "
                        f'"GET /r{number % 20}/item/{number % 1000} HTTP/1.1" 200 512 "-" "curl/8"\n')
