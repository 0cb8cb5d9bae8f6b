"""The life of an incident as a transcript, on a fake clock and a real store; control may die between any two turns."""
import logging
from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.control.incident_loop import Findings, IncidentLoop
from gateway.control.telling import Telling
from gateway.detect.grouping import Topology
from gateway.model.fault import FaultClass
from gateway.model.incident import IllegalTransition, Incident, Severity, State
from gateway.model.report import Maintenance
from gateway.model.safeguards import SECOND
from gateway.model.signal import Signal, SignalKind
from gateway.record.store import NotStored, Store, open_store

LOG = logging.getLogger("test")
START = 1_700_000_000 * SECOND
SHOP = Topology({"list": ["orders"], "create": ["orders"], "login": ["users"]})


class SlowAnalyst:
    """Answers in the turn after it has the answer."""

    def __init__(self) -> None:
        self.asked: set[int] = set()
        self.findings: Findings | None = None

    def ask(self, incident: Incident, now: int) -> None:
        self.asked.add(incident.id)

    def answer(self, incident: Incident, now: int) -> Findings | None:
        return self.findings


class FullDisk:
    def __getattr__(self, name: str) -> object:
        raise NotStored(507, "the disk is full")


class Scene:
    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder, START, LOG)
        self.now = START
        self.wrong: dict[tuple[SignalKind, str], int] = {}
        self.analyst = SlowAnalyst()
        self.telling = Telling({"ops": Severity.NOTICE}, wait=10 * SECOND)
        self.loop = self.start()

    def start(self) -> IncidentLoop:
        return IncidentLoop(lambda: self.store, [self.sense], lambda: SHOP, self.analyst, lambda: self.telling, LOG)

    def die(self) -> None:
        """As with kill -9: all that is left is on the disk."""
        self.loop = self.start()

    def sense(self, now: int) -> Iterable[Signal]:
        return [Signal(kind, target, now, onset) for (kind, target), onset in self.wrong.items()]

    def begins(self, target: str, kind: SignalKind = SignalKind.ERRORS) -> None:
        self.wrong[kind, target] = self.now

    def ends(self, target: str, kind: SignalKind = SignalKind.ERRORS) -> None:
        del self.wrong[kind, target]

    def seconds(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += SECOND
            self.loop.turn(self.now)

    def incidents(self) -> list[str]:
        return [f"{each.id} {each.state} {each.severity.word} {', '.join(each.scope)}"
                for each in reversed(self.store.incidents())]

    def lines(self, number: int = 1) -> list[str]:
        return [f"{(entry.at_ns - START) // SECOND} {entry.kind}" for entry in self.store.timeline(number)]

    def alerts(self) -> list[str]:
        """All that is on its way, taken."""
        found = []
        while due := self.store.due_alerts(self.now):
            for each in due:
                found.append(f"{each.alert.kind} {each.incident} to {each.alert.receiver}")
                self.store.alert_delivered(each.number)
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_life_from_the_first_signal_to_the_review(scene: Scene) -> None:
    scene.seconds(5)
    scene.begins("route:list")
    scene.seconds(2)
    assert scene.incidents() == ["1 detected major route:list"]
    scene.analyst.findings = Findings(FaultClass.UPSTREAM_FAILURE, "orders cannot be reached", {"words": "orders"})
    scene.seconds(20)
    scene.ends("route:list")
    scene.seconds(62)
    scene.loop.review(1, "ann", scene.now)
    assert scene.incidents() == ["1 reviewed major route:list"]
    assert scene.lines() == ["6 opened", "8 explained", "16 alert", "28 quiet", "88 resolved", "88 alert",
                             "89 reviewed"]
    assert scene.alerts() == ["trigger 1 to ops", "resolve 1 to ops"]
    assert scene.store.incident(1).fault is FaultClass.UPSTREAM_FAILURE
    assert scene.store.verify() is None


def test_two_routes_of_one_upstream_are_one_incident_and_a_third_route_is_another(scene: Scene) -> None:
    scene.begins("route:list")
    scene.seconds()
    scene.begins("route:create")
    scene.begins("route:login")
    scene.seconds()
    assert scene.incidents() == ["1 detected major route:list, route:create", "2 detected major route:login"]


def test_what_comes_again_reopens_the_same_incident_and_needs_longer_to_be_over(scene: Scene) -> None:
    scene.begins("route:list")
    scene.seconds(20)
    scene.ends("route:list")
    scene.seconds(62)
    scene.begins("route:list")
    scene.seconds(20)
    assert scene.incidents() == ["1 detected major route:list"]
    scene.ends("route:list")
    scene.seconds(119)
    assert scene.incidents() == ["1 detected major route:list"]
    scene.seconds(3)
    assert scene.incidents() == ["1 resolved major route:list"]
    assert scene.alerts() == ["trigger 1 to ops", "resolve 1 to ops", "trigger 1 to ops", "resolve 1 to ops"]


def test_what_is_over_before_anybody_was_told_is_never_told(scene: Scene) -> None:
    scene.begins("route:list")
    scene.seconds(3)
    scene.loop.resolve(1, "ann", "was me", scene.now)
    scene.ends("route:list")
    scene.seconds(100)
    assert scene.alerts() == []


@pytest.mark.parametrize("dies_at", range(0, 90, 7))
def test_a_death_between_any_two_turns_changes_nothing(scene: Scene, dies_at: int) -> None:
    for second in range(100):
        if second == 5:
            scene.begins("route:list")
        if second == 25:
            scene.ends("route:list")
        if second == dies_at:
            scene.die()
        scene.seconds()
    assert scene.incidents() == ["1 resolved major route:list"]
    assert scene.alerts() == ["trigger 1 to ops", "resolve 1 to ops"]


def test_a_store_that_fails_leaves_everything_as_it_was_and_the_next_turn_goes_on(scene: Scene) -> None:
    scene.begins("route:list")
    whole, scene.store = scene.store, FullDisk()        # type: ignore[assignment]
    scene.loop.try_turn(scene.now + SECOND)
    assert "full" in scene.loop.fault
    scene.store = whole
    scene.seconds()
    assert scene.incidents() == ["1 detected major route:list"]


def test_nothing_is_opened_while_its_upstream_is_worked_on(scene: Scene) -> None:
    scene.store.add_maintenance(Maintenance("upstream:orders", "move", "ann", START, START + 30 * SECOND))
    scene.begins("route:list")
    scene.seconds(20)
    assert scene.incidents() == []
    scene.seconds(20)
    assert scene.incidents() == ["1 detected major route:list"]


def test_a_cause_that_gets_worse_is_told_at_once(scene: Scene) -> None:
    scene.begins("route:list", SignalKind.SLOW)
    scene.seconds(12)
    scene.begins("route:list")
    scene.seconds(2)
    assert scene.alerts() == ["trigger 1 to ops", "update 1 to ops"]


def test_repeats_end_with_an_acknowledgement(scene: Scene) -> None:
    scene.telling = Telling({"ops": Severity.NOTICE}, wait=0, update_every=10**6 * SECOND, repeat_every=30 * SECOND)
    scene.begins("route:list")
    scene.seconds(70)
    assert scene.alerts() == ["trigger 1 to ops", "update 1 to ops", "update 1 to ops"]
    scene.loop.acknowledge(1, "ann", scene.now)
    scene.seconds(70)
    assert scene.alerts() == []
    assert scene.store.incident(1).acknowledged_by == "ann"


def test_a_receiver_hears_only_of_what_is_bad_enough(scene: Scene) -> None:
    scene.telling = Telling({"page": Severity.MAJOR, "chat": Severity.NOTICE}, wait=0)
    scene.begins("route:list", SignalKind.SLOW)
    scene.seconds()
    assert scene.alerts() == ["trigger 1 to chat"]
    scene.begins("route:list")
    scene.seconds()
    assert scene.alerts() == ["update 1 to page", "update 1 to chat"]


def test_merged_incidents_go_on_as_one(scene: Scene) -> None:
    scene.begins("route:list")
    scene.begins("route:login")
    scene.seconds()
    scene.seconds(20)
    scene.loop.merge(1, 2, "ann", scene.now)
    scene.seconds(3)
    assert scene.incidents() == ["1 resolved major route:list", "2 detected major route:login, route:list"]
    assert scene.store.incident(1).merged_into == 2
    assert scene.alerts() == ["trigger 1 to ops", "trigger 2 to ops", "resolve 1 to ops"]


def test_a_part_can_be_split_off(scene: Scene) -> None:
    scene.begins("route:list")
    scene.begins("route:create")
    scene.seconds()
    scene.loop.split(1, ["route:create"], "ann", scene.now)
    scene.seconds(3)
    assert scene.incidents() == ["1 detected major route:list", "2 detected major route:create"]
    with pytest.raises(ValueError, match="name some of the targets"):
        scene.loop.split(1, ["route:list"], "ann", scene.now)


def test_what_people_say_is_in_the_timeline_and_must_be_something(scene: Scene) -> None:
    scene.begins("route:list")
    scene.seconds()
    scene.loop.comment(1, "ann", "I look\nat it", scene.now)
    scene.loop.assign(1, "ann", "bob", scene.now)
    assert scene.store.timeline(1)[1].words == "I look at it"
    assert scene.loop.find(1).assignee == "bob"
    with pytest.raises(ValueError, match="say something"):
        scene.loop.comment(1, "ann", " \n", scene.now)
    with pytest.raises(IllegalTransition):
        scene.loop.review(1, "ann", scene.now)
    with pytest.raises(KeyError):
        scene.loop.comment(9, "ann", "hello", scene.now)
    assert scene.loop.open_now()[0].state is State.DETECTED
