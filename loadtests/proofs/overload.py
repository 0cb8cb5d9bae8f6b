"""Four times the load that one worker can bear, and a critical route beside it.

The bulk answers are 256 Ki chunks of one byte: dear to relay (2.5 ms), since each chunk is read, and cheap for the load
to make and to take, so that the worker is the bottleneck, and relaying, not refusing, is what it does: with a quarter
of the chunks three refusals cost a third of an answer, and the goodput is 0.5 to 0.9 of the peak.
The worker has a core of its own; the load and the endpoints
share another, the critical client and its endpoint being a process of their own there.
"""

import argparse
import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from gateway.board import Row
from gateway.mitigate import shedding
from loadtests import accounting, processes, site
from loadtests.proofs import gateways
from loadtests.proofs.answers import Answer
from loadtests.proofs.flood import LAST_CHUNK
from loadtests.proofs.stage import Stage, get
from loadtests.proofs.verdict import Verdict

CHUNK = b"1\r\n0\r\n"
CHUNKS = 256 * 1024
TIMES = 4
CALM = 4.0              # seconds of measuring before and after
CRITICAL_PAUSE = 0.01
RECOVERY = 5.0
SHED = 503


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=15.0, help="of overload (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict, cores = Verdict(), site.divide_cores(site.available_cores(), 1)
    processes.raise_open_files()
    os.sched_setaffinity(0, cores.load)
    with site.temporary_site(options.first_port) as where:
        prove(verdict, where, cores, options.seconds)
    return verdict.exit_code()


