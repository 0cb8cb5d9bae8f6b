"""The detectors at work: what goes in, when nothing is known, who lowers and who freezes, what is kept."""
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gateway.control import watching_routes
from gateway.control.counters import COUNTED, ERRORS, REQUESTS
from gateway.control.watching_routes import LEARNING, WATCHING, RouteWatch
from gateway.control.windows import Tick
from gateway.detect.slowness import BUCKETS
from gateway.detect.watched import Watch, Watched
from gateway.model.incident import Incident, opened
from gateway.model.report import Report
from gateway.model.signal import Signal, SignalKind
from gateway.record.detector_state import DetectorState
from gateway.record.ticks import TICK, coded
from gateway.routing.plan import Listener, Objective, Plan, Route
from tests.detect.test_watched import watched
from tests.detect.traffic import MONDAY

NS = 10**9


class Patient:
    """A learner that takes as long as it is told."""

    def __init__(self) -> None:
        self.asked: Sequence[Watch] | None = None
        self.done = True

    def begin(self, watches: Sequence[Watch]) -> None:
        self.asked = watches

    def is_done(self) -> bool:
        return self.done


class Scene:
    """Routes `orders` and `login` of upstream `u`, which have lived a week at 200 requests a tick."""

    def __init__(self, folder: Path) -> None:
        self.state = DetectorState(folder)
        self.learner = Patient()
        self.plan = Plan((Listener("127.0.0.1:1"),), routes=(Route("orders", upstream="u"),
                                                             Route("login", upstream="u")))
        self.incidents: list[Incident] = []
        self.said: list[Report] = []
        self.at = MONDAY
        lived = watched("orders", "login")
        lived.at = MONDAY - 10
        self.state.write(lived.to_bytes())
        self.begin()

    def begin(self) -> None:
        """Control starts."""
        self.watch = RouteWatch(self.state, self.learner, lambda: self.plan, lambda: self.incidents,
                                lambda since: self.said, logging.getLogger("test"))

    @property
    def now(self) -> int:
        return self.at * NS

    def ticks(self, count: int, *, errors: int = 1, requests: int = 200) -> set[str]:
        """What is signalled after the last of them; `login` goes on as ever."""
        for _ in range(count):
            tick = tick_of(self.at, {"route:login": (200, 1), "route:orders": (requests, errors)})
            self.at += 10
            self.watch.turn(tick, self.now)
            self.watch.turn(None, self.now + NS)
        return {f"{each.kind} {each.target}" for each in self.watch(self.now)}


def tick_of(at: int, told: dict[str, tuple[int, int]], ms: float = 20.0) -> Tick:
    """`told`: target -> requests and errors; each took `ms`."""
    counts = np.zeros((len(told), len(COUNTED)), np.int64)
    counts[:, [REQUESTS, ERRORS]] = list(told.values())
    ticks = np.zeros(len(told), TICK)
    ticks["total_p50"] = ticks["total_p99"] = coded(np.array([1000 * ms]))
    histograms = np.zeros((len(told), BUCKETS), np.uint32)
    histograms[:, 200] = counts[:, REQUESTS]
    return Tick(at, list(told), counts, ticks, histograms, histograms)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_was_kept_needs_no_warming_up(scene: Scene) -> None:
    assert scene.ticks(6) == set()
    assert scene.ticks(4, errors=60) == {"errors route:orders"}


def test_nothing_is_known_while_it_learns(scene: Scene) -> None:
    scene.learner.done = False
    assert scene.ticks(6, errors=200) == set()
    assert scene.watch.status()["state"] == LEARNING
    assert scene.learner.asked == (Watch("orders"), Watch("login"))
    scene.learner.done = True
    assert scene.ticks(4, errors=200) == {"errors route:orders"}
    assert scene.watch.status()["state"] == WATCHING


