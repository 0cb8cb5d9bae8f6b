"""A revision that sends a fifth of a route's traffic to a wrong port, at 50 requests/s: how soon is it rolled back?

Default steps: a tenth of the clients have it. Once all safeguards are on, once the e-test alone must find it (without
ejection, breaker and retries), once control is killed in the midst. Before that a harmless revision: every client keeps
its side, about a tenth of them has it, and it is not rolled back.
"""

import argparse
import contextlib
import re
import signal
import sqlite3
import time
from collections import defaultdict
from typing import Any

from loadtests import site
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Document, Gateway
from loadtests.proofs.stage import Crowd, Mood, Stage, get
from loadtests.proofs.verdict import Verdict

CLIENTS = 300
CONNECTIONS, PAUSE = 10, 0.2            # 50 requests/s
SECONDS = 20.0
PLAN = re.compile(rb"x-plan: (\w+)", re.IGNORECASE)
CLIENT = re.compile(rb"x-forwarded-for: ([\d.]+)", re.IGNORECASE)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where:
        for ejects, kill in ((True, False), (False, False), (False, True)):
            Scene(where, ejects=ejects).prove(verdict, harmless=not kill, kill=kill)
    return verdict.exit_code()


class Scene:
    """Two endpoints, of which the second has a fifth of the weight; a revision moves that to a port where nobody is."""

    def __init__(self, where: site.Site, *, ejects: bool) -> None:
        self.where = where
        self.ejects = ejects
        self.port = where.port()

    def config(self, plan: str, first: str, second: str) -> Document:
        off = {} if self.ejects else {"eject": {"mode": "off"}, "retry": {"mode": "off"}, "breaker": {"mode": "off"}}
        upstream = {"endpoints": [{"address": first, "weight": 4}, second], "balance": "round_robin", **off}
        route = {"request_headers": {"set": {"x-plan": plan}}}
        return gateways.config(self.port, [], upstream=upstream, route=route) | {
            "clients": {"trusted_proxies": ["127.0.0.0/8"]}, "probation": {}}

    def prove(self, verdict: Verdict, *, harmless: bool, kill: bool) -> None:
        how = "every safeguard on" if self.ejects else "the e-test alone"
        verdict.title(f"a fifth to a wrong port at {CONNECTIONS / PAUSE:g} requests/s: {how}"
                      + (", and control is killed" if kill else ""))
        with Stage() as stage:
            first, second = (stage.endpoint(self.where.port()) for _ in range(2))
            config = self.config("one", first.address, second.address)
            with gateways.running(config, self.where, cores=frozenset(site.available_cores())) as gateway:
                crowd = stage.crowd(self.port, asked_by, connections=CONNECTIONS, pause=PAUSE,
                                    apart=PAUSE / CONNECTIONS)
                time.sleep(3)
                if harmless:
                    self._harmless(verdict, gateway, first, second)
                self._wrong(verdict, gateway, crowd, first, kill=kill)
                stage.leave(crowd)

    def _harmless(self, verdict: Verdict, gateway: Gateway, first: Mood, second: Mood) -> None:
        first.keep = second.keep = True
        apply(gateway, self.config("two", first.address, second.address))
        time.sleep(15)
        sides = defaultdict(set)
        for head in (*first.heads, *second.heads):
            sides[CLIENT.findall(head)[-1]].add(PLAN.findall(head)[-1])
        first.keep = second.keep = False
        new = [plans for plans in sides.values() if b"two" in plans]
        verdict.tell("clients seen, of these under the new revision", f"{len(sides)}, {len(new)}")
        verdict.at_least("share of the clients that have it, of 10 %", round(len(new) / len(sides), 3), 0.04)
        verdict.at_most("share of the clients that have it, of 10 %", round(len(new) / len(sides), 3), 0.18)
        both = sum(len(plans) > 1 for plans in sides.values())
        verdict.at_most("clients that changed sides more than once", max(0, both - len(new)), 0)
        held = gateway.status()["config"]
        verdict.mark("a harmless one is on probation still", held["probation"]["verdict"], "not rolled back",
                     held["revision"]["how"] == "apply")

    def _wrong(self, verdict: Verdict, gateway: Gateway, crowd: Crowd, first: Mood, *, kill: bool) -> None:
        nobody = f"127.0.0.1:{self.where.port()}"
        began = time.monotonic()
        number = apply(gateway, self.config("three", first.address, nobody))["number"]
        if kill:
            time.sleep(1.5)
            old = gateway.signal("control", signal.SIGKILL)
            gateway.wait_replaced("control", old)
        gateways.wait_until(lambda: gateway.status()["config"]["revision"]["how"] == "rollback", 3 * SECONDS,
                            lambda: f"it is not rolled back: {gateway.status()['config']}")
        served = time.time_ns()
        verdict.at_most("rolled back after", round(time.monotonic() - began, 1), SECONDS, " s")
        failed = crowd.statuses(since=began)
        verdict.tell("what clients saw meanwhile", dict(failed))
        listed = {each["number"]: each for each in gateway.ask("GET", "/v1/revisions")[1]["revisions"]}
        verdict.tell("why", listed[number]["probation"]["verdict"])
        decided = decided_at(gateway, number)
        verdict.at_most("from the decision to the roll-back", round((served - decided) / 1e9, 2), 1.0, " s")
        gateways.wait_until(lambda: blamed(gateway, number), 5, lambda: "no incident blames the revision")
        verdict.tell("the incident", blamed(gateway, number)["title"])
        good = gateway.status()["config"]["last_known_good"]
        verdict.mark("last known good", good, "the roll-back's", good == number + 1)
        settled = time.monotonic() + 0.5
        time.sleep(2.5)
        verdict.at_most("failures afterwards", sum(count for status, count in crowd.statuses(since=settled).items()
                                                   if status != 200), 0)


def asked_by(number: int) -> bytes:
    """A request of the next client."""
    client = number * 7 % CLIENTS
    return get("/", X_Forwarded_For=f"10.0.{client // 200}.{client % 200 + 1}")


def apply(gateway: Gateway, config: Document) -> Document:
    status, document = gateway.ask("POST", "/v1/config", {"documents": {"new.yaml": gateway.whole(config)}})
    assert status == 200, document
    found: Document = document
    return found


def decided_at(gateway: Gateway, number: int) -> int:
    """When the revision was found to be worse, UTC ns."""
    with contextlib.closing(sqlite3.connect(gateway.folder / "state" / "store.sqlite")) as store:
        return int(store.execute("SELECT at_ns FROM probations WHERE revision = ?", (number,)).fetchone()[0])


def blamed(gateway: Gateway, number: int) -> Any:
    """The incident that says that the revision was worse."""
    return next((each for each in gateway.status()["incidents"]
                 if each["fault"] == "misconfiguration" and f"revision {number}" in str(each)), None)
