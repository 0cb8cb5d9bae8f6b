"""Several requests in one packet: answered in order, each with its own body."""
import hashlib
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers.child import until
from wire.peers.raw_client import RawClient, request
from wire.peers.scripted_upstream import Close, ReadBody, ScriptedUpstream, Send, Silence, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, str]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


def body(number: int) -> bytes:
    """Empty, small and larger than any single read, by turns."""
    size = (0, 10, 3000, 300_000)[number % 4]
    return (hashlib.sha256(str(number).encode()).digest() * (size // 32 + 1))[:size]


def chunked(target: str, data: bytes) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""
    return head + chunk + b"0\r\n\r\n"


def nth_request(number: int) -> bytes:
    target = f"/pipe/{number}"
    kinds = (
        lambda: request(target),
        lambda: request(target, method="POST", body=b"u" * 50 * number),
        lambda: chunked(target, b"c" * 50 * number),
    )
    return kinds[number % 3]()


def test_twenty_requests_in_one_packet_are_answered_in_order(scene: Scene) -> None:
    api, address = scene
    for number in range(20):
        api.on(f"/pipe/{number}", ReadBody(), Send(answer(200, body(number), x_number=str(number))))
    with RawClient(address) as client:
        client.sends(b"".join(nth_request(number) for number in range(20)))
        for number in range(20):
            said = client.reads_answer()
            assert said["x-number"] == str(number)
            assert said.body == body(number)
    assert [api.saw(f"/pipe/{number}").data for number in (4, 5)] == [b"u" * 200, b"c" * 250]


def test_pipelined_requests_are_sent_on_one_after_the_other(scene: Scene) -> None:
    api, address = scene
    for number in range(5):
        api.on(f"/order/{number}", Send(answer(200, b"x")))
    with RawClient(address) as client:
        client.sends(b"".join(request(f"/order/{number}") for number in range(5)))
        assert [client.reads_answer().status for _ in range(5)] == [200] * 5
    order = [seen.target for seen in api.requests if seen.target.startswith("/order/")]
    assert order == [f"/order/{number}" for number in range(5)]


def test_requests_cut_at_any_byte_are_understood(scene: Scene) -> None:
    api, address = scene
    api.on("/bytes", ReadBody(), Send(answer(200, b"ok")))
    with RawClient(address) as client:
        for byte in request("/bytes") + chunked("/bytes", b"abc") + request("/bytes", method="PUT", body=b"abc"):
            client.sends(bytes([byte]))
        assert [client.reads_answer().body for _ in range(3)] == [b"ok"] * 3


def test_nothing_is_answered_after_connection_close(scene: Scene) -> None:
    api, address = scene
    api.on("/last", Send(answer(200, b"last")))
    api.on("/never", Send(answer(200, b"never")))
    with RawClient(address) as client:
        client.sends(request("/last", "Connection: close") + request("/never"))
        assert client.reads_answer().body == b"last"
        assert client.reads_to_the_end() == b""
    assert api.seen("/never") == []


def test_client_that_leaves_before_its_answer_stops_the_upstream_and_the_queue(scene: Scene) -> None:
    """A half-close cannot be told from a close, so it counts as leaving, as in nginx and Envoy."""
    api, address = scene
    api.on("/left", Silence())
    with RawClient(address) as client:
        client.sends(request("/left") + request("/behind-left"))
        connection = api.saw("/left").connection
        client.half_closes()
        assert client.reads_to_the_end() == b""
    until(lambda: connection.ended, what="the end at the upstream")
    assert api.seen("/behind-left") == []


def test_malformed_request_behind_good_ones_is_refused_in_its_turn(scene: Scene) -> None:
    api, address = scene
    api.on("/good", Send(answer(200, b"good")))
    with RawClient(address) as client:
        client.sends(request("/good") * 2 + b"GET /bad HTTP/1.1\r\nHost : gate\r\n\r\n" + request("/good"))
        assert [client.reads_answer().status for _ in range(3)] == [200, 200, 400]
        assert client.reads_to_the_end() == b""
    assert (len(api.seen("/good")), api.seen("/bad")) == (2, [])


def test_answer_until_close_keeps_the_requests_behind_it(scene: Scene) -> None:
    api, address = scene
    api.on("/to-the-end", Send(b"HTTP/1.1 200 OK\r\n\r\nends with the connection"), Close())
    api.on("/behind", Send(answer(200, b"behind")))
    with RawClient(address) as client:
        client.sends(request("/to-the-end") + request("/behind"))
        assert client.reads_answer().body == b"ends with the connection"
        assert client.reads_answer().body == b"behind"
