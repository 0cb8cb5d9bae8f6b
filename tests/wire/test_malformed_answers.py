"""Malformed answers of the upstream: 502 and that connection closed; an answer already begun is never completed."""
import json
import threading
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers.child import until
from wire.peers.raw_client import RawClient, Truncated, ask, request
from wire.peers.scripted_upstream import Close, Deafness, Read, Reset, ScriptedUpstream, Send, Silence, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, str]
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


HEADS = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    "status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "control byte in the reason": b"HTTP/1.1 200 O\x00K\r\nContent-Length: 2\r\n\r\nok",
    "repeated length": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\nok",
    "signed length": OK + b"Content-Length: +2\r\n\r\nok",
    "both lengths": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding other than chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "obs-fold": OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "space before the colon": OK + b"Content-Length : 2\r\n\r\nok",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "bare CR in a value": OK + b"X: a\rb\r\nContent-Length: 2\r\n\r\nok",
    "NUL in a value": OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\nok",
    "head of 40 KiB": OK + (b"X-Pad: " + b"p" * 4000 + b"\r\n") * 10 + b"Content-Length: 2\r\n\r\nok",
    "endless interim answers": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("name", HEADS)
def test_malformed_head_is_502_and_its_connection_closed(scene: Scene, name: str) -> None:
    api, address = scene
    target = "/head/" + name.replace(" ", "-")
    api.on(target, Send(HEADS[name]), Silence())
    said = ask(address, target)
    connection = api.saw(target).connection
    until(lambda: connection.ended, what="the end at the upstream")
    problem = json.loads(said.body)
    print(f"{name}: client read {said.status} {problem['reason']}; upstream's connection: {connection.ended}")
    assert (said.status, said["content-type"]) == (502, "application/problem+json")
    assert problem["reason"] == "upstream_malformed"


@pytest.mark.parametrize("ending", [Close(), Reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["nothing", "half a head"])
def test_upstream_that_ends_before_its_answer_is_502(
    scene: Scene, begun: bytes, ending: Close | Reset, request: pytest.FixtureRequest
) -> None:
    api, address = scene
    target = "/ends/" + request.node.callspec.id.replace(" ", "-")
    api.on(target, *([Send(begun)] if begun else []), ending)
    said = ask(address, target, method="POST", body=b"abc")
    assert (said.status, said["content-type"]) == (502, "application/problem+json")
    assert len(api.seen(target)) == 1


@pytest.mark.parametrize("ending", [Close(), Reset()], ids=["closed", "reset"])
def test_upstream_that_ends_while_the_body_still_comes_is_502(scene: Scene, ending: Close | Reset) -> None:
    api, address = scene
    target = f"/ends-early/{type(ending).__name__}"
    api.on(target, Read(100_000), ending)
    with RawClient(address) as client:
        head = f"POST {target} HTTP/1.1\r\nHost: gate\r\nContent-Length: 20000000\r\n\r\n".encode()
        upload = threading.Thread(target=client.sends_what_is_taken, args=(head + b"b" * 20_000_000,))
        upload.start()
        said = client.reads_answer("POST")
        client.half_closes()
        upload.join(10)
    assert (said.status, said["content-type"]) == (502, "application/problem+json")
    assert len(api.seen(target)) == 1


BEGUN = CHUNKED + b"5\r\nbegun\r\n"
BODIES = {
    "early end of a length": (OK + b"Content-Length: 100\r\n\r\nbegun", b"", Close()),
    "early end of chunks": (BEGUN, b"", Close()),
    "early end inside a chunk": (CHUNKED + b"a\r\nbegun", b"", Close()),
    "early end inside the trailers": (BEGUN, b"0\r\nX-Sum: 1\r\n", Close()),
    "reset before the end": (OK + b"\r\nbegun", b"", Reset()),
    "chunk size is garbage": (BEGUN, b"zz\r\n", Silence()),
    "chunk size overflows": (BEGUN, b"fffffffffffffffff\r\n", Silence()),
    "chunk is longer than its size": (BEGUN, b"5\r\nworld and more\r\n", Silence()),
    "extension is endless": (BEGUN, b"5;" + b"e" * 20_000, Silence()),
    "trailer frames": (BEGUN, b"0\r\nContent-Length: 1\r\n\r\n", Silence()),
}


@pytest.mark.parametrize("name", BODIES)
def test_malformed_body_is_never_completed_for_the_client(scene: Scene, name: str) -> None:
    api, address = scene
    begun, bad, ending = BODIES[name]
    target = "/body/" + name.replace(" ", "-")
    read = threading.Event()
    api.on(target, Send(begun), Deafness(read), Send(bad), ending)
    with RawClient(address) as client:
        client.sends(request(target))
        seen = client.reads_until(b"begun")
        read.set()
        seen += client.reads_to_the_end()
    connection = api.saw(target).connection
    until(lambda: connection.ended, what="the end at the upstream")
    print(f"{name}: client read {seen!r}, then {client.ended}; upstream's connection: {connection.ended}")
    assert client.ended == "reset"
    assert b"0\r\n\r\n" not in seen


def test_malformed_body_in_one_packet_with_its_head_is_502(scene: Scene) -> None:
    api, address = scene
    api.on("/one-packet", Send(BEGUN + b"zz\r\n"), Silence())
    assert ask(address, "/one-packet").status == 502


def test_bytes_behind_an_answer_are_not_taken_for_the_next_one(scene: Scene) -> None:
    api, address = scene
    api.on("/behind", Send(answer(200, b"mine") + answer(200, b"planted")), Silence())
    api.on("/victim", Send(answer(200, b"real")))
    assert ask(address, "/behind").body == b"mine"
    assert ask(address, "/victim").body == b"real"
    assert api.saw("/victim").connection is not api.saw("/behind").connection


def test_body_behind_an_answer_to_head_is_not_taken_for_the_next_one(scene: Scene) -> None:
    api, address = scene
    api.on("/head-body", Send(answer(200, b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nplanted")), Silence())
    api.on("/head-victim", Send(answer(200, b"real")))
    assert ask(address, "/head-body", method="HEAD").status == 200
    assert ask(address, "/head-victim").body == b"real"


def test_whole_answer_before_the_upstreams_reset_is_kept(scene: Scene) -> None:
    api, address = scene
    api.on("/whole", Send(answer(200, b"whole")), Reset())
    assert ask(address, "/whole").body == b"whole"


def test_client_is_not_held_by_another_ones_malformed_answer(scene: Scene) -> None:
    api, address = scene
    api.on("/bad", Send(b"nonsense\r\n\r\n"), Silence())
    api.on("/good", Send(answer(200, b"ok")))
    for _ in range(5):
        assert ask(address, "/bad").status == 502
        assert ask(address, "/good").body == b"ok"


def test_cut_answer_raises_in_a_client_that_checks(scene: Scene) -> None:
    api, address = scene
    api.on("/checked", Send(CHUNKED + b"5\r\nbegun\r\n"), Close())
    with pytest.raises(Truncated):
        ask(address, "/checked")
