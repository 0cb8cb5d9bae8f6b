"""The second half of an incident, on a fake clock, a real store and a real board; control may die at any moment."""
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from gateway.board import Board, Capacity
from gateway.control.actuate import Actuator
from gateway.control.incident_loop import Findings, IncidentLoop
from gateway.control.responding import Responder
from gateway.control.telling import Telling
from gateway.detect.grouping import Topology
from gateway.mitigate.ladder import Readings
from gateway.mitigate.rungs import Site
from gateway.model.action import Action, ActionState, IllegalMove, Move, Policy, Sample
from gateway.model.fault import FaultClass
from gateway.model.incident import Incident, State
from gateway.model.safeguards import SECOND, WHOLE
from gateway.model.signal import Signal, SignalKind
from gateway.record.store import NotStored, Store, open_store
from gateway.resolve.recovery import Returning

LOG = logging.getLogger("test")
START = 1_700_000_000 * SECOND
BOOT = START - 500 * SECOND
SHOP = Topology({"list": ["orders"]})
ENDPOINT = "endpoint:orders/h:1"
FOUND = Findings(FaultClass.ENDPOINT_FAILURE, "h:1 fails", {
    "words": "90% of the new failures: endpoint h:1",
    "causes": [{"where": {"endpoint": "h:1"}, "share": 0.9, "excess": 90.0}]})


class Analyst:
    def ask(self, incident: Incident, now: int) -> None:
        pass

    def answer(self, incident: Incident, now: int) -> Findings:
        return FOUND


