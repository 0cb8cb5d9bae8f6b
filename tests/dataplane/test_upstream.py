"""A connection to an endpoint: what it waits for, when it may be used again, and what it does when it is full."""
import socket

import pytest
from data_path import API, Gateway, answer, asked, get, post
from http_messages import HOST, message
from transports import READ_AT_ONCE, Peer

from gateway.routing import plan as plans

KIB = 1024
MIB = 1 << 20
SECOND = plans.SECOND
UPLOAD = message("POST /upload HTTP/1.1", HOST, "Content-Length: 10")


def with_pool(**limits: int) -> Gateway:
    return Gateway(upstream=plans.Upstream("api", API.endpoints, pool=plans.PoolLimits(**limits)))


def pool(gateway: Gateway) -> tuple[int, int]:
    """(open or opening, idle)."""
    state = gateway.group.snapshot()[0]
    return int(str(state["connections"])), int(str(state["idle"]))


# ---- deadlines

def test_no_first_byte_is_a_504() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    gateway.silence_of(9)
    assert gateway.plane.active == 1
    gateway.silence_of(11)
    assert client.hears().startswith(b"HTTP/1.1 504 ")
    assert upstream.was_reset
    assert gateway.refused() == {"first_byte_timeout": 1}
    assert gateway.counted() == {"requests": 1, "5xx": 1, "refused": 1, "upstream_failures": 1}
    assert gateway.counted_endpoint()["failures"] == 1
    assert gateway.is_at_rest


def test_the_first_byte_is_awaited_from_the_end_of_the_body() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, UPLOAD + b"0")
    gateway.silence_of(15)
    assert gateway.plane.active == 1
    client.says(b"123456789")
    gateway.silence_of(11)
    assert client.hears().startswith(b"HTTP/1.1 504 ")
    assert upstream.was_reset


def test_a_head_that_trickles_in_is_no_first_byte() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer(b"")[:-1])
    gateway.silence_of(11)
    assert client.hears().startswith(b"HTTP/1.1 504 ")


def test_silence_in_an_answer_that_has_begun_is_a_reset() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer(b"hello")[:-1])
    gateway.silence_of(59)
    assert not client.was_reset
    gateway.silence_of(61)
    assert client.was_reset
    assert upstream.was_reset
    assert gateway.refused() == {"upstream_idle": 1}
    assert gateway.is_at_rest


# ---- an upstream that does not read

def test_an_upstream_that_does_not_read_holds_the_client() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(post("/", b"x" * (2 * MIB)))
    upstream = gateway.connects(reads=False)
    assert client.is_held
    assert len(upstream.transport.buffer) < 512 * KIB
    upstream.reads()
    assert upstream.hears().count(b"x") >= 2 * MIB
    assert not client.is_held
    upstream.says(answer(b"thanks"))
    assert client.hears().endswith(b"thanks")
    assert gateway.is_at_rest


def test_the_silence_of_a_client_that_is_held_is_not_its_fault() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(post("/", b"x" * (2 * MIB)))
    upstream = gateway.connects(reads=False)
    gateway.silence_of(59)
    assert gateway.plane.active == 1
    gateway.silence_of(61)
    assert client.hears().startswith(b"HTTP/1.1 504 ")
    assert upstream.was_reset
    assert gateway.is_at_rest


def test_an_upstream_that_takes_a_little_is_waited_for() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(post("/", b"x" * (2 * MIB)))
    upstream = gateway.connects(reads=False)
    for number in range(1, 6):
        upstream.reads(KIB)
        gateway.silence_of(61 * number)
        assert gateway.plane.active == 1
    gateway.silence_of(61 * 7)
    assert client.hears().startswith(b"HTTP/1.1 504 ")
    assert gateway.is_at_rest


def test_an_upstream_that_still_takes_the_request_is_not_late_with_its_answer() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, post("/", b"x" * (200 * KIB)), reads=False)
    gateway.silence_of(11)
    assert gateway.plane.active == 1
    upstream.reads()
    gateway.silence_of(11)
    assert client.hears().startswith(b"HTTP/1.1 504 ")


def test_a_client_that_drains_does_not_give_the_upstream_a_new_kind_of_time() -> None:
    """Both are full: the client's own clock runs, the upstream's does not; then the upstream's own again."""
    gateway = Gateway()
    client = gateway.client()
    client.stops_reading()
    client.says(post("/", b"x" * (2 * MIB)))
    upstream = gateway.connects(reads=False)
    upstream.says(answer(b"y" * MIB))
    assert client.is_held
    assert upstream.is_held
    gateway.silence_of(100)
    assert gateway.plane.active == 1
    client.reads()
    upstream.reads()
    assert client.hears().endswith(b"y" * MIB)
    assert gateway.is_at_rest


def test_an_upstream_that_answers_without_reading_is_not_waited_for() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, post("/", b"x" * (200 * KIB)), reads=False)
    upstream.says(answer(b"enough"))
    assert client.hears().endswith(b"enough")
    assert upstream.is_gone
    assert pool(gateway) == (0, 0)


