"""A drill, conducted: something is done to the running gateway, its incident is followed, and what was seen is judged.

The fault is there until the incident is as far as it can come meanwhile, or its time is over; it is taken away in any
case, and the incident is followed until it is resolved, where the scenario says how soon.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.asking import ask
from gateway.cli.drills import doing, followed, traffic
from gateway.cli.drills.followed import Followed
from gateway.cli.drills.places import Place
from gateway.cli.drills.scenarios import Scenario
from gateway.cli.drills.traffic import Traffic
from gateway.prevent import drill
from gateway.prevent.drill import STEPS, Judgement

LOOK_S = 0.25


class Refused(ValueError):
    """It was not begun; the message says why."""


@dataclass
class Run:
    """One drill under way, and then done. Times are UTC seconds."""

    scenario: Scenario
    place: Place
    began: float = 0.0
    ended: float = 0.0
    followed: Followed = field(default_factory=lambda: Followed(""))
    answers: dict[str, int] = field(default_factory=dict)

    def seconds(self) -> dict[str, float | None]:
        """Step -> seconds from the fault's beginning; of the recovery, from its end."""
        found = {step: self.followed.seconds_to(state) for step, state in STEPS.items()}
        found["recover"] = self.followed.seconds_to("resolved", self.ended) if self.ended else None
        return found

    def judgement(self) -> Judgement:
        fault = str(self.followed.incident.get("fault", ""))
        return drill.judge(self.scenario.settings.expect, self.seconds(), fault)

    def snapshot(self) -> dict[str, Any]:
        """For `--json` and for the gateway's list of drills."""
        judged = self.judgement()
        checks = [{"step": each.step, "seconds": each.took, "limit": each.limit, "passed": each.passed}
                  for each in judged.checks]
        return {"scenario": self.scenario.name, "about": str(self.scenario.settings.about), "place": str(self.place),
                "incident": self.followed.number or None, "fault": judged.found, "expected_fault": judged.wanted,
                "checks": checks, "traffic": self.answers, "passed": judged.passed}


class Conductor:
    """`settle`: seconds of its own traffic before the fault, so that there is something usual; `tell`: called at each
    look."""

    def __init__(self, admin: str, run: Run, asking: Traffic, flows: list[traffic.Flow], settle: float, url: str,
                 tell: Callable[[Run], None]) -> None:
        self._admin = admin
        self._run = run
        self._traffic = asking
        self._flows = flows
        self._settle = settle if flows else 0.0
        self._url = url
        self._tell = tell

    def conduct(self) -> Run:
        """Raises Refused, or KeyboardInterrupt; nothing of the drill is left in either case."""
        run, settings = self._run, self._run.scenario.settings
        self._check()
        with self._traffic.flowing(*self._flows):
            time.sleep(self._settle)
            run.began, started = time.time(), time.monotonic()
            run.followed = Followed(run.place.about, run.began)
            with doing.done(self._admin, settings, run.place, run.scenario.name, self._traffic, self._url):
                self._follow_until(self._is_relieved, settings.for_ / 1e9)
            run.ended = time.time()
            during = self._traffic.answers(started, time.monotonic())
            run.answers = {"asked": traffic.asked(during), "failed": traffic.failed(during)}
            if limit := drill.limit_of(settings.expect, "recover"):
                self._follow_until(lambda: run.followed.reached("resolved"), limit)
        return run

    def _check(self) -> None:
        needs = self._run.scenario.settings
        if needs.fault is not None and not ask(self._admin, "/v1/faults")["enabled"]:
            raise Refused("drills are disabled there; write `drills: enabled` into the config and apply it")
        if needs.surge is not None and not self._url:
            raise Refused("a surge is asked of a listener; name it with --listener http://ADDRESS/PATH")
        for each in ask(self._admin, "/v1/incidents")["incidents"]:
            if any(self._run.place.about in target for target in each["scope"]):
                raise Refused(f"incident {each['id']} is open there ({each['title']}): a drill beside it says nothing")

    def _is_relieved(self) -> bool:
        """All that can be seen while the fault is there has been seen."""
        expect, seen = self._run.scenario.settings.expect, self._run.followed
        wanted = "mitigated" if expect.mitigate else "isolated" if expect.isolate else "detected"
        return seen.reached(wanted) and (not expect.fault or seen.reached("analysed"))

    def _follow_until(self, holds: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self._look()
            self._tell(self._run)
            if holds() or time.monotonic() >= deadline:
                return
            time.sleep(LOOK_S)

    def _look(self) -> None:
        for brief in followed.latest(self._admin):
            if self._run.followed.is_it(brief):
                self._run.followed.incident = followed.whole(self._admin, brief["id"])
                return