def test_signals_of_windows_that_have_stopped_are_not_repeated(scene: Scene) -> None:
    assert scene.ticks(4, errors=60)
    assert scene.watch(scene.now + 30 * NS)
    assert scene.watch(scene.now + 31 * NS) == []


def test_status_says_what_it_cannot_see(scene: Scene) -> None:
    scene.plan = dataclasses.replace(scene.plan, routes=(*scene.plan.routes, Route("fresh")))
    scene.ticks(1)
    said = scene.watch.status()["routes"]
    assert "warming up" in said["fresh"]
    assert said["orders"].startswith("sees rises of x1")


def test_independent_reports_lower_the_threshold_of_their_route(scene: Scene) -> None:
    """4 errors instead of 1 are found by so many ticks; with three reports of people by fewer."""
    ticks_unsaid = next(count for count in range(1, 60) if scene.ticks(1, errors=4))
    scene.at = MONDAY
    scene.said = [Report(SignalKind.COMMUNITY_REPORT, "upstream:u", MONDAY * NS, who) for who in "abc"]
    scene.begin()
    ticks_said = next(count for count in range(1, 60) if scene.ticks(1, errors=4))
    assert ticks_said < ticks_unsaid


@pytest.mark.parametrize(("target", "frozen"), [
    ("route:orders", [True, False]), ("upstream:u", [True, True]), ("endpoint:u/h:1", [True, True]),
    ("client:192.0.2.1", [False, False]), ("gateway", [False, False])])
def test_an_open_incident_freezes_the_routes_that_it_is_about(scene: Scene, target: str, frozen: list[bool]) -> None:
    signal = Signal(SignalKind.ERRORS, target, MONDAY * NS, MONDAY * NS)
    scene.incidents = [opened((signal,), MONDAY * NS)]
    assert scene.watch._frozen(scene.plan).tolist() == frozen


def test_an_overloaded_gateway_teaches_nothing_about_any_route(scene: Scene) -> None:
    signal = Signal(SignalKind.GATEWAY_OVERLOADED, "gateway", MONDAY * NS, MONDAY * NS)
    scene.incidents = [opened((signal,), MONDAY * NS)]
    assert scene.watch._frozen(scene.plan).all()


def test_a_broken_promise_burns_and_late_answers_break_it_too(scene: Scene) -> None:
    scene.plan = dataclasses.replace(scene.plan, routes=(
        Route("orders", upstream="u", objective=Objective(999_000, 1_000_000)), Route("login", upstream="u")))
    assert scene.ticks(30) == {"slo burn route:orders"}


def test_what_was_learned_is_kept_every_five_minutes_and_outlives_control(scene: Scene) -> None:
    scene.ticks(12)
    assert not scene.watch.is_to_be_kept(scene.now // NS)
    scene.ticks(20)
    assert scene.watch.is_to_be_kept(scene.now // NS)
    scene.watch.keep(scene.now // NS)
    assert Watched.from_bytes(scene.state.read()).at == scene.at - 10
    assert not scene.watch.is_to_be_kept(scene.now // NS)


def test_an_alarm_goes_on_when_control_starts_again(scene: Scene) -> None:
    scene.ticks(4, errors=60)
    scene.watch.close()
    scene.begin()
    assert scene.ticks(1, errors=60) == {"errors route:orders"}


def test_a_state_that_is_damaged_or_too_old_begins_anew(scene: Scene) -> None:
    for damaged in (b"x", scene.state.read()[:-8]):
        scene.state.write(damaged)
        scene.begin()
        scene.ticks(1)
        assert "warming up" in scene.watch.status()["routes"]["orders"]


def test_a_disk_that_is_full_is_a_fault_to_show(scene: Scene, tmp_path: Path) -> None:
    scene.ticks(1)
    scene.state.path = tmp_path / "nowhere" / "detectors.state"
    scene.watch.close()
    assert "No such file" in scene.watch.status()["fault"]


def test_the_buckets_are_those_of_the_board() -> None:
    assert watching_routes.observing.EDGES.size == BUCKETS + 1