def prove(verdict: Verdict, where: site.Site, cores: site.Cores, seconds: float) -> None:
    verdict.title(f"{TIMES} x the load that one worker can bear, {seconds:g} s")
    port, critical_port, bulk_port = where.port(), where.port(), where.port()
    plan = config(port, critical_port, bulk_port)
    with Stage() as stage, gateways.running(plan, where, cores=cores.proxy) as gateway:
        bulk = stage.endpoint(bulk_port)
        bulk.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNK * CHUNKS + LAST_CHUNK
        slot = gateway.board().slot(0)
        with critical_client(port, critical_port) as critical:
            began = time.monotonic()
            time.sleep(CALM)
            peak = capacity(stage, port)
            time.sleep(1)
            start = time.monotonic()
            pids = (gateway.pids()["worker 0"], os.getpid())
            cpu = accounting.read_all(pids)
            flood = stage.flood(port, get("/bulk"), peak * TIMES)
            lags = [worst_lag(slot, 0.25) for _ in range(round(seconds * 4))]
            flood.rate, end = peak / 2, time.monotonic()
            busy = [accounting.spent(cpu[pid], accounting.read_cpu(pid)).total / (end - start) for pid in pids]
            time.sleep(RECOVERY + CALM)
            stage.stop(flood)
            final = time.monotonic()
            answers = critical.finish()
    before = [each for each in answers if began + 1 <= each.at < began + CALM]
    during = [each for each in answers if start + 2 <= each.at < end]
    after = [each for each in answers if end + RECOVERY <= each.at < final]
    unloaded = p99(before)
    verdict.tell("peak goodput; offered", f"{peak:,.0f}/s; {peak * TIMES:,.0f}/s")
    verdict.tell("share of its core that the worker had, and the load", f"{busy[0]:.0%}, {busy[1]:.0%}")
    typical = sorted(lags)[len(lags) // 2]
    verdict.tell("lag of the worker's loop: typical, worst", f"{typical:.0f} ms, {max(lags):.0f} ms")
    verdict.mark("the worker was late", f"{max(lags):.0f} ms", f"> {shedding.LAG / 1e6:g} ms",
                 max(lags) > shedding.LAG / 1e6)
    counts = {name: count(flood.answers, start + 2, end, status) / (end - start - 2)
              for name, status in (("served", 200), ("shed", SHED), ("cut", 0))}
    verdict.tell("bulk requests a second", ", ".join(f"{name} {number:,.0f}" for name, number in counts.items()))
    verdict.tell("not even sent, of all", f"{flood.held_back:,}")
    verdict.at_least("goodput, of the peak", round(counts["served"] / peak, 3), 0.85)
    good = sum(each.status == 200 for each in during)
    verdict.mark("critical requests answered with 200", f"{good} of {len(during)}", "all", good == len(during) > 0)
    verdict.tell("critical p99 unloaded; p50 under the load", f"{unloaded:.1f} ms; {quantile(during, 0.5):.1f} ms")
    verdict.at_most("critical p99 under the load", round(p99(during), 1), round(3 * unloaded, 1), " ms")
    last = max((each.at for each in flood.answers if each.status == SHED), default=end)
    verdict.at_most("the last one shed after the load fell to half of the peak", round(max(0.0, last - end), 1),
                    RECOVERY, " s")
    verdict.at_most("critical p99 after that", round(p99(after), 1), round(3 * unloaded, 1), " ms")


def config(port: int, critical: int, bulk: int) -> gateways.Document:
    found = gateways.config(port, [f"127.0.0.1:{bulk}"], workers=1, routes=[
        {"name": "bulk", "match": {"path": "/bulk"}, "upstream": "api", "priority": "bulk"},
        {"name": "critical", "match": {"path": "/critical"}, "upstream": "critical", "priority": "critical"}])
    found["upstreams"]["critical"] = {"endpoints": [f"127.0.0.1:{critical}"]}
    return found


def capacity(stage: Stage, port: int) -> float:
    """The most answers a second that a few clients get who each wait for theirs: always busy, never late."""
    best = 0.0
    for connections in (4, 8, 16):
        flow = stage.loop_of(port, get("/bulk"), connections)
        time.sleep(0.5)
        start = time.monotonic()
        time.sleep(1.5)
        end = time.monotonic()
        stage.stop(flow)
        best = max(best, count(flow.answers, start, end, 200) / (end - start))
        time.sleep(0.3)
    return best


def worst_lag(slot: Row, seconds: float) -> float:
    """ms, the worst that the board told meanwhile."""
    end, worst = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        worst = max(worst, slot["worst_lag_us"])
        time.sleep(0.05)
    return worst / 1e3


def count(answers: list[Answer], since: float, until: float, status: int) -> int:
    """By when they were whole."""
    return sum(since <= each.at + each.seconds < until and each.status == status for each in answers)


def quantile(answers: list[Answer], share: float) -> float:
    """ms."""
    times = sorted(each.seconds for each in answers)
    return times[min(len(times) - 1, int(share * len(times)))] * 1e3


def p99(answers: list[Answer]) -> float:
    return quantile(answers, 0.99)


# ---------------------------------------------------------------------- the critical client, a process of its own

class CriticalClient:
    def __init__(self, pipe: "Connection[None, list[Answer]]") -> None:
        self._pipe = pipe

    def finish(self) -> list[Answer]:
        self._pipe.send(None)
        return [Answer(*each) for each in self._pipe.recv()]


@contextlib.contextmanager
def critical_client(port: int, endpoint: int) -> Iterator[CriticalClient]:
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_ask_critical, args=(theirs, port, endpoint), daemon=True)
    process.start()
    assert ours.recv() == "ready"
    try:
        yield CriticalClient(ours)
    finally:
        process.terminate()
        process.join()


def _ask_critical(pipe: "Connection[object, object]", port: int, endpoint: int) -> None:
    """It goes before the flood on their core: its own wait for the processor is not what is measured."""
    with contextlib.suppress(PermissionError):
        os.nice(-10)
    with Stage() as stage:
        stage.endpoint(endpoint)
        crowd = stage.crowd(port, get("/critical"), connections=2, pause=CRITICAL_PAUSE)
        pipe.send("ready")
        pipe.recv()
        pipe.send([tuple(each) for each in stage.leave(crowd)])
