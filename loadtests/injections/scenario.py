"""One injection, live: a gateway that starts from the site's past, healthy traffic, the fault, and what came of it.

    warm up -> break -> watch until the time is over -> what was found, what was done, what clients saw

Its endpoints and clients are on the event loop here, the gateway is processes of its own.
"""

import asyncio
import statistics
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from loadtests import site
from loadtests.errors import LoadTestError
from loadtests.injections import history, world
from loadtests.injections.clients import NO_ANSWER, Crowd, Seen
from loadtests.injections.faults import Injection, revised
from loadtests.injections.origin import Origin
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Gateway

Document = dict[str, Any]
WARM_SECONDS = 45.0
WATCHING = "watching"
BEAT, LATE = 0.05, world.MEDIAN_MS / 1000 / 2
"""Seconds; later than that, and the answers of all endpoints are half as slow again as is usual."""
STARVED = 0.7
WAS_STARVED = "the machine was too busy for the clients"


@dataclass
class Result:
    """What came of an injection. Seconds are from the moment of the fault; None: it did not happen."""

    name: str
    words: str
    load: int
    acting: bool
    problem: str = ""
    incidents: int = 0
    false_before: list[str] = field(default_factory=list)
    detected: float | None = None
    signal: str = ""
    analysed: float | None = None
    isolated: float | None = None
    mitigated: float | None = None
    fault: str = ""
    right_fault: bool = False
    first_right: bool = False
    three_right: bool = False
    ranking: list[Document] = field(default_factory=list)
    finding: str = ""
    reasons: list[str] = field(default_factory=list)
    actions: list[Document] = field(default_factory=list)
    not_undone: list[str] = field(default_factory=list)
    asked: int = 0
    failed: int = 0
    control_asked: int = 0
    control_failed: int = 0
    timeline: list[str] = field(default_factory=list)
    late_ms: float = 0.0
    """p95 of how late the timers of clients and endpoints were."""

    def document(self) -> Document:
        return asdict(self)


