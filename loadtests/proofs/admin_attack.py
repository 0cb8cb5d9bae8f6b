"""The admin side under attack while the data plane is loaded: 1,000 slow connections, large bodies, 200 event streams.

Rounds with the attack and without it take turns under the same load, of a steady rate. Client, attackers and gateway
share the machine: the attackers get only what nobody else wants of it (SCHED_IDLE), since in life they have a machine
of their own, and what is asked is what the gateway's own work for them does to the data plane.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from loadtests import processes, site
from loadtests.proofs import gateways
from loadtests.proofs.answers import Answer
from loadtests.proofs.gateways import Gateway
from loadtests.proofs.overload import p99
from loadtests.proofs.stage import Crowd, Stage, get
from loadtests.proofs.verdict import Verdict

CONNECTIONS, PAUSE = 32, 0.02
SETTLE_SECONDS = 2.0
RATIO_MOST = 1.5


@dataclass
class Found:
    """`calm`, `attacked`: p99 of each round, ms; `reached`: answers to an operator under attack."""

    calm: list[float] = field(default_factory=list)
    attacked: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    reached: int = 0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=4, help="with and without it (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each round (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    processes.raise_open_files()
    with site.temporary_site(options.first_port) as where:
        holds(verdict, where, options.rounds, options.seconds)
    return verdict.exit_code()


def holds(verdict: Verdict, where: site.Site, rounds: int, seconds: float) -> None:
    verdict.title(f"the admin side under attack, {rounds} rounds of {seconds:g} s with it and without")
    port, found = where.port(), Found()
    with Stage() as stage:
        config = gateways.config(port, [stage.endpoint(where.port()).address], workers=1)
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            crowd = stage.crowd(port, get("/"), connections=CONNECTIONS, pause=PAUSE)
            for _ in range(rounds):
                found.calm.append(p99(_round(gateway, crowd, seconds)))
                attack = _begin(gateway)
                found.attacked.append(p99(_round(gateway, crowd, seconds, found)))
                found.seen.update(_end(attack))
            found.statuses = Counter(each.status for each in stage.leave(crowd))
            verdict.tell("of the admin side", str(gateway.status()["admin"]))
    judge(verdict, found, rounds)


def judge(verdict: Verdict, found: Found, rounds: int) -> None:
    for what, count in sorted(found.seen.items()):
        verdict.tell(what, f"{count:,}")
    verdict.mark(f"answers to {found.statuses.total():,} requests by status", dict(found.statuses), "200 only",
                 set(found.statuses) == {200})
    verdict.tell("p99 of each round without, ms", ", ".join(f"{each:.1f}" for each in found.calm))
    verdict.tell("p99 of each round with, ms", ", ".join(f"{each:.1f}" for each in found.attacked))
    ratio = statistics.median(found.attacked) / statistics.median(found.calm)
    verdict.at_most("p99 under attack, of that without", round(ratio, 3), RATIO_MOST)
    verdict.at_least("answers to an operator meanwhile", found.reached, rounds)


def _round(gateway: Gateway, crowd: Crowd, seconds: float, found: Found | None = None) -> list[Answer]:
    """What was answered after it has settled; under attack an operator asks for the status meanwhile."""
    time.sleep(SETTLE_SECONDS)
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if found is not None:
            with contextlib.suppress(OSError):
                found.reached += gateway.ask("GET", "/v1/status", patience=seconds)[0] == 200
        time.sleep(0.5)
    return [each for each in crowd.answers if each.at >= start]


def _begin(gateway: Gateway) -> "subprocess.Popen[str]":
    port = gateway.admin.rpartition(":")[2]
    command = [sys.executable, "-m", "loadtests.proofs.attackers", port]
    attack = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=processes.CHECKOUT)
    os.sched_setscheduler(attack.pid, os.SCHED_IDLE, os.sched_param(0))
    return attack


def _end(attack: "subprocess.Popen[str]") -> dict[str, int]:
    attack.send_signal(signal.SIGTERM)
    found: dict[str, int] = json.loads(attack.communicate(timeout=20)[0])
    return found
