"""Slow clients are told 408 and cut, slow upstreams 504; an answer cut in its middle is never completed."""
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers import addresses
from wire.peers.child import until
from wire.peers.raw_client import RawClient, Truncated, ask, request
from wire.peers.scripted_upstream import Deafness, Pause, Read, ScriptedUpstream, Send, Silence, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, str]
LISTENER = {"timeouts": {"head": "500ms", "body": "400ms", "keep_alive": "600ms", "send": "700ms"}}
UPSTREAM = {"timeouts": {"connect": "300ms", "first_byte": "400ms", "idle": "400ms"}}
ROUTES = [
    {"name": "bounded", "match": {"path": "/bounded/**"}, "upstream": "api", "timeout": "600ms"},
    {"name": "all", "match": {"path": "/**"}, "upstream": "api"},
]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api:
        config = gateways.before(api.address, listener=LISTENER, upstream=UPSTREAM, routes=ROUTES)
        with gateways.running(config) as gateway:
            yield api, gateway.address


def sends_slowly(client: RawClient, data: bytes, over: threading.Event) -> None:
    """A byte every 50 ms until the gateway has had enough."""
    for byte in data:
        client.sends_what_is_taken(bytes([byte]))
        if over.wait(0.05):
            return


def test_head_that_never_ends_is_408_and_closed(scene: Scene) -> None:
    with RawClient(scene[1]) as client:
        client.sends(b"GET /slow HTTP/1.1\r\nHost: gate\r\n")
        said = client.reads_answer()
        assert (said.status, json.loads(said.body)["reason"]) == (408, "head_timeout")
        assert client.reads_to_the_end() == b""
    assert client.ended == "closed"


def test_slow_loris_is_cut_though_its_bytes_keep_coming(scene: Scene) -> None:
    api, address = scene
    over = threading.Event()
    with RawClient(address) as client:
        loris = threading.Thread(target=sends_slowly, args=(client, b"GET /loris HTTP/1.1\r\nX: " + b"a" * 200, over))
        loris.start()
        assert client.reads_answer().status == 408
        client.reads_to_the_end()
        over.set()
        loris.join(5)
    assert api.seen("/loris") == []


def test_silent_connection_is_closed_without_a_word(scene: Scene) -> None:
    with RawClient(scene[1]) as client:
        said = client.reads_to_the_end()
    assert said == b"" or said.startswith(b"HTTP/1.1 408 ")
    assert client.ended == "closed"


