"""100 reloads under load, a bad file among them; then `kill -9` at random moments while a config is applied.

Which plan a worker serves is asked of it: the route `turn-N` of plan N answers 299 itself.
"""

import argparse
import contextlib
import http.client
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter

from loadtests import accounting, site
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Document, Gateway
from loadtests.proofs.stage import Stage, get
from loadtests.proofs.verdict import Verdict
from loadtests.scenarios import MIB

VICTIMS = ("control", "worker 0", "worker 1", "supervisor")
WARM = 20       # reloads before the memory is read for the first time


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reloads", type=int, default=100, help="under load (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=50, help="during apply (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    with site.temporary_site(options.first_port) as where, Stage() as stage:
        port, api = where.port(), stage.endpoint(where.port())
        with gateways.running(plan(port, api.address, 0), where, cores=frozenset(site.available_cores())) as gateway:
            if options.reloads:
                under_load(verdict, stage, gateway, port, api.address, options.reloads)
            if options.kills:
                killed(verdict, gateway, port, api.address, options.kills)
    return verdict.exit_code()


def plan(port: int, address: str, turn: int) -> Document:
    """The routes are critical: where others keep both cores busy a worker is late, and would rightly shed."""
    return gateways.config(port, [address], routes=[
        {"name": "all", "match": {"path": "/**"}, "upstream": "api", "priority": "critical",
         "limits": [{"name": "wide", "key": "client", "rate": "1000000/s", "burst": 100_000 + turn}]},
        {"name": "turn", "match": {"path": f"/turn-{turn}"}, "priority": "critical", "respond": {"status": 299}}])


# ---------------------------------------------------------------------- under load

def under_load(verdict: Verdict, stage: Stage, gateway: Gateway, port: int, address: str, reloads: int) -> None:
    verdict.title(f"{reloads} reloads under load, a bad file among them")
    workers, memory = gateway.workers(), [0, 0]
    crowd = stage.crowd(port, get("/"), connections=16, pause=0.002)
    for turn in range(1, reloads + 1):
        gateway.write(plan(port, address, turn))
        os.kill(gateway.program.pid, signal.SIGHUP)
        gateways.wait_until(lambda turn=turn: serves(port, turn), 20, lambda: "the reload is not served", pause=0.01)
        if turn == WARM:
            memory = [accounting.private_memory(pid) for pid in workers]
        if turn == reloads // 2:
            refused(verdict, gateway, port, address, turn)
    after = [accounting.private_memory(pid) for pid in workers]
    answers = stage.leave(crowd)
    statuses = Counter(answer.status for answer in answers)
    verdict.mark(f"answers to {len(answers):,} requests by status", dict(statuses), "200 only", set(statuses) == {200})
    verdict.mark("workers are the same processes", gateway.workers(), "same", gateway.workers() == workers)
    growth = max(late - early for early, late in zip(memory, after, strict=True)) / MIB
    verdict.at_most(f"a worker's memory grows from reload {WARM} to {reloads} by", round(growth, 2), 1, " MiB")


def refused(verdict: Verdict, gateway: Gateway, port: int, address: str, turn: int) -> None:
    before = gateway.status()["plan"]
    bad = gateway.whole(plan(port, address, turn)).replace("upstream: api", "upstream: nobody")
    gateway.write_text(bad)
    os.kill(gateway.program.pid, signal.SIGHUP)
    gateways.wait_until(lambda: gateway.status()["config"]["refused"], 10, lambda: "the bad file was not refused")
    found = gateway.status()
    line = bad[:bad.index("upstream: nobody")].count("\n") + 1
    verdict.mark("a bad file is refused with its line", str(found["config"]["refused"])[:60], f"line {line}",
                 f"{line}" in str(found["config"]["refused"]))
    verdict.mark("the plan that is served stays", found["plan"]["digest"], "same", found["plan"] == before)
    verdict.mark("and is asked for", serves(port, turn), "served", serves(port, turn))


# ---------------------------------------------------------------------- killed

def killed(verdict: Verdict, gateway: Gateway, port: int, address: str, kills: int) -> None:
    verdict.title(f"kill -9 at {kills} random moments while a config is applied")
    chance, split, torn = random.Random(3), 0, 0
    outcomes: Counter[str] = Counter()
    for turn in range(1001, 1001 + kills):
        victim = VICTIMS[turn % len(VICTIMS)]
        old, moment = target_of(gateway, victim), chance.uniform(0, 0.12)
        applying = threading.Thread(target=apply, args=(gateway, plan(port, address, turn)))
        applying.start()
        time.sleep(moment)
        os.kill(old, signal.SIGKILL)
        applying.join()
        recover(gateway, victim, old)
        served = {each for each in range(1000, turn + 1) if serves(port, each)}
        outcomes["new plan" if turn in served else "old plan"] += 1
        split += not agreed(gateway) or len(served) > 1
        torn += not opens_cleanly(gateway)
    verdict.tell("afterwards served", dict(outcomes))
    verdict.mark("times that processes served different plans", split, "0", split == 0)
    verdict.mark("times that the store did not open cleanly", torn, "0", torn == 0)


def target_of(gateway: Gateway, victim: str) -> int:
    return gateway.program.pid if victim == "supervisor" else gateway.pids()[victim]


def apply(gateway: Gateway, config: Document) -> None:
    """Whoever dies may take the answer with it."""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        gateway.ask("POST", "/v1/config", {"documents": {"gateway.yaml": gateway.whole(config)}})


def recover(gateway: Gateway, victim: str, old: int) -> None:
    if victim == "supervisor":
        gateway.restart()
    else:
        gateway.wait_replaced(victim, old)


def agreed(gateway: Gateway) -> bool:
    found = gateway.status()
    digests = {each["plan"] for each in found["processes"] if each["name"].startswith("worker")}
    return digests == {found["plan"]["digest"]}


def opens_cleanly(gateway: Gateway) -> bool:
    """Nothing was moved aside, SQLite finds nothing wrong, and the audit's chain holds."""
    folder = gateway.folder / "state"
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'store.sqlite'}?mode=ro", uri=True)) as store:
        whole = store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    audit = gateway.ask("GET", "/v1/audit/verify")
    return whole and not list(folder.glob("*.corrupt-*")) and audit[0] == 200


def serves(port: int, turn: int) -> bool:
    """Over a few connections, so that each worker has its say."""
    return all(status_of(port, f"/turn-{turn}") == 299 for _ in range(8))


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
