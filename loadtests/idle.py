"""Memory of one worker that holds 10,000 idle keep-alive connections, and whether traffic beside them is unaffected.

Each connection makes one request first, so that everything a connection ever takes has been taken, then rests.
Traffic is measured alone, beside them, and alone again when they have left: the two measurements alone show how far
the machine itself moved meanwhile. At the end every idle connection must still answer.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests import accounting, install, lineup, processes, scenarios, site, upstream
from loadtests.errors import FailedRequestsError
from loadtests.lineup import Contestant, Sample
from loadtests.peers import PEERS
from loadtests.scenarios import MIB

CLIENTS = 2  # processes, so that none needs more than half of the 20,000 open files


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: private to the traffic processes, and of the segment that they share with the others."""

    private: int
    shared: int


class Crowd:
    """The processes that hold the connections."""

    def __init__(self, port: int, connections: int) -> None:
        shares = [connections // CLIENTS + (number < connections % CLIENTS) for number in range(CLIENTS)]
        self._clients = [self._start(port, share, number) for number, share in enumerate(shares)]

    @staticmethod
    def _start(port: int, count: int, number: int) -> "subprocess.Popen[str]":
        sources = [f"--source=127.0.{number + 1}.{last}" for last in (1, 2)]
        return subprocess.Popen(
            [sys.executable, "-m", "loadtests.idle_clients", f"--port={port}", f"--count={count}", *sources],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=processes.CHECKOUT)

    def answered(self) -> int:
        """Wait until each has its answers; returns how many. Raises FailedRequestsError when a client gave up."""
        return sum(self._answers_of(client) for client in self._clients)

    def ask(self) -> int:
        for client in self._clients:
            assert client.stdin is not None
            client.stdin.write("ask\n")
            client.stdin.flush()
        return self.answered()

    def leave(self) -> None:
        for client in self._clients:
            client.terminate()
        for client in self._clients:
            client.communicate()

    @staticmethod
    def _answers_of(client: "subprocess.Popen[str]") -> int:
        assert client.stdout is not None
        line = client.stdout.readline()
        if not line.startswith("answered "):
            raise FailedRequestsError("an idle client lost a connection: its traceback stands above")
        return int(line.split()[1])


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connections", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--proxy", choices=list(PEERS), default="gateway", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of traffic, each time (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="per round (default: %(default)s)")
    parser.add_argument("--limit-mib", type=float, default=56.0,
                        help="private memory that the worker may hold (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    """1 when a request failed or the worker holds more than the limit."""
    peer = PEERS[options.proxy]()
    install.prepare([peer], install=False, say=print)
    scenario = scenarios.SCENARIOS["small"]
    cores = site.divide_cores(site.available_cores(), scenario.workers)
    with (site.temporary_site(options.first_port) as where,
          upstream.running(where, cores=cores.load) as behind,
          lineup.started([peer], scenario, behind.ports, where, cores) as (contestant,)):
        held = _measure(contestant, options)
    within = held.private <= options.limit_mib * MIB
    print(f"private memory {'within' if within else 'ABOVE'} the limit of {options.limit_mib:g} MiB")
    return 0 if within else 1


def _measure(contestant: Contestant, options: argparse.Namespace) -> Memory:
    _traffic(contestant, 1, 1.0)  # warm-up
    _say_memory("before any idle connection", _memory(contestant))
    _say_traffic("alone", _traffic(contestant, options.rounds, options.seconds))
    with _crowd(contestant.port, options.connections) as crowd:
        print(f"{crowd.answered():,} connections opened, each after one request", flush=True)
        held = _memory(contestant)
        _say_memory(f"holding {options.connections:,} idle connections", held)
        _say_traffic("beside them", _traffic(contestant, options.rounds, options.seconds))
        _say_memory("after traffic beside them", _memory(contestant))
        print(f"{crowd.ask():,} idle connections answered again, none lost", flush=True)
    _say_traffic("alone again", _traffic(contestant, options.rounds, options.seconds))
    _say_memory("after they left", _memory(contestant))
    return held


@contextlib.contextmanager
def _crowd(port: int, connections: int) -> Iterator[Crowd]:
    crowd = Crowd(port, connections)
    try:
        yield crowd
    finally:
        crowd.leave()


def _traffic(contestant: Contestant, rounds: int, seconds: float) -> list[Sample]:
    load = lineup.load_on(contestant, scenarios.SCENARIOS["small"], seconds)
    return [lineup.measure(contestant, load) for _ in range(rounds)]


def _memory(contestant: Contestant) -> Memory:
    return Memory(private=sum(accounting.private_memory(pid) for pid in contestant.traffic),
                  shared=accounting.shared_segment(contestant.traffic[0]))


def _say_memory(when: str, memory: Memory) -> None:
    print(f"{when}: private (RssAnon) {memory.private / MIB:.1f} MiB, shared board {memory.shared / MIB:.1f} MiB",
          flush=True)


def _say_traffic(when: str, samples: list[Sample]) -> None:
    cpu = statistics.median(sample.traffic.total for sample in samples) * 1e6
    rate = statistics.median(sample.rate for sample in samples)
    p99 = statistics.median(sample.p99_us for sample in samples) / 1e3
    print(f"traffic {when}: {cpu:.2f} µs CPU per request, {rate:,.0f} requests/s, p99 {p99:.2f} ms, none failed",
          flush=True)