class Scenario:
    """Mutable: the origins by upstream, the crowd, the gateway."""

    def __init__(self, injection: Injection, where: site.Site, past: Path, acting: bool, seed: int) -> None:
        self.injection = injection
        self.result = Result(injection.name, injection.words, injection.load, acting)
        self.origins = {upstream: [Origin(upstream, where.port(), seed * 100 + index) for index in range(many)]
                        for upstream, many in world.ENDPOINTS.items()}
        self.nowhere = f"127.0.0.1:{where.port()}"
        port = where.port()
        places = {upstream: [each.address for each in origins] for upstream, origins in self.origins.items()}
        self.config = world.config(port, places, acting)
        self.crowd = Crowd(port, injection.load, seed)
        self.gateway = Gateway(self.config, where, frozenset(site.available_cores()),
                               lambda state: history.copy(past, state))
        self.broke = 0.0
        self.late: list[float] = []

    async def run(self, seconds: float) -> Result:
        try:
            for origins in self.origins.values():
                for each in origins:
                    await each.open()
            await asyncio.to_thread(self.gateway.wait_complete)
            self.crowd.start()
            pulse = asyncio.get_running_loop().create_task(self._feel_the_pulse())
            await asyncio.to_thread(self._wait_primed)
            await asyncio.sleep(WARM_SECONDS)
            self.result.false_before = [each["title"] for each in await self._incidents()]
            await self._break()
            await asyncio.sleep(seconds)
            await self._judge()
            pulse.cancel()
            self._mind_the_machine(seconds)
        finally:
            await self.crowd.stop()
            await asyncio.to_thread(self.gateway.program.stop)
            for origins in self.origins.values():
                for each in origins:
                    each.close()
        return self.result

    def _wait_primed(self) -> None:
        """Raises LoadTestError where a route still warms up."""
        def watches() -> bool:
            return self._detection()["state"] == WATCHING
        gateways.wait_until(watches, 90, lambda: "the gateway still learns")
        cold = {name: said for name, said in self._detection()["routes"].items() if "warming up" in said}
        if cold or not self._detection()["routes"]:
            raise LoadTestError(f"{self.injection.name} starts cold: {cold}")

    def _detection(self) -> Document:
        found: Document = self.gateway.ask("GET", "/v1/signals")[1]["detection"]
        return found

    async def _ask(self, path: str) -> Document:
        status, document = await asyncio.to_thread(self.gateway.ask, "GET", path)
        if status != 200:
            raise LoadTestError(f"GET {path}: {status} {document}")
        found: Document = document
        return found

    async def _incidents(self) -> list[Document]:
        found: list[Document] = (await self._ask("/v1/incidents?all=true"))["incidents"]
        return found

    async def _break(self) -> None:
        injection = self.injection
        if injection.revision is not None:
            text = self.gateway.whole(revised(injection, self.config, self.nowhere))
            self.broke = time.time()
            status, answer = await asyncio.to_thread(self.gateway.ask, "POST", "/v1/config",
                                                     {"documents": {"gateway.yaml": text}, "reason": "injection"})
            if status != 200:
                raise LoadTestError(f"{injection.name}: the revision was refused: {answer}")
        self.broke = time.time()
        for upstream, index, fault in injection.breaks:
            for number, origin in enumerate(self.origins[upstream]):
                if index in (None, number):
                    origin.break_with(fault)
        if injection.surge is not None:
            self.crowd.surge(injection.surge)

    # What came of it

    async def _judge(self) -> None:
        result = self.result
        found = [each for each in await self._incidents() if _seconds(each["opened"]) >= int(self.broke)]
        result.incidents = len(found)
        for each in (seen for seen in self.crowd.seen if seen.at >= self.broke):
            self._count(each)
        if found:
            self._read(await self._ask(f"/v1/incidents/{min(each['id'] for each in found)}"))

    async def _feel_the_pulse(self) -> None:
        """How late the timers here are, by which clients ask and endpoints answer."""
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.late.append(time.monotonic() - due)

    def _mind_the_machine(self, seconds: float) -> None:
        """Clients that could not ask what they meant to, and endpoints slower than they are said to be, were starved by
        something else: then this says nothing."""
        asked, due = self.result.asked + self.result.control_asked, self.injection.load * seconds
        late = statistics.quantiles(self.late, n=20)[-1]
        self.result.late_ms = round(1000 * late, 1)
        if asked < STARVED * due or late > LATE:
            self.result.problem = (f"{WAS_STARVED}: they asked {asked} times, {due:.0f} were due; timers were late by "
                                   f"{1000 * late:.0f} ms (p95)")

    def _count(self, seen: Seen) -> None:
        surge, result = self.injection.surge, self.result
        failed = seen.status == NO_ANSWER or seen.status >= 500 or seen.status == 429
        if seen.road == world.CONTROL:
            result.control_asked += 1
            result.control_failed += failed
        elif surge is None or seen.client != surge.client:      # what the surging client sees is not harm
            result.asked += 1
            result.failed += failed

    def _read(self, incident: Document) -> None:
        result, times = self.result, incident["times"]
        for name in ("detected", "analysed", "isolated", "mitigated"):
            if name in times:
                setattr(result, name, round(_seconds(times[name]) - self.broke, 1))
        result.timeline = [f"{_seconds(line['at']) - self.broke:6.1f} {line['kind']}: {line['words']}"
                           for line in incident["timeline"]]
        result.signal = next((line["words"] for line in incident["timeline"] if line["kind"] == "opened"), "")
        result.fault, result.right_fault = incident["fault"], incident["fault"] == self.injection.right.value
        finding = incident["finding"]
        result.finding, result.reasons = finding.get("words", ""), finding.get("reasons", [])
        result.ranking = ranking(finding, incident["fault"])
        right = [self._resolved(each) for each in self.injection.attributes]
        result.first_right = result.ranking[:1] != [] and result.ranking[0] in right
        result.three_right = any(each in right for each in result.ranking[:3])
        result.actions = [{name: each[name] for name in ("kind", "target", "state", "helped", "verdict")}
                          for each in incident["actions"]]
        result.not_undone = [f"{each['kind']} {each['target']}" for each in incident["actions"]
                             if each["helped"] is False and each["in_force"]]

    def _resolved(self, where: dict[str, str]) -> dict[str, str]:
        found = dict(where)
        if found.get("endpoint") == "nowhere":
            found["endpoint"] = self.nowhere
        elif "endpoint" in found:
            upstream, _, index = found["endpoint"].partition("/")
            found["endpoint"] = self.origins[upstream][int(index)].address
        if found.get("revision") == "new":
            found["revision"] = "2"
        return found


def ranking(finding: Document, fault: str) -> list[Document]:
    """What is named, the first first: for a misconfiguration the change that is blamed, for a surge who surges; then
    the causes and the runners-up."""
    found: list[Document] = []
    if fault == "misconfiguration":
        found += [{"revision": each["reference"]} for each in finding.get("changes", [])[:1] if not each["veto"]]
    if fault == "client surge" and finding.get("surge"):
        found.append(finding["surge"]["where"])
    return found + [each["where"] for each in finding.get("causes", []) + finding.get("runners_up", [])]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
