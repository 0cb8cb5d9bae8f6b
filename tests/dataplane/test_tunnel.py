"""Tunnels: both sides talk as they please, each may end first, and none is cut for being slow."""
import pytest
from data_path import Gateway, answer, get
from http_messages import HOST, message
from transports import Peer

HANDSHAKE = message("GET /socket HTTP/1.1", HOST, "Connection: Upgrade", "Upgrade: websocket")
SWITCH = message("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket")
MIB = 1 << 20


def opened(gateway: Gateway) -> tuple[Peer, Peer]:
    client = gateway.client()
    client.says(HANDSHAKE)
    upstream = gateway.connects()
    upstream.says(SWITCH)
    client.hears()
    upstream.hears()
    return client, upstream


def test_the_handshake_goes_both_ways_and_then_anything_does() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(HANDSHAKE)
    upstream = gateway.connects()
    told = upstream.hears()
    assert b"Upgrade: websocket\r\n" in told
    assert b"Connection: upgrade\r\n" in told
    upstream.says(SWITCH + b"\x00first")
    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert heard.endswith(b"Connection: upgrade\r\n\r\n\x00first")
    client.says(b"GET / not a request")
    assert upstream.hears() == b"GET / not a request"
    assert gateway.plane.snapshot()["tunnels"] == 1


def test_what_the_client_sent_behind_its_handshake_belongs_to_the_tunnel() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(HANDSHAKE + b"hasty")
    client.says(b" bytes")
    upstream = gateway.connects()
    assert b"hasty" not in upstream.hears()
    upstream.says(SWITCH)
    assert upstream.hears() == b"hasty bytes"


def test_much_behind_the_handshake_is_held_until_the_tunnel_is_open() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(HANDSHAKE + b"x" * MIB)
    upstream = gateway.connects()
    upstream.hears()
    assert client.is_held
    upstream.says(SWITCH)
    assert upstream.hears() == b"x" * MIB


def test_what_is_behind_a_handshake_that_was_declined_is_a_request() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(HANDSHAKE + get("/next"))
    upstream = gateway.connects()
    upstream.says(answer(b"no", status="426 Upgrade Required"))
    assert upstream.hears().count(b"GET /next ") == 1
    upstream.says(answer(b"yes"))
    assert client.hears().endswith(b"yes")
    assert gateway.is_at_rest


@pytest.mark.parametrize("request_", [get("/"), HANDSHAKE.replace(b"1.1", b"1.0"),
                                      HANDSHAKE.replace(b"websocket", b"h2c")])
def test_a_switch_that_nobody_may_have_asked_for_is_malformed(request_: bytes) -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(request_)
    upstream = gateway.connects()
    assert b"Upgrade" not in upstream.hears()
    upstream.says(SWITCH + b"secret")
    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 502 ")
    assert b"secret" not in heard
    assert upstream.was_reset
    assert gateway.is_at_rest


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_each_side_may_end_first_and_still_hear_the_other(first: str) -> None:
    gateway = Gateway()
    sides = client, upstream = opened(gateway)
    one, other = sides if first == "client" else sides[::-1]
    one.says(b"my last words")
    one.ends()
    assert other.hears() == b"my last words"
    assert other.heard_the_end
    other.says(b"mine come later")
    assert one.hears() == b"mine come later"
    assert gateway.plane.snapshot()["tunnels"] == 1
    other.ends()
    gateway.silence_of(3)
    assert client.is_gone
    assert upstream.is_gone
    assert not client.was_reset
    assert not upstream.was_reset
    assert gateway.is_at_rest
    assert gateway.counted() == {"requests": 1, "1xx": 1}


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_last_words_reach_a_side_that_reads_late(first: str) -> None:
    gateway = Gateway()
    sides = opened(gateway)
    one, other = sides if first == "client" else sides[::-1]
    other.stops_reading()
    one.says(b"x" * MIB)
    one.ends()
    other.ends()
    other.reads()
    assert other.hears() == b"x" * MIB
    assert other.heard_the_end


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_a_side_that_breaks_ends_the_tunnel(first: str) -> None:
    gateway = Gateway()
    client, upstream = opened(gateway)
    (client if first == "client" else upstream).vanishes()
    gateway.silence_of(3)
    assert client.is_gone
    assert upstream.is_gone
    assert gateway.is_at_rest
    assert gateway.counted() == {"requests": 1, "1xx": 1}
    assert gateway.endpoint.connections == 0


def test_a_silent_tunnel_stays_open_for_an_hour() -> None:
    gateway = Gateway()
    client, upstream = opened(gateway)
    gateway.silence_of(3500)
    assert not client.is_gone
    gateway.silence_of(3700)
    gateway.silence_of(3800)
    assert client.is_gone
    assert upstream.is_gone
    assert gateway.is_at_rest


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_a_tunnel_that_was_full_once_may_be_silent_as_long_as_any(first: str) -> None:
    gateway = Gateway()
    sides = client, upstream = opened(gateway)
    one, other = sides if first == "client" else sides[::-1]
    other.stops_reading()
    one.says(b"x" * MIB)
    assert one.is_held
    assert len(other.transport.buffer) < 512 * 1024
    other.reads()
    assert other.hears() == b"x" * MIB
    assert not one.is_held
    gateway.silence_of(3500)
    assert not client.is_gone
    assert not upstream.is_gone


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_a_tunnel_whose_one_side_takes_nothing_is_given_up(first: str) -> None:
    gateway = Gateway()
    sides = client, upstream = opened(gateway)
    one, other = sides if first == "client" else sides[::-1]
    other.stops_reading()
    one.says(b"x" * MIB)
    for seconds in (121, 250, 400):
        gateway.silence_of(seconds)
    assert client.is_gone
    assert upstream.is_gone
    assert gateway.is_at_rest
