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
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from gateway.board import Row
from gateway.mitigate import shedding
from loadtests import accounting, processes, site
from loadtests.proofs import gateways
from loadtests.proofs.answers import Answer
from loadtests.proofs.flood import LAST_CHUNK, Flood
from loadtests.proofs.stage import Stage, get
from loadtests.proofs.verdict import Verdict

CHUNK = b"1\r\n0\r\n"
CHUNKS = 256 * 1024
TIMES = 4
ROUNDS = 5
CALM = 2.0              # seconds of measuring without load
CROWD = 8               # clients who each wait for their answer: a worker that is always busy and never late
ALONE = 2.0             # seconds of them
LOAD = 5.0              # seconds of overload in a round
BEGINNING = 2.0         # of these, and
WARM_UP = 0.5           # of those of the crowd, that are not counted
PAUSE = 0.5
CRITICAL_PAUSE = 0.01
RECOVERY = 5.0
SHED = 503


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of calm, peak and overload (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict, cores = Verdict(), site.divide_cores(site.available_cores(), 1)
    processes.raise_open_files()
    os.sched_setaffinity(0, cores.load)
    with site.temporary_site(options.first_port) as where:
        prove(verdict, where, cores, options.rounds)
    return verdict.exit_code()


@dataclass
class Seen:
    """By round: when it was calm, the peak and what was answered under the load a second, when that was, the worst lag
    of each quarter of a second in ms, and the shares of their cores that the worker and the load had."""

    calm: list[tuple[float, float]] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    rates: list[dict[str, float]] = field(default_factory=list)
    loaded: list[tuple[float, float]] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    busy: list[tuple[float, float]] = field(default_factory=list)


def prove(verdict: Verdict, where: site.Site, cores: site.Cores, rounds: int) -> None:
    verdict.title(f"{TIMES} x the load that one worker can bear, {rounds} x {LOAD:g} s")
    port, critical_port, bulk_port = where.port(), where.port(), where.port()
    plan = config(port, critical_port, bulk_port)
    with Stage() as stage, gateways.running(plan, where, cores=cores.proxy) as gateway:
        bulk = stage.endpoint(bulk_port)
        bulk.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNK * CHUNKS + LAST_CHUNK
        with critical_client(port, critical_port) as critical:
            seen, flood, end = Seen(), None, 0.0
            time.sleep(CALM)
            for _ in range(rounds):
                if flood is not None:
                    stage.stop(flood)
                    time.sleep(PAUSE)
                flood = one_round(stage, gateway, port, seen)
                end = time.monotonic()
            assert flood is not None
            flood.rate = seen.peaks[-1] / 2
            time.sleep(RECOVERY + CALM)
            final = time.monotonic()
            answers = critical.finish()
            stage.stop(flood)
    judge_rates(verdict, seen)
    unloaded = judge_critical(verdict, seen, answers)
    last = max((each.at for each in flood.answers if each.status == SHED), default=end)
    verdict.at_most("the last one shed after the load fell to half of the peak", round(max(0.0, last - end), 1),
                    RECOVERY, " s")
    after = within(answers, [(end + RECOVERY, final)])
    verdict.tell("critical p99 unloaded; after that", f"{unloaded:.1f} ms; {p99(after):.1f} ms")


def one_round(stage: Stage, gateway: gateways.Gateway, port: int, seen: Seen) -> Flood:
    """Calm, the peak, overload: one after the other and again, since a virtual processor is not always as fast. The
    flood goes on."""
    slot, pids = gateway.board().slot(0), (gateway.pids()["worker 0"], os.getpid())
    began = time.monotonic()
    time.sleep(CALM)
    seen.calm.append((began, time.monotonic()))
    seen.peaks.append(peak_of(stage, port))
    time.sleep(PAUSE)
    cpu, start = accounting.read_all(pids), time.monotonic()
    flood = stage.flood(port, get("/bulk"), seen.peaks[-1] * TIMES)
    seen.lags += [worst_lag(slot, 0.25) for _ in range(round(LOAD * 4))]
    end = time.monotonic()
    worker, load = (accounting.spent(cpu[pid], accounting.read_cpu(pid)).total / (end - start) for pid in pids)
    seen.busy.append((worker, load))
    seen.loaded.append((start + BEGINNING, end))
    seen.rates.append({name: rate(flood.answers, start + BEGINNING, end, status)
                       for name, status in (("served", 200), ("shed", SHED), ("cut", 0))})
    return flood


def peak_of(stage: Stage, port: int) -> float:
    flow = stage.loop_of(port, get("/bulk"), CROWD)
    time.sleep(WARM_UP)
    start = time.monotonic()
    time.sleep(ALONE - WARM_UP)
    end = time.monotonic()
    stage.stop(flow)
    return rate(flow.answers, start, end, 200)


def judge_rates(verdict: Verdict, seen: Seen) -> None:
    verdict.tell("peak by round", " ".join(f"{each:,.0f}" for each in seen.peaks))
    for name in ("served", "shed", "cut"):
        verdict.tell(f"{name} under the load", " ".join(f"{each[name]:,.0f}" for each in seen.rates))
    busy = [statistics.median(each) for each in zip(*seen.busy, strict=True)]
    verdict.tell("share of its core that the worker had, and the load", f"{busy[0]:.0%}, {busy[1]:.0%}")
    verdict.tell("lag: typical", f"{statistics.median(seen.lags):.0f} ms")
    verdict.mark("the worker was late", f"{max(seen.lags):.0f} ms", f"> {shedding.LAG / 1e6:g} ms",
                 max(seen.lags) > shedding.LAG / 1e6)
    goodput = sum(each["served"] for each in seen.rates) / sum(seen.peaks)
    verdict.at_least("goodput, of the peak", round(goodput, 3), 0.85)


def judge_critical(verdict: Verdict, seen: Seen, answers: list[Answer]) -> float:
    """Returns its p99 without load, in ms."""
    unloaded, during = p99(within(answers, seen.calm)), within(answers, seen.loaded)
    good = sum(each.status == 200 for each in during)
    verdict.mark("critical requests answered with 200", f"{good} of {len(during)}", "all", good == len(during) > 0)
    verdict.tell("critical p99 unloaded; p50 under the load", f"{unloaded:.1f} ms; {quantile(during, 0.5):.1f} ms")
    verdict.at_most("critical p99 under the load", round(p99(during), 1), round(3 * unloaded, 1), " ms")
    return unloaded


def within(answers: list[Answer], spans: list[tuple[float, float]]) -> list[Answer]:
    """By when they were asked."""
    return [each for each in answers if any(since <= each.at < until for since, until in spans)]


def config(port: int, critical: int, bulk: int) -> gateways.Document:
    found = gateways.config(port, [f"127.0.0.1:{bulk}"], workers=1, routes=[
        {"name": "bulk", "match": {"path": "/bulk"}, "upstream": "api", "priority": "bulk"},
        {"name": "critical", "match": {"path": "/critical"}, "upstream": "critical", "priority": "critical"}])
    found["upstreams"]["critical"] = {"endpoints": [f"127.0.0.1:{critical}"]}
    return found


def worst_lag(slot: Row, seconds: float) -> float:
    """ms, the worst that the board told meanwhile."""
    end, worst = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        worst = max(worst, slot["worst_lag_us"])
        time.sleep(0.05)
    return worst / 1e3


def rate(answers: list[Answer], since: float, until: float, status: int) -> float:
    """Answers a second, by when they were whole."""
    ended = sum(since <= each.at + each.seconds < until and each.status == status for each in answers)
    return ended / (until - since)


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
