"""What the ladder is told each second, read off windows that a real board has filled."""
import dataclasses
import logging

from gateway.control.measuring import Measuring
from gateway.control.windows import Windows
from gateway.mitigate.ladder import Readings
from gateway.mitigate.rungs import Site
from gateway.model import incident as incidents
from gateway.model.action import Action, ActionKind, ActionState, Policy, Sample
from gateway.model.fault import FaultClass
from gateway.model.safeguards import SECOND, WHOLE
from gateway.model.signal import Signal, SignalKind
from tests.control.board_traffic import BoardTraffic

START = 1_700_000_000
SITE = Site({"u": ("h:1", "h:2")}, behind={"a": "u", "b": "u"})


class Scene(BoardTraffic):
    """Six requests a second on each of the two routes; those that fail are said."""

    def __init__(self) -> None:
        super().__init__()
        self.windows = Windows(self.board, lambda: None, logging.getLogger("test"))
        self.now = START
        self.windows.turn(self.now)

    def seconds(self, count: int, failing: str = "") -> None:
        for _ in range(count):
            for route in ("a", "b"):
                self.served(route, 6, status=503 if route == failing else 200)
            self.now += 1
            self.windows.turn(self.now)

    def read(self, action: Action, kind: SignalKind = SignalKind.ERRORS, **finding: object) -> Readings:
        def never() -> object:
            raise AssertionError("a reading asks for no plan")

        signal = Signal(kind, "route:a", START * SECOND, START * SECOND)
        incident = dataclasses.replace(incidents.opened((signal,), self.now * SECOND), id=1,
                                       fault=FaultClass.UPSTREAM_FAILURE, finding=finding)
        measuring = Measuring(self.board, self.windows, never, lambda: 0)  # type: ignore[arg-type]
        return measuring.readings(incident, [action], [], Policy(), SITE, self.now * SECOND)


def action(kind: ActionKind, target: str, state: ActionState, done: int = 0) -> Action:
    return Action(1, kind, target, 1, "why", (), 1, "upstream:u", "load", 0, id=7, state=state, done_ns=done * SECOND)


def test_what_all_clients_of_its_routes_see_is_read_from_before_an_action_and_since() -> None:
    scene = Scene()
    scene.seconds(10)
    done = scene.now
    scene.seconds(4, failing="b")
    read = scene.read(action(ActionKind.BREAKER, "upstream:u", ActionState.TRIED, done))
    before, since = read.felt[7]
    assert before == Sample((12,) * 10, (0,) * 10, (60,) * 10)
    assert (since.requests, since.failed) == ((12,) * 3, (6,) * 3), "the second in which it was done is left out"


def test_a_client_is_none_of_the_others_business() -> None:
    scene = Scene()
    scene.seconds(10)
    read = scene.read(action(ActionKind.CLAMP, "client:192.0.2.7", ActionState.TRIED, scene.now - 3))
    assert read.felt[7] == (Sample(), Sample())


def test_of_what_may_be_cut_off_each_route_is_read() -> None:
    scene = Scene()
    scene.seconds(10, failing="b")
    read = scene.read(action(ActionKind.BREAKER, "upstream:u", ActionState.PLANNED))
    assert {route: sum(sample.failed) for route, sample in read.routes.items()} == {"a": 0, "b": 60}


def test_a_client_that_surges_is_counted_with_what_it_usually_sends() -> None:
    clamp = action(ActionKind.CLAMP, "client:192.0.2.7", ActionState.PLANNED)
    surge = {"where": {"client": "192.0.2.7"}, "traffic": 0.74, "usual_traffic": 0.02}
    assert Scene().read(clamp, surge=surge).reach == {"client:192.0.2.7": WHOLE // 50}


def test_how_much_comes_does_not_hurt_by_itself_nor_what_is_not_seen_any_more() -> None:
    scene, isolate = Scene(), action(ActionKind.ISOLATE, "client:192.0.2.7", ActionState.PLANNED)
    seen = {kind: scene.read(isolate, kind).hurts for kind in (SignalKind.RATE_UP, SignalKind.SLOW)}
    assert seen == {SignalKind.RATE_UP: False, SignalKind.SLOW: True}
    scene.seconds(30)
    assert not scene.read(isolate, SignalKind.SLOW).hurts


def test_what_a_limit_refuses_has_failed_where_its_config_is_gone_back_from() -> None:
    scene = Scene()
    scene.board.route(0, scene.board.names("routes")["a"])["limited"] = 10
    scene.seconds(10)
    back = dataclasses.replace(action(ActionKind.ROLL_BACK, "revision:2", ActionState.PLANNED), measured="route:a")
    assert sum(scene.read(back).before["route:a"].failed) == 10
    other = dataclasses.replace(action(ActionKind.FALLBACK, "route:a", ActionState.PLANNED), measured="route:a")
    assert sum(scene.read(other).before["route:a"].failed) == 0
