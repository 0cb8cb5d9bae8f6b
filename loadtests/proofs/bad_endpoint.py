"""One of three endpoints answers 500 to everything at 30 requests/s: what do clients see?

Ejection after 5 failures in a row, over both workers, without retries; then it answers well again and must come back
without being ejected a second time. And the same with control stopped all the time, since the workers decide.
"""

import argparse
import contextlib
import signal
import time

from loadtests import site
from loadtests.proofs import gateways
from loadtests.proofs.stage import Stage, get
from loadtests.proofs.verdict import Verdict

ENDPOINTS = 3
CLIENTS = 6
PAUSE = 0.2         # of 6 clients: 30 requests/s
ERRORS = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ejected", type=float, default=8.0,
                        help="seconds for which the config ejects (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where:
        for stopped in (False, True):
            prove(verdict, where, options.ejected, stopped=stopped)
    return verdict.exit_code()


def prove(verdict: Verdict, where: site.Site, seconds: float, *, stopped: bool) -> None:
    verdict.title(f"one of {ENDPOINTS} endpoints answers 500 at 30 requests/s, control "
                  f"{'stopped' if stopped else 'alive'}")
    port = where.port()
    with Stage() as stage:
        moods = [stage.endpoint(where.port()) for _ in range(ENDPOINTS)]
        upstream = {"eject": {"for": f"{seconds:g}s", "slow_start": "5s"}, "balance": "round_robin",
                    "retry": {"mode": "off"}}
        config = gateways.config(port, [mood.address for mood in moods], upstream=upstream)
        with (gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway,
              gateways.without_control(gateway, signal.SIGSTOP) if stopped else contextlib.nullcontext()):
            board = gateway.board()
            control = board.control("endpoints", board.names("endpoints")[f"api {moods[0].address}"])
            crowd = stage.crowd(port, get("/"), connections=CLIENTS, pause=PAUSE, apart=PAUSE / CLIENTS)
            time.sleep(3)
            moods[0].answers(500)
            turned_bad = time.monotonic()
            took = gateways.wait_until(lambda: control["ejected_until"], 20, lambda: "the endpoint is not ejected")
            time.sleep(seconds * 0.5)
            moods[0].answers(200)
            asked = moods[0].requests
            verdict.tell("ejected after", f"{took:.2f} s")
            back = gateways.wait_until(lambda: moods[0].requests > asked, seconds * 2, lambda: "it does not come back")
            verdict.tell("asked again after it was well for", f"{back:.2f} s")
            time.sleep(8)
            early = moods[0].requests
            time.sleep(3)
            share = (moods[0].requests - early) / (3 * CLIENTS / PAUSE)
            ejections = control["ejections"]
            answers = stage.leave(crowd)
    errors = crowd.statuses(since=turned_bad)[500]
    verdict.at_most("errors that clients saw", errors, ERRORS)
    verdict.mark("ejected in all", ejections, "once", ejections <= 1)
    verdict.at_least("its share of the traffic in the end, of a third", round(share * ENDPOINTS, 2), 0.8)
    others = {each.status for each in answers} - {200, 500}
    verdict.mark("any other answer", others or "none", "none", not others)
