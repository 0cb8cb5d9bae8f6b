"""An isolation is in force in every worker within 10 ms of its answer, outlives every process, and ends by its clock.

Connections are opened until each of the two workers serves some; which worker a connection belongs to is seen from its
counter of requests on the board. Each then asks again and again while the isolation is made.
"""

import argparse
import contextlib
import http.client
import signal
import time
from collections import defaultdict

from gateway.board import Board
from loadtests import site
from loadtests.errors import LoadTestError
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Gateway
from loadtests.proofs.stage import Stage
from loadtests.proofs.verdict import Verdict

WITHIN = 0.010
TTL = 3           # seconds
TARGET = "route:all"
REFUSED = 503
WORKERS = 2

Connections = dict[int, http.client.HTTPConnection]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=20, help="of isolate and release (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where, Stage() as stage:
        port, api = where.port(), stage.endpoint(where.port())
        config = gateways.config(port, [api.address], workers=WORKERS)
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            in_force_at_once(verdict, gateway, port, options.rounds)
            outlives_the_processes(verdict, gateway, port)
            ends_by_itself(verdict, gateway, port, None)
            ends_by_itself(verdict, gateway, port, signal.SIGKILL)
            ends_by_itself(verdict, gateway, port, signal.SIGSTOP)
    return verdict.exit_code()


def in_force_at_once(verdict: Verdict, gateway: Gateway, port: int, rounds: int) -> None:
    verdict.title(f"{rounds} isolations, each worker asked after each answer")
    connections, wrong = each_worker(gateway, port), 0
    slowest: dict[int, float] = defaultdict(float)
    for _ in range(rounds):
        made = isolate(gateway, "10m")
        answered = time.monotonic()
        for worker, connection in connections.items():
            wrong += ask(connection) != REFUSED             # the first request after the answer
            slowest[worker] = max(slowest[worker], time.monotonic() - answered)
        release(gateway, made)
        wrong += sum(ask(connection) != 200 for connection in connections.values())
    verdict.mark("requests after an answer that it did not hold for", wrong, "0", wrong == 0)
    close(connections)
    for worker, seconds in sorted(slowest.items()):
        verdict.at_most(f"worker {worker} had refused a request within, at most", round(seconds * 1e3, 2),
                        WITHIN * 1e3, " ms")


def outlives_the_processes(verdict: Verdict, gateway: Gateway, port: int) -> None:
    verdict.title("kill -9 of control, then of every worker")
    made = isolate(gateway, "10m")
    for name in ("control", *(f"worker {number}" for number in range(WORKERS))):
        old = gateway.signal(name, signal.SIGKILL)
        gateway.wait_replaced(name, old)
        connections = each_worker(gateway, port)
        statuses = {worker: ask(connection) for worker, connection in connections.items()}
        close(connections)
        verdict.mark(f"after {name}: the answer of each worker", statuses, "503 of both",
                     statuses == dict.fromkeys(range(WORKERS), REFUSED))
    release(gateway, made)


def ends_by_itself(verdict: Verdict, gateway: Gateway, port: int, number: signal.Signals | None) -> None:
    """Each successor of control gets the signal too: nobody but the workers can have ended the isolation."""
    verdict.title(f"expiry after {TTL} s, control {'alive' if number is None else number.name + ' all the time'}")
    connections = each_worker(gateway, port)
    isolate(gateway, f"{TTL}s")
    due = time.monotonic() + TTL
    with gateways.without_control(gateway, number) if number else contextlib.nullcontext():
        gone = let_through(connections, due + 2)
    close(connections)
    for worker in range(WORKERS):
        late = gone.get(worker, float("inf")) - due
        verdict.mark(f"worker {worker} lets requests through again after its time", f"{late * 1e3:+.0f} ms",
                     "-100 .. +100 ms", abs(late) < 0.1)
    gateway.wait_complete()


def let_through(connections: Connections, deadline: float) -> dict[int, float]:
    """When each worker answered 200 first, on the monotonic clock."""
    gone: dict[int, float] = {}
    while len(gone) < len(connections) and time.monotonic() < deadline:
        for worker, connection in connections.items():
            asked = time.monotonic()
            if worker not in gone and ask(connection) == 200:
                gone[worker] = asked
        time.sleep(0.002)
    return gone


def isolate(gateway: Gateway, ttl: str) -> int:
    status, document = gateway.ask("POST", "/v1/isolations", {"target": TARGET, "reason": "a proof", "ttl": ttl})
    if status != 201:
        raise LoadTestError(f"the isolation was answered with {status}: {document}")
    return int(document["id"])


def release(gateway: Gateway, number: int) -> None:
    status, document = gateway.ask("DELETE", f"/v1/isolations/{number}")
    if status != 200:
        raise LoadTestError(f"the release was answered with {status}: {document}")


def each_worker(gateway: Gateway, port: int) -> Connections:
    """One open connection to every worker."""
    board, found = gateway.board(), {}
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        before = requests(board)
        ask(connection)
        gateways.wait_until(lambda before=before: requests(board) != before, 5, lambda: "a request was not counted",
                            pause=0.001)
        worker = next(number for number, count in enumerate(requests(board)) if count != before[number])
        if worker in found:
            connection.close()
        found.setdefault(worker, connection)
        if len(found) == WORKERS:
            return found
    raise LoadTestError(f"after 200 connections only the workers {sorted(found)} had answered")


def close(connections: Connections) -> None:
    for connection in connections.values():
        connection.close()


def requests(board: Board) -> list[int]:
    row = board.names("routes")["all"]
    return [board.route(worker, row)["requests"] for worker in range(WORKERS)]


def ask(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    return answer.status
