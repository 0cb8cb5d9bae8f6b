"""Answers before the request is over: 1xx, `Expect: 100-continue`, and a final answer while the body still comes."""
import threading
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers.raw_client import RawClient, request
from wire.peers.scripted_upstream import (
    Close,
    Deafness,
    Read,
    Reset,
    ScriptedUpstream,
    Send,
    Silence,
    answer,
    upstream,
)

pytestmark = pytest.mark.wire
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
TOO_LARGE = answer(413, b"x" * 5000, connection="close")
Scene = tuple[ScriptedUpstream, str]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


def expecting(target: str, length: int) -> bytes:
    return (
        f"POST {target} HTTP/1.1\r\nHost: gate\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    ).encode()


def test_early_hints_are_passed_on(scene: Scene) -> None:
    api, address = scene
    api.on("/hints", Send(HINTS), Send(HINTS), Send(answer(200, b"page")))
    with RawClient(address) as client:
        client.sends(request("/hints"))
        said = client.reads_answer()
    assert [(hint.status, hint["link"]) for hint in said.interim] == [(103, "</s.css>; rel=preload")] * 2
    assert (said.status, said.body) == (200, b"page")


def test_interim_answers_are_kept_from_http_1_0_clients(scene: Scene) -> None:
    api, address = scene
    api.on("/hints-1.0", Send(HINTS), Send(answer(200, b"page")))
    with RawClient(address) as client:
        client.sends(b"GET /hints-1.0 HTTP/1.0\r\nHost: gate\r\n\r\n")
        raw = client.reads_to_the_end()
    assert b"103" not in raw.split(b"\r\n")[0]
    assert raw.endswith(b"\r\n\r\npage")


def test_client_that_waits_for_100_gets_the_upstreams(scene: Scene) -> None:
    api, address = scene
    api.on("/waits", Send(CONTINUE), Read(5), Send(answer(201, b"made")))
    with RawClient(address) as client:
        client.sends(expecting("/waits", 5))
        assert client.reads_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.sends(b"hello")
        said = client.reads_answer("POST")
    assert (said.status, said.body) == (201, b"made")
    assert api.saw("/waits")["expect"] == "100-continue"
    assert bytes(api.saw("/waits").body) == b"hello"


def test_final_answer_instead_of_100_reaches_the_waiting_client(scene: Scene) -> None:
    api, address = scene
    api.on("/refused", Send(answer(401, b"who are you?", www_authenticate="Basic realm=x")), Silence())
    with RawClient(address) as client:
        client.sends(expecting("/refused", 5))
        said = client.reads_answer("POST")
    assert (said.status, said.body, said.interim) == (401, b"who are you?", [])
    assert bytes(api.saw("/refused").body) == b""


def test_client_that_expects_but_does_not_wait_is_served(scene: Scene) -> None:
    api, address = scene
    api.on("/impatient", Read(5), Send(answer(200, b"thanks")))
    with RawClient(address) as client:
        client.sends(expecting("/impatient", 5) + b"hello")
        assert client.reads_answer("POST").body == b"thanks"
    assert bytes(api.saw("/impatient").body) == b"hello"


def test_connection_serves_on_after_a_continued_request(scene: Scene) -> None:
    api, address = scene
    api.on("/again", Send(CONTINUE), Read(2), Send(answer(200, b"ok")))
    with RawClient(address) as client:
        for _ in range(3):
            client.sends(expecting("/again", 2))
            client.reads_until(b"\r\n\r\n")
            client.sends(b"hi")
            assert client.reads_answer("POST").status == 200


@pytest.mark.parametrize("ending", [Silence(), Close(), Reset()], ids=["waits", "closes", "resets"])
def test_early_answer_is_read_in_full_while_the_body_still_comes(
    scene: Scene, ending: Silence | Close | Reset, request: pytest.FixtureRequest
) -> None:
    api, address = scene
    target = f"/early-{request.node.callspec.id}"
    api.on(target, Read(1000), Send(TOO_LARGE), ending)
    with RawClient(address) as client:
        head = f"POST {target} HTTP/1.1\r\nHost: gate\r\nContent-Length: 10000000\r\n\r\n".encode()
        client.sends(head + b"b" * 1000)
        said = client.reads_answer("POST")
        client.sends_what_is_taken(b"b" * 30_000)
    assert (said.status, said.body) == (413, b"x" * 5000)


def test_upload_that_runs_into_an_early_answer_still_reads_it(scene: Scene) -> None:
    api, address = scene
    api.on("/runs-into", Read(1000), Send(TOO_LARGE), Silence())
    with RawClient(address) as client:
        sender = threading.Thread(target=client.sends_what_is_taken, args=(_upload("/runs-into", 10_000_000),))
        sender.start()
        said = client.reads_answer("POST")
        client.half_closes()
        sender.join(10)
    assert (said.status, said.body) == (413, b"x" * 5000)


def test_connection_of_an_early_answer_is_not_used_again(scene: Scene) -> None:
    api, address = scene
    api.on("/not-again", Send(answer(403, b"no")), Silence())
    with RawClient(address) as client:
        client.sends(_upload("/not-again", 50_000)[:1000])
        assert client.reads_answer("POST").status == 403
    first = api.saw("/not-again").connection
    api.on("/after-early", Send(answer(200, b"fresh")))
    with RawClient(address) as client:
        client.sends(request("/after-early"))
        assert client.reads_answer().body == b"fresh"
    assert api.saw("/after-early").connection is not first


def test_answer_is_streamed_while_the_request_is_still_being_sent(scene: Scene) -> None:
    api, address = scene
    never = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    api.on("/talk", Read(3), Send(head + b"3\r\none\r\n"), Read(6), Send(b"3\r\ntwo\r\n0\r\n\r\n"), Deafness(never))
    with RawClient(address) as client:
        client.sends(b"POST /talk HTTP/1.1\r\nHost: gate\r\nContent-Length: 6\r\n\r\nabc")
        client.reads_until(b"one\r\n")
        client.sends(b"def")
        assert client.reads_until(b"0\r\n\r\n").endswith(b"two\r\n0\r\n\r\n")
    never.set()


def _upload(target: str, length: int) -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: gate\r\nContent-Length: {length}\r\n\r\n".encode() + b"b" * length
