"""All endpoints of an upstream refuse: how often are they asked, how soon is the breaker open, and who answers?"""

import argparse
import time

from gateway.board import Board
from loadtests import site
from loadtests.proofs import gateways
from loadtests.proofs.answers import Answer
from loadtests.proofs.stage import Stage, get
from loadtests.proofs.verdict import Verdict

ENDPOINTS = 3
FALLBACK = 203
MIN_REQUESTS = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="of blackout (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where:
        prove(verdict, where, options.seconds)
    return verdict.exit_code()


def prove(verdict: Verdict, where: site.Site, seconds: float) -> None:
    verdict.title(f"all {ENDPOINTS} endpoints refuse for {seconds:g} s, two workers, 100 requests/s, retries on")
    port = where.port()
    with Stage() as stage:
        moods = [stage.endpoint(where.port()) for _ in range(ENDPOINTS)]
        config = gateways.config(
            port, [mood.address for mood in moods],
            upstream={"breaker": {"window": "10s", "min_requests": MIN_REQUESTS}, "retry": {"attempts": 2}},
            route={"fallback": [{"respond": {"status": FALLBACK, "json": {"from": "the fallback"}}}]})
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            board = gateway.board()
            control = board.control("upstreams", board.names("upstreams")["api"])
            crowd = stage.crowd(port, get("/"), connections=10, pause=0.1, apart=0.01)
            time.sleep(2)
            before = attempts(board)
            dark = time.monotonic()
            for mood in moods:
                stage.refuse(mood)
            gateways.wait_until(lambda: control["breaker"] & 3 == 1, 30, lambda: "the breaker does not open", 0.005)
            opened = time.monotonic()
            time.sleep(max(0.0, seconds - (opened - dark)))
            tried = attempts(board) - before
            light = time.monotonic()
            for mood in moods:
                stage.listen(mood)
            back = gateways.wait_until(lambda: control["breaker"] & 3 == 0, 120, lambda: "the breaker does not close")
            time.sleep(1)
            final = time.monotonic()
            time.sleep(2)
            stage.leave(crowd)
    statuses = crowd.statuses(dark, light)
    asked = statuses.total()
    verdict.tell("client requests during the blackout", f"{asked:,}")
    verdict.tell("their answers", dict(statuses))
    verdict.at_most("upstream attempts / client requests", round(tried / asked, 3), 1.2)
    verdict.tell("breaker open after", f"{opened - dark:.2f} s")
    verdict.at_most("which is, after half of the window's requests had failed",
                    round(opened - enough_volume(crowd.answers, dark), 2), 2, " s")
    verdict.at_least("answered by the fallback", round(statuses[FALLBACK] / asked, 4), 0.99)
    verdict.tell("breaker closed again after", f"{back:.1f} s")
    after = crowd.statuses(final)
    verdict.mark("answers once it is closed", dict(after), "200 only", set(after) == {200})


def enough_volume(answers: list[Answer], dark: float) -> float:
    """When the requests since the start held at least `MIN_REQUESTS` of which half had failed; the window is longer."""
    ended = sorted(answer.at + answer.seconds for answer in answers)
    good = sum(moment < dark for moment in ended)
    return ended[max(MIN_REQUESTS, 2 * good) - 1]


def attempts(board: Board) -> int:
    """Tries at an endpoint, connections that were not made included, over all workers."""
    rows = board.names("endpoints").values()
    return sum(board.endpoint(worker, row)["requests"] for worker in range(board.workers) for row in rows)