def test_client_that_takes_nothing_of_its_answer_is_cut(scene: Scene) -> None:
    api, address = scene
    api.on("/unread", Send(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"), *[Send(b"x" * (1 << 20))] * 64)
    with RawClient(address, receive_buffer=16384) as client:
        client.sends(request("/unread"))
        connection = until(lambda: api.seen("/unread"), what="the request at the upstream")[0].connection
        until(lambda: connection.ended, what="the end at the upstream")
        with pytest.raises(Truncated):
            client.reads_answer()
    assert client.ended == "reset"


def test_kept_connection_is_closed_when_idle(scene: Scene) -> None:
    api, address = scene
    api.on("/kept", Send(answer(200, b"ok")))
    with RawClient(address) as client:
        for _ in range(2):
            client.sends(request("/kept"))
            assert client.reads_answer().body == b"ok"
        assert client.reads_to_the_end() == b""
    assert client.ended == "closed"


def test_second_head_that_never_ends_is_408(scene: Scene) -> None:
    api, address = scene
    api.on("/before", Send(answer(200, b"ok")))
    with RawClient(address) as client:
        client.sends(request("/before") + b"GET /second HTTP/1.1\r\n")
        assert client.reads_answer().status == 200
        assert client.reads_answer().status == 408


def test_body_that_stops_coming_is_408_and_aborted_upstream(scene: Scene) -> None:
    api, address = scene
    api.on("/slow-body", Read(10), Send(answer(200, b"never")))
    with RawClient(address) as client:
        client.sends(b"POST /slow-body HTTP/1.1\r\nHost: gate\r\nContent-Length: 10\r\n\r\nabc")
        said = client.reads_answer("POST")
        assert (said.status, json.loads(said.body)["reason"]) == (408, "body_timeout")
        client.reads_to_the_end()
    seen = api.saw("/slow-body")
    until(lambda: seen.connection.ended, what="the abort at the upstream")
    assert bytes(seen.body) == b"abc"


def test_body_that_keeps_coming_may_take_its_time(scene: Scene) -> None:
    api, address = scene
    api.on("/steady", Read(10), Send(answer(200, b"whole")))
    with RawClient(address) as client:
        client.sends(b"POST /steady HTTP/1.1\r\nHost: gate\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            client.sends(b"x")
            time.sleep(0.1)
        assert client.reads_answer("POST").body == b"whole"


def test_upstream_without_a_first_byte_is_504(scene: Scene) -> None:
    api, address = scene
    api.on("/silent", Silence())
    said = ask(address, "/silent")
    assert (said.status, json.loads(said.body)["reason"]) == (504, "first_byte_timeout")
    connection = api.saw("/silent").connection
    until(lambda: connection.ended, what="the end at the upstream")


def test_upstream_that_stops_in_its_head_is_504(scene: Scene) -> None:
    api, address = scene
    api.on("/half-head", Send(b"HTTP/1.1 200 OK\r\nContent-Le"), Silence())
    assert ask(address, "/half-head").status == 504


@pytest.mark.parametrize(
    ("framing", "begun"),
    [("Content-Length: 100", b"begun"), ("Transfer-Encoding: chunked", b"5\r\nbegun\r\n"), ("X-None: 1", b"begun")],
    ids=["length", "chunked", "until close"],
)
def test_upstream_that_goes_silent_in_its_answer_is_never_completed(
    scene: Scene, framing: str, begun: bytes, request: pytest.FixtureRequest
) -> None:
    api, address = scene
    target = "/silent-in/" + request.node.callspec.id.replace(" ", "-")
    api.on(target, Send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + begun), Silence())
    with pytest.raises(Truncated) as cut:
        ask(address, target)
    assert (cut.value.so_far, cut.value.by) == (b"begun", "reset")


def test_upstream_that_keeps_talking_may_take_its_time(scene: Scene) -> None:
    api, address = scene
    parts = [part for number in range(6) for part in (Pause(0.15), Send(str(number).encode()))]
    api.on("/talks", Send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"), *parts)
    assert ask(address, "/talks").body == b"012345"


def test_whole_request_is_bounded_by_its_route(scene: Scene) -> None:
    api, address = scene
    api.on("/bounded/body", Send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"), *[Pause(0.15), Send(b"x")] * 20)
    with pytest.raises(Truncated):
        ask(address, "/bounded/body")


def test_body_that_comes_too_slowly_for_its_route_is_504(scene: Scene) -> None:
    api, address = scene
    api.on("/bounded/slow", Read(20), Send(answer(200, b"never")))
    with RawClient(address) as client:
        client.sends(b"POST /bounded/slow HTTP/1.1\r\nHost: gate\r\nContent-Length: 20\r\n\r\n")
        over = threading.Event()
        drip = threading.Thread(target=sends_slowly, args=(client, b"x" * 19, over))
        drip.start()
        said = client.reads_answer("POST")
        over.set()
        drip.join(5)
    assert (said.status, json.loads(said.body)["reason"]) == (504, "request_timeout")


def test_upstream_that_takes_no_more_of_an_upload_is_504() -> None:
    over = threading.Event()
    with upstream(receive_buffer=65536) as api:
        api.on("/deaf", Deafness(over))
        config = gateways.before(api.address, upstream=UPSTREAM)
        with gateways.running(config) as gateway, RawClient(gateway.address) as client:
            client.sends(b"POST /deaf HTTP/1.1\r\nHost: gate\r\nContent-Length: 50000000\r\n\r\n")
            upload = threading.Thread(target=client.sends_what_is_taken, args=(b"b" * 50_000_000,))
            upload.start()
            said = client.reads_answer("POST")
            client.half_closes()
            upload.join(10)
            over.set()
    assert said.status == 504


def test_connect_that_nobody_answers_is_504() -> None:
    with addresses.listen("127.0.0.1:0", backlog=0) as full:
        waiting = [_knock(addresses.bound(full)) for _ in range(4)]
        config = gateways.before(addresses.bound(full), upstream=UPSTREAM)
        with gateways.running(config) as gateway:
            said = ask(gateway.address, "/x")
        for stream in waiting:
            stream.close()
    assert (said.status, json.loads(said.body)["reason"]) == (504, "connect_timeout")


def test_connect_that_nobody_answers_moves_to_another_endpoint() -> None:
    with addresses.listen("127.0.0.1:0", backlog=0) as full, upstream() as api:
        api.on("/x", Send(answer(200, b"ok", connection="close")))
        waiting = [_knock(addresses.bound(full)) for _ in range(4)]
        settings = {**UPSTREAM, "balance": "round_robin"}
        with gateways.running(gateways.before(addresses.bound(full), api.address, upstream=settings)) as gateway:
            assert [ask(gateway.address, "/x").status for _ in range(4)] == [200] * 4
        for stream in waiting:
            stream.close()


def _knock(address: str) -> socket.socket:
    """A connection that nobody accepts: it fills the backlog."""
    stream = socket.socket()
    stream.setblocking(False)
    stream.connect_ex(addresses.split(address))
    return stream
