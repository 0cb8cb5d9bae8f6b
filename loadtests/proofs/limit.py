"""1000/s with a burst of 100, over two workers and 10 s of overload: exact, also when a worker is killed in the midst.

And 5 million distinct client keys: the table keeps its size, and a well-behaved client that it knows is still admitted.
"""

import argparse
import signal
import time

from gateway import _limiter, board
from loadtests import accounting, site
from loadtests.proofs import gateways
from loadtests.proofs.answers import NO_ANSWER
from loadtests.proofs.stage import Crowd, Stage, get
from loadtests.proofs.verdict import Verdict
from loadtests.scenarios import MIB

RATE = 1000
BURST = 100
TOLERANCE = 0.005
SECOND = 10**9


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=10.0, help="of overload (default: %(default)s)")
    parser.add_argument("--keys", type=int, default=5_000_000, help="in the client table (default: %(default)s)")
    parser.add_argument("--sent-keys", type=int, default=200_000, help="sent as header values (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where:
        overload(verdict, where, options.seconds, kill=False)
        overload(verdict, where, options.seconds, kill=True)
        known_client_in_the_table(verdict, options.keys)
        known_client_on_the_wire(verdict, where, options.sent_keys)
    return verdict.exit_code()


def overload(verdict: Verdict, where: site.Site, seconds: float, *, kill: bool) -> None:
    verdict.title(f"{seconds:g} s of overload, two workers{', kill -9 of one in the midst' if kill else ''}")
    port = where.port()
    with Stage() as stage:
        api = stage.endpoint(where.port())
        limit = {"name": "exact", "key": "route", "rate": f"{RATE}/s", "burst": BURST}
        config = gateways.config(port, [api.address], route={"limits": [limit]})
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            start = time.monotonic()
            crowd = stage.crowd(port, get("/"), connections=24, pause=0.003)
            if kill:
                time.sleep(seconds / 2)
                gateway.signal("worker 0", signal.SIGKILL)
                time.sleep(seconds / 2)
            else:
                time.sleep(seconds)
            answers = stage.leave(crowd)
    # From the first request to the last, since the limit is filled by time
    lasted = max(each.at + each.seconds for each in answers) - start
    judge(verdict, crowd, api.requests, BURST + RATE * lasted, kill=kill)


def judge(verdict: Verdict, crowd: Crowd, reached: int, due: float, *, kill: bool) -> None:
    statuses = crowd.statuses()
    verdict.tell("asked, of which denied", f"{len(crowd.answers):,}, {statuses[429]:,}")
    verdict.at_most("admitted (requests that reached the upstream), never above", reached, round(due) + 1)
    if kill:
        verdict.at_most("cut off with the killed worker", statuses[NO_ANSWER], 24)
    else:
        deviation = abs(statuses[200] - due) / due
        verdict.mark("admitted (200), within 0.5 % of burst + rate x time", f"{statuses[200]:,} of {due:,.0f}",
                     "within 0.5 %", deviation <= TOLERANCE)
    verdict.mark("nothing but 200 and 429", dict(statuses), "no other status",
                 set(statuses) <= {200, 429} | ({NO_ANSWER} if kill else set()))


def known_client_in_the_table(verdict: Verdict, keys: int) -> None:
    """The compiled table as the gateway makes it, driven directly: over the wire it would take minutes."""
    verdict.title(f"{keys:,} distinct keys in one client table")
    capacity = board.Capacity.room_for(1, 1, 1, 1, 1, client_lines=board.CLIENT_LINES, recorder_bytes=1 << 20)
    rows = board.WorkerBoard(board.Board.create(capacity, boot_ns=0, boot_utc_ns=0), 0)
    table, seed, now, admitted, asked = rows.client_table(), (1, 2), SECOND, 0, 0
    limit, slow = _limiter.RateLimit(SECOND, 100, 100), _limiter.RateLimit(60 * SECOND, 1, 10)  # a minute to refill
    known = _limiter.hash_key(b"known", seed)
    before = accounting.private_memory_of_self()
    for number in range(keys):
        now += 10_000                                       # 100,000 new clients a second
        slow.take_of_client(table, _limiter.hash_key(b"stranger %d" % number, seed), 2, now, 1)
        if number % 2_000 == 0:                             # and one that asks 50 times a second, of 100 it may
            asked += 1
            admitted += limit.take_of_client(table, known, 1, now, 1)[0] == 0
    growth = (accounting.private_memory_of_self() - before) / MIB
    counters = rows.board.limiter(0)
    verdict.tell("claimed; evicted while still in use", f"{counters['claims']:,}; {counters['evicted_live']:,}")
    verdict.mark("a client that behaves is admitted", f"{admitted:,} of {asked:,}", "all", admitted == asked)
    verdict.at_most("private memory grows by", round(growth, 2), 2, " MiB")


def known_client_on_the_wire(verdict: Verdict, where: site.Site, keys: int) -> None:
    verdict.title(f"{keys:,} distinct header values through two workers")
    port = where.port()
    with Stage() as stage:
        api = stage.endpoint(where.port())
        limit = {"name": "tenant", "key": "header:x-tenant", "rate": "100/s", "burst": 100}
        config = gateways.config(port, [api.address], route={"limits": [limit]})
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            warm = stage.crowd(port, stranger, connections=16)
            gateways.wait_until(lambda: warm.asked > keys // 10, 120, lambda: "too slow")
            before = [accounting.private_memory(pid) for pid in gateway.workers()]
            known = stage.crowd(port, get("/", x_tenant="known"), connections=2, pause=0.04)
            gateways.wait_until(lambda: warm.asked >= keys, 120, lambda: "too slow")
            after = [accounting.private_memory(pid) for pid in gateway.workers()]
            stage.leave(warm)
            stage.leave(known)
    verdict.mark("a tenant that behaves (50/s of 100/s) is admitted", dict(known.statuses()), "200 only",
                 set(known.statuses()) == {200})
    growth = max(late - early for early, late in zip(before, after, strict=True)) / MIB
    verdict.at_most("a worker's private memory grows by", round(growth, 2), 2, " MiB")


def stranger(number: int) -> bytes:
    return get("/", x_tenant=f"stranger-{number}")
