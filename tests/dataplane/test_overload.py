"""The shedding controller of a worker, on a loop whose time the test tells."""
from collections.abc import Callable
from typing import Any

from data_path import Gateway, get
from http_messages import HOST, message
from transports import Peer

from gateway.dataplane.overload import PERIOD_SECONDS, Overload
from gateway.mitigate import shedding
from gateway.model.safeguards import PRIORITIES
from gateway.routing import plan as plans

TURNS = 10                              # of the timer in one turn of the controller
CRITICAL = plans.Route("critical", plans.Match("/vital"), upstream="api", priority=PRIORITIES["critical"])
BULK = plans.Route("bulk", upstream="api", priority=PRIORITIES["bulk"])


class Clock:
    """An event loop's timers: `beat` is called as late as the test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.beat: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, beat: Callable[[], None]) -> "Clock":
        self.due, self.beat = when, beat
        return self

    def cancel(self) -> None:
        self.beat = lambda: None

    def passes(self, late: float) -> None:
        for _ in range(TURNS):
            self.now = self.due + late
            self.beat()


class Scene:
    def __init__(self) -> None:
        self.gateway = Gateway(CRITICAL, BULK)
        self.clock: Any = Clock()
        self.overload = Overload(self.clock, self.gateway.plane, runnable=lambda: self.clock.now * 0.5)
        self.clients: list[Peer] = []
        self.overload.start()

    def second(self, late: float, requests: int = 20, at_once: bool = False) -> list[int]:
        """Ten turns with so many requests each; the share let in at the last one, critical and bulk, in percent.
        They end with their turn, or `at_once`."""
        let_in = [0, 0]
        for _ in range(10):
            let_in = [self.ask(path, requests, at_once) for path in ("/vital", "/")]
            self.end_all()
            self.clock.passes(late)
            self.overload.turn(0)
        return [100 * count // requests for count in let_in]

    def ask(self, path: str, requests: int, at_once: bool) -> int:
        """How many are let in."""
        let_in = 0
        for _ in range(requests):
            client = self.gateway.client()
            before = len(self.gateway.waiting)
            client.says(message(f"GET {path} HTTP/1.1", HOST))
            let_in += len(self.gateway.waiting) > before
            self.clients.append(client)
            if at_once:
                self.end_all()
        return let_in

    def end_all(self) -> None:
        while self.gateway.waiting:
            self.gateway.fails_to_connect()
        while self.clients:
            self.clients.pop().vanishes()


def test_a_loop_that_is_late_turns_bulk_away_and_never_critical() -> None:
    scene = Scene()
    assert scene.second(late=0.001) == [100, 100]
    critical, bulk = scene.second(late=0.100)
    assert critical == 100
    assert bulk == 0, "the critical ones in flight leave no room"
    assert scene.gateway.board.route(0, scene.gateway.board.names("routes")["bulk"])["shed"] > 0


def test_what_is_answered_at_once_is_turned_away_too() -> None:
    critical, bulk = Scene().second(late=0.100, requests=100, at_once=True)
    assert critical == 100
    assert bulk < 20


def test_a_burst_that_passes_within_the_turn_turns_nobody_away() -> None:
    scene = Scene()
    scene.clock.passes(late=0.0)
    scene.clock.now = scene.clock.due + 0.5
    scene.clock.beat()
    assert scene.overload.turn(0) == 500_000_000
    assert (scene.overload.lag, scene.overload.cut) == (0, shedding.EVERYTHING)


def test_where_no_beat_came_it_is_as_late_as_it_is_by_now() -> None:
    scene = Scene()
    scene.clock.now = scene.clock.due + 0.5
    scene.overload.turn(0)
    assert scene.overload.lag == 500_000_000


def test_once_in_time_everyone_is_let_in_within_seconds() -> None:
    scene = Scene()
    scene.second(late=0.200)
    for _ in range(4):
        scene.second(late=0.0)
    assert scene.overload.cut == shedding.EVERYTHING
    assert scene.second(late=0.0) == [100, 100]


def test_who_is_turned_away_is_told_so() -> None:
    scene = Scene()
    scene.second(late=0.500)
    waiting = -1
    while len(scene.gateway.waiting) > waiting:
        waiting = len(scene.gateway.waiting)
        client = scene.gateway.client()
        client.says(get())
    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 503 ")
    assert b"x-shed: 1\r\n" in heard
    assert b"retry-after: " in heard


def test_the_timer_is_due_a_hundred_times_a_second_and_can_be_stopped() -> None:
    scene = Scene()
    assert scene.clock.due == scene.clock.now + PERIOD_SECONDS
    scene.overload.stop()
    scene.clock.passes(late=1.0)
    assert scene.overload.worst == 0