# ---- the pool

def test_a_parked_connection_is_closed_after_the_pools_time() -> None:
    gateway = Gateway()
    _, upstream = asked(gateway, get())
    upstream.says(answer())
    gateway.silence_of(3.9)
    assert pool(gateway) == (1, 1)
    gateway.silence_of(4.1)
    assert pool(gateway) == (0, 0)
    assert upstream.heard_the_end


@pytest.mark.parametrize(("timeout", "kept_s"), [("timeout=3", 2), ("timeout=2, max=100", 1), ("timeout=60", 4),
                                                 ("timeout=5", 4), ("timeout=999999999999999999", 4),
                                                 ("timeout=20211507185753198", 4)])
def test_a_parked_connection_is_closed_a_second_before_its_upstream_does(timeout: str, kept_s: int) -> None:
    gateway = Gateway()
    _, upstream = asked(gateway, get())
    upstream.says(answer(b"", f"Keep-Alive: {timeout}"))
    gateway.silence_of(kept_s - 0.1)
    assert pool(gateway) == (1, 1)
    gateway.silence_of(kept_s + 0.1)
    assert pool(gateway) == (0, 0)


@pytest.mark.parametrize("fields", [("Keep-Alive: timeout=1",), ("Keep-Alive: timeout=0",), ("Connection: close",)])
def test_a_connection_that_its_upstream_is_about_to_close_is_not_parked(fields: tuple[str, ...]) -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer(b"", *fields))
    assert pool(gateway) == (0, 0)
    assert upstream.heard_the_end
    assert not client.heard_the_end


def test_no_more_than_max_idle_are_parked() -> None:
    gateway = with_pool(max_idle=2)
    upstreams = [asked(gateway, get())[1] for _ in range(3)]
    for each in upstreams:
        each.says(answer())
    assert pool(gateway) == (2, 2)
    assert [each.is_gone for each in upstreams] == [False, False, True]


def test_the_connection_used_last_is_used_first() -> None:
    gateway = Gateway()
    first, second = asked(gateway, get())[1], asked(gateway, get())[1]
    first.says(answer())
    second.says(answer())
    gateway.client().says(get("/next"))
    assert b"GET /next " in second.hears()
    assert b"GET /next " not in first.hears()


@pytest.mark.parametrize("stray", [b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"x"])
def test_bytes_that_nobody_asked_for_end_a_parked_connection(stray: bytes) -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer())
    upstream.says(stray)
    assert pool(gateway) == (0, 0)
    client.hears()
    client.says(get("/next"))
    gateway.connects().says(answer(b"mine"))
    assert client.hears().endswith(b"mine")


@pytest.mark.parametrize("way", [Peer.ends, Peer.vanishes])
def test_a_parked_connection_that_ends_leaves_the_pool(way: object) -> None:
    gateway = Gateway()
    _, upstream = asked(gateway, get())
    upstream.says(answer())
    way(upstream)
    assert pool(gateway) == (0, 0)
    assert upstream.is_gone


def test_a_post_may_use_a_pooled_connection_that_is_quiet() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    near, far = socket.socketpair()
    with near, far:
        upstream = gateway.connects(near)
        upstream.says(answer())
        client.says(post("/next", b"x"))
        assert not gateway.waiting
        assert b"POST /next " in far.recv(READ_AT_ONCE)
        upstream.says(answer(b"done"))
        assert client.hears().endswith(b"done")


@pytest.mark.parametrize("sign", ["closed", "bytes"])
def test_a_post_does_not_use_a_pooled_connection_that_is_not_quiet(sign: str) -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    near, far = socket.socketpair()
    with near, far:
        upstream = gateway.connects(near)
        upstream.says(answer())
        far.shutdown(socket.SHUT_WR) if sign == "closed" else far.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        client.says(post("/next", b"x"))
        assert gateway.connects().hears().endswith(b"\r\n\r\nx")
        assert upstream.is_gone


def test_a_connection_that_breaks_is_counted_out_once() -> None:
    gateway = Gateway()
    for way in (Peer.ends, Peer.vanishes):
        for heard in (b"", b"HTTP/1.1", answer(b"hello")[:-1], b"nonsense\r\n\r\n", answer(b"", "Connection: close")):
            _, upstream = asked(gateway, get())
            upstream.says(heard)
            way(upstream)
            assert pool(gateway) == (0, 0)
    assert gateway.counted_endpoint()["connects"] == 10


def test_a_connection_to_nobody_is_parked_unless_draining() -> None:
    gateway = Gateway()
    for draining in (False, True):
        gateway.plane.draining = draining
        client = gateway.client()
        client.says(get("/"))
        client.ends()
        late = gateway.connects()
        assert late.is_gone is draining
        assert pool(gateway) == ((0, 0) if draining else (1, 1))
        gateway.endpoint.close_idle()
        gateway.loop.run()
    assert pool(gateway) == (0, 0)