class World:
    """One of three endpoints fails, as long as `broken`, and its requests fail where it gets any. It is the
    instruments of the responder too, so that what is on the board is what the numbers come from."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder, START, LOG)
        self.board = Board.create(Capacity.room_for(1, 1, 3), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["list"], [("orders", f"h:{each}") for each in (1, 2, 3)], 1, upstreams=["orders"])
        self.now, self.broken, self.policy, self.helps = START, True, Policy(), True
        self.loop = self.start()

    def start(self) -> IncidentLoop:
        self.responder = Responder(lambda: self.store, self, lambda: self.policy, self.enforce)
        self.actuator = Actuator(self.board)
        return IncidentLoop(lambda: self.store, [self.sense], lambda: SHOP, Analyst(), Telling, LOG, self.responder)

    def enforce(self) -> None:
        self.actuator.enforce([], self.now, self.now - BOOT, self.responder.in_force())

    def share(self) -> float:
        """Of its traffic that the first endpoint gets, as the board says."""
        control, now = self.board.control("endpoints", 0), self.now - BOOT
        if control["isolated_until"] > now:
            return 0.0
        return control["ramp_ppm"] / WHOLE if control["ramp_until"] > now else 1.0

    def sense(self, now: int) -> Iterable[Signal]:
        if self.broken and (self.share() == 1.0 or not self.helps):
            return [Signal(SignalKind.ERRORS, "route:list", now, START)]
        return []

    def site(self, incident: Incident, now: int) -> Site:
        return Site({"orders": ("h:1", "h:2", "h:3")}, behind={"list": "orders"}, priorities={"list": 2})

    def readings(self, incident: Incident, actions: Sequence[Action], elsewhere: Sequence[Action], policy: Policy,
                 site: Site, now: int) -> Readings:
        def since(action: Action) -> Sample:
            span = (now - action.done_ns) // SECOND - 1
            failed = 10 if self.broken and not self.helps else 0
            return Sample((30,) * span, (failed,) * span, (150,) * span)

        return Readings({"upstream:orders": Sample((30,) * 10, (10,) * 10, (150,) * 10)},
                        {each.id: since(each) for each in actions if each.state is ActionState.TRIED},
                        {ENDPOINT: WHOLE // 3}, taken=frozenset((each.kind, each.target) for each in elsewhere))

    def returning(self, action: Action, now: int) -> Returning:
        span = (now - action.since_ns) // SECOND if action.state is ActionState.RETURNING else 0
        failed = 3 if self.broken else 0
        return Returning(Sample((10,) * span, (failed,) * span, (50,) * span),
                         Sample((30,) * span, (0,) * span, (150,) * span))

    def seconds(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += SECOND
            self.loop.turn(self.now)
            self.enforce()

    def die(self, seconds: int = 0) -> None:
        """As with kill -9; nobody is there for so long."""
        self.now += seconds * SECOND
        self.loop = self.start()

    def lines(self) -> list[str]:
        return [f"{(each.at_ns - START) // SECOND} {each.kind}" for each in self.store.timeline(1)
                if each.kind not in ("opened", "alert")]

    def states(self) -> list[str]:
        return [f"{each.state} {each}" for each in self.store.actions_of(1)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


WHOLE_LIFE = ["1 explained", "1 plan", "2 action tried", "3 quiet", "3 mitigated", "13 action kept",
              "43 action returning", "53 action returning", "63 action undone", "63 resolved"]


def test_a_bad_endpoint_is_ejected_measured_kept_and_returned_in_stages(world: World) -> None:
    shares = {}
    for second in range(1, 80):
        if second == 30:
            world.broken = False
        world.seconds()
        shares[second] = world.share()
    assert world.lines() == WHOLE_LIFE
    assert [shares[each] for each in (1, 2, 42, 43, 53, 63)] == [1.0, 0.0, 0.0, 0.1, 0.5, 1.0]
    incident = world.store.incident(1)
    assert incident is not None
    assert incident.state is State.RESOLVED
    assert [(incident.times[each] - START) // SECOND for each in ("detected", "analysed", "isolated", "mitigated",
                                                                  "resolved")] == [1, 1, 2, 3, 63]
    assert world.store.verify() is None


@pytest.mark.parametrize("dies_at", [1, 2, 3, 9, 12, 13, 30, 43, 44, 53, 62, 63])
def test_a_death_at_any_moment_neither_repeats_nor_forgets_an_action(world: World, dies_at: int) -> None:
    for second in range(1, 100):
        if second == 30:
            world.broken = False
        world.seconds()
        if second == dies_at:
            before = world.share()
            world.die()
            world.enforce()
            assert world.share() == before
    assert world.lines() == WHOLE_LIFE
    assert world.states() == [f"undone eject {ENDPOINT}"]


def test_with_control_dead_past_its_end_the_action_still_ends(world: World) -> None:
    world.seconds(20)
    expires = world.responder.in_force()[0].expires_ns
    world.now = expires - 1
    assert world.share() == 0.0
    world.now = expires
    assert world.share() == 1.0
    world.die()
    world.seconds()
    assert world.states() == [f"expired eject {ENDPOINT}"]


def test_one_that_is_still_broken_is_taken_out_again_and_the_incident_goes_on(world: World) -> None:
    world.seconds(60)
    assert world.lines()[6:] == ["43 action returning", "45 action kept"]
    assert world.share() == 0.0
    world.seconds(60)
    assert world.store.incident(1).is_open          # type: ignore[union-attr]


def test_what_does_not_help_is_undone(world: World) -> None:
    world.helps = False
    world.seconds(20)
    assert world.states() == [f"undone eject {ENDPOINT}"]
    assert world.share() == 1.0
    assert "200 of" in world.store.actions_of(1)[0].verdict or "100 of" in world.store.actions_of(1)[0].verdict


def test_in_shadow_the_timeline_says_what_would_have_been_done(world: World) -> None:
    world.policy = Policy(mode="shadow")
    world.seconds(10)
    assert world.lines() == ["1 explained", "1 plan", "2 action shadow"]
    assert world.share() == 1.0
    assert world.store.timeline(1)[3].words == (
        "1 eject endpoint:orders/h:1: most of the trouble comes from h:1; it touches 33.3 % of the traffic; "
        "not done: the config says to say so only")


def test_a_person_forces_holds_undoes_and_says_why(world: World) -> None:
    world.policy = Policy(mode="shadow")
    world.seconds(5)
    world.loop.order(1, 1, Move.FORCE, "ann", "I am sure", world.now, 60 * SECOND)
    assert world.share() == 0.0
    world.broken = False
    world.seconds(50)
    assert world.share() == 0.0, "what a person holds is not undone by the gateway"
    world.loop.order(1, 1, Move.HOLD, "ann", "longer", world.now, 600 * SECOND)
    world.seconds(100)
    assert world.share() == 0.0
    world.loop.order(1, 1, Move.UNDO, "ben", "enough", world.now, 0 + SECOND)
    assert world.share() == 1.0
    told = [(each.who, each.kind, each.words) for each in world.store.timeline(1) if each.who != "gateway"]
    assert told == [("ann", "action force", f"1 eject {ENDPOINT}: I am sure"),
                    ("ann", "action hold", f"1 eject {ENDPOINT}: longer"),
                    ("ben", "action undo", f"1 eject {ENDPOINT}: enough")]
    audit = [(each.who, each.what) for each in world.store.audit() if each.what.startswith("action.")]
    assert ("ben", "action.undone") in audit


def test_actions_stay_in_the_order_of_the_ladder_whatever_moves(world: World) -> None:
    world.seconds(3)
    first = world.responder.of(1)
    assert [each.id for each in world.responder.of(1)] == sorted(each.id for each in first)
    world.loop.order(1, first[0].id, Move.UNDO, "ann", "no", world.now, 60 * SECOND)
    assert [each.id for each in world.responder.of(1)] == [each.id for each in first]


def test_what_a_person_skips_is_not_tried(world: World) -> None:
    world.seconds(1)
    world.loop.order(1, 1, Move.SKIP, "ann", "it is a test", world.now, SECOND)
    world.seconds(20)
    assert world.states() == [f"skipped eject {ENDPOINT}"]
    with pytest.raises(IllegalMove, match="possible: force"):
        world.loop.order(1, 1, Move.UNDO, "ann", "why", world.now, SECOND)
    with pytest.raises(ValueError, match="say why"):
        world.loop.order(1, 1, Move.FORCE, "ann", "  ", world.now, SECOND)
    with pytest.raises(KeyError):
        world.loop.order(1, 7, Move.FORCE, "ann", "why", world.now, SECOND)


def test_what_cannot_be_written_is_not_done(world: World) -> None:
    class FullDisk(Store):
        def save_incident(self, *_: object, **__: object) -> tuple[Action, ...]:
            raise NotStored(507, "the disk is full")

    world.seconds(1)
    whole = world.store
    world.store = FullDisk(whole._connection, whole.path)
    world.now += SECOND
    world.loop.try_turn(world.now)
    assert world.share() == 1.0
    world.store = whole
    world.seconds()
    assert world.share() == 0.0


def test_a_merged_incident_hands_its_actions_on(world: World) -> None:
    world.seconds(20)
    second = world.store.open_incident(world.store.incident(1), world.store.timeline(1)[0])  # type: ignore[arg-type]
    world.die()
    world.loop.turn(world.now)
    world.loop.merge(1, second.id, "ann", world.now)
    assert [each.incident for each in world.responder.in_force()] == [second.id]
    assert world.share() == 0.0
