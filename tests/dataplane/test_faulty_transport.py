"""A faulty endpoint as an upstream connection sees it: what comes, when, and how it breaks. No socket, no clock."""
import heapq
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from gateway.dataplane.faulty_transport import END, HIGH_WATER, FaultyTransport
from gateway.model.injection import Injection, InjectionKind

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n"


class Timer:
    """What a loop gives for a call that is due."""


class Clock:
    """A loop whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        heapq.heappush(self._due, (self.now + delay, next(self._order), callback, args))
        return Timer()

    def call_soon(self, callback: Callable[..., object], *args: Any) -> Timer:
        return self.call_later(0.0, callback, *args)

    def pass_to(self, now: float) -> None:
        while self._due and self._due[0][0] <= now + 1e-9:
            self.now, _, callback, args = heapq.heappop(self._due)
            callback(*args)
        self.now = now


class Connection:
    """Keeps what it is told: bytes, END, and how it was lost."""

    def __init__(self) -> None:
        self.heard = b""
        self.ends = 0
        self.lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> None:
        self.ends += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.append(error)


class Endpoint:
    """The transport of the real connection."""

    def __init__(self) -> None:
        self.asked = b""
        self.reads = True
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.asked += data

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def abort(self) -> None:
        self.aborted = True


class Scene:
    def __init__(self, kind: InjectionKind, **more: Any) -> None:
        self.clock, self.connection, self.endpoint = Clock(), Connection(), Endpoint()
        injection = Injection(kind, upstream="api", **more)
        self.transport: Any = FaultyTransport(self.clock, injection, self.connection)  # type: ignore[arg-type]
        self.transport.reach(self.endpoint)

    def asks(self) -> None:
        self.transport.write(b"GET / HTTP/1.1\r\n\r\n")
        self.clock.pass_to(self.clock.now)


def test_a_reset_comes_once_the_request_is_there() -> None:
    scene = Scene(InjectionKind.ABORT)
    scene.clock.pass_to(5.0)
    assert scene.connection.lost == []
    scene.asks()
    assert isinstance(scene.connection.lost[0], ConnectionResetError)
    assert scene.endpoint.aborted


def test_a_status_is_answered_and_the_connection_is_the_last() -> None:
    scene = Scene(InjectionKind.STATUS, status=502)
    scene.asks()
    assert scene.connection.heard.startswith(b"HTTP/1.1 502 ")
    assert b"connection: close" in scene.connection.heard


def test_nothing_comes_out_of_a_black_hole() -> None:
    scene = Scene(InjectionKind.BLACKHOLE)
    scene.asks()
    scene.clock.pass_to(3600.0)
    assert (scene.connection.heard, scene.connection.lost) == (b"", [])


def test_an_answer_is_held_back_and_then_passes_whole() -> None:
    scene = Scene(InjectionKind.DELAY, delay=2 * 10**9)
    scene.asks()
    assert scene.endpoint.asked == b"GET / HTTP/1.1\r\n\r\n"
    scene.transport.came(HEAD)
    scene.transport.came(b"x" * 30)
    scene.clock.pass_to(1.99)
    assert scene.connection.heard == b""
    scene.clock.pass_to(2.0)
    assert scene.connection.heard == HEAD + b"x" * 30


def test_the_head_of_a_slow_body_comes_at_once_and_the_rest_at_its_rate() -> None:
    scene = Scene(InjectionKind.SLOW_BODY, rate=100)
    scene.asks()
    scene.transport.came(HEAD + b"x" * 30)
    scene.clock.pass_to(0.05)
    assert scene.connection.heard == HEAD
    scene.clock.pass_to(0.15)
    assert scene.connection.heard == HEAD + b"x" * 10
    scene.clock.pass_to(0.35)
    assert scene.connection.heard == HEAD + b"x" * 30


def test_the_end_comes_behind_what_waits() -> None:
    scene = Scene(InjectionKind.DELAY, delay=10**9)
    scene.asks()
    scene.transport.came(HEAD)
    scene.transport.came(END)
    scene.clock.pass_to(0.9)
    assert scene.connection.ends == 0
    scene.clock.pass_to(1.1)
    assert (scene.connection.heard, scene.connection.ends, scene.connection.lost) == (HEAD, 1, [None])


def test_a_client_that_is_full_holds_it_and_the_endpoint_is_held_too() -> None:
    scene = Scene(InjectionKind.DELAY, delay=10**9)
    scene.asks()
    scene.transport.pause_reading()
    scene.transport.came(b"x" * (HIGH_WATER + 1))
    scene.clock.pass_to(9.0)
    assert (scene.connection.heard, scene.endpoint.reads) == (b"", False)
    scene.transport.resume_reading()
    scene.clock.pass_to(9.0)
    assert len(scene.connection.heard) == HIGH_WATER + 1
    assert scene.endpoint.reads


@pytest.mark.parametrize("kind", [each for each in InjectionKind if each is not InjectionKind.BUSY])
def test_a_connection_that_is_given_up_is_lost_once_and_the_endpoint_is_left(kind: InjectionKind) -> None:
    scene = Scene(kind)
    scene.transport.abort()
    scene.transport.close()
    scene.transport.came(b"late")
    scene.clock.pass_to(10.0)
    assert scene.connection.lost == [None]
    assert (scene.connection.heard, scene.endpoint.aborted) == (b"", True)
