"""Malformed and ambiguous requests (design, section 7): refused with the stated status, read in full by the client,
and nothing of them seen upstream. Each test prints what both sides saw; `pytest -rP` shows it.
"""
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from wire import gateways
from wire.peers.child import until
from wire.peers.raw_client import RawClient, Truncated, request
from wire.peers.scripted_upstream import Pause, ReadBody, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, str]
HOST = b"Host: gate\r\n"
POST = b"POST /bad HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# Longer than what a careless close would leave unread in the gateway's socket: the answer must survive it.
BEHIND = b"smuggled " * 5000


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


HEADS = {
    "both lengths": (400, POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\nhello"),
    "repeated length": (400, POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    "two lengths": (400, POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    "list of lengths": (400, POST + b"Content-Length: 5, 5\r\n\r\nhello"),
    "plus sign": (400, POST + b"Content-Length: +5\r\n\r\nhello"),
    "minus sign": (400, POST + b"Content-Length: -5\r\n\r\nhello"),
    "hexadecimal length": (400, POST + b"Content-Length: 0x5\r\n\r\nhello"),
    "length beyond 64 bits": (400, POST + b"Content-Length: 18446744073709551621\r\n\r\nhello"),
    "empty length": (400, POST + b"Content-Length:\r\n\r\nhello"),
    "bare LF ends a line": (400, b"GET /bad HTTP/1.1\nHost: gate\r\n\r\n"),
    "bare LF ends the head": (400, b"GET /bad HTTP/1.1\r\n" + HOST + b"\n"),
    "bare CR in a value": (400, b"GET /bad HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n"),
    "obs-fold": (400, b"GET /bad HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n"),
    "fold before any field": (400, b"GET /bad HTTP/1.1\r\n Host: gate\r\n\r\n"),
    "space before the colon": (400, POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "field without a colon": (400, b"GET /bad HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n"),
    "empty field name": (400, b"GET /bad HTTP/1.1\r\n" + HOST + b": x\r\n\r\n"),
    "NUL in a value": (400, b"GET /bad HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n"),
    "control byte in a name": (400, POST + b"\x0bTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "control byte in the target": (400, b"GET /b\x01ad HTTP/1.1\r\n" + HOST + b"\r\n"),
    "raw non-ASCII target": (400, "GET /bäd HTTP/1.1\r\n".encode() + HOST + b"\r\n"),
    "space in the target": (400, b"GET /bad thing HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no target": (400, b"GET HTTP/1.1\r\n" + HOST + b"\r\n"),
    "coding before chunked": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked twice": (501, POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "chunked in two fields": (501, POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n"),
    "unknown coding": (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked in HTTP/1.0": (400, b"POST /bad HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n"),
    "absolute-form of another host": (400, b"GET http://other/bad HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no Host": (400, b"GET /bad HTTP/1.1\r\nX: y\r\n\r\n"),
    "two Hosts": (400, b"GET /bad HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "Host with a path": (400, b"GET /bad HTTP/1.1\r\nHost: gate/x\r\n\r\n"),
    "head of 40 KiB": (431, b"GET /bad HTTP/1.1\r\n" + HOST + (b"X-Pad: " + b"p" * 4000 + b"\r\n") * 10 + b"\r\n"),
    "line of 9 KiB": (431, b"GET /bad HTTP/1.1\r\n" + HOST + b"X: " + b"p" * 9000 + b"\r\n\r\n"),
    "101 fields": (431, b"GET /bad HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 100 + b"\r\n"),
    "target of 9 KiB": (414, b"GET /" + b"p" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/2.0": (505, b"GET /bad HTTP/2.0\r\n" + HOST + b"\r\n"),
    "HTTP/0.9": ((400, 505), b"GET /bad\r\n"),
    "TLS to a plain port": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("name", HEADS)
def test_malformed_head_is_refused_and_nothing_of_it_sent_on(scene: Scene, name: str) -> None:
    api, address = scene
    status, sent = HEADS[name]
    before = len(api.requests)
    with RawClient(address) as client:
        client.sends_what_is_taken(sent + BEHIND)
        time.sleep(0.02)  # a client slower than the gateway: the answer must not be lost to a reset
        said = client.reads_answer()
        rest = client.reads_to_the_end()
    heads = [seen.head for seen in api.requests[before:]]
    problem = json.loads(said.body)
    print(f"{name}: client read {said.status} {problem['reason']} ({problem['detail']}), then {client.ended}; "
          f"upstream saw {heads or 'nothing'}")
    assert said.status in (status if isinstance(status, tuple) else (status,))
    assert said["content-type"] == "application/problem+json"
    assert said["connection"].lower() == "close"
    assert (rest, client.ended) == (b"", "closed")
    assert heads == []


@dataclass(frozen=True)
class Body:
    """`begun` goes out first and reaches the upstream, `bad` a moment later."""

    begun: bytes
    bad: bytes


BODIES = {
    "chunk size is not hexadecimal": Body(b"5\r\nhello\r\n", b"g\r\n"),
    "chunk size is signed": Body(b"5\r\nhello\r\n", b"+5\r\nworld\r\n"),
    "chunk size has a prefix": Body(b"5\r\nhello\r\n", b"0x5\r\nworld\r\n"),
    "chunk size overflows": Body(b"5\r\nhello\r\n", b"fffffffffffffffff\r\nworld\r\n"),
    "chunk size is missing": Body(b"5\r\nhello\r\n", b"\r\nworld\r\n"),
    "space before the chunk size": Body(b"5\r\nhello\r\n", b" 5\r\nworld\r\n"),
    "chunk size ends in a bare LF": Body(b"5\r\nhello\r\n", b"5\nworld\r\n"),
    "chunk is longer than its size": Body(b"5\r\nhello\r\n", b"3\r\nworld\r\n"),
    "chunk ends in a bare LF": Body(b"5\r\nhello", b"\n0\r\n\r\n"),
    "extension is endless": Body(b"5\r\nhello\r\n", b"5;" + b"e" * 20_000),
    "extension has a control byte": Body(b"5\r\nhello\r\n", b"5;a=\x00\r\nworld\r\n"),
    "trailer is malformed": Body(b"5\r\nhello\r\n", b"0\r\nX-Sum : 1\r\n\r\n"),
    "trailer frames": Body(b"5\r\nhello\r\n", b"0\r\nContent-Length: 5\r\n\r\n"),
    "trailer routes": Body(b"5\r\nhello\r\n", b"0\r\nHost: other\r\n\r\n"),
}


@pytest.mark.parametrize("name", BODIES)
def test_malformed_body_is_400_and_aborted_upstream(scene: Scene, name: str) -> None:
    api, address = scene
    body = BODIES[name]
    target = "/body/" + name.replace(" ", "-")
    api.on(target, ReadBody(), Send(answer(200, b"never")))
    with RawClient(address) as client:
        client.sends(f"POST {target} HTTP/1.1\r\n".encode() + HOST + CHUNKED + b"\r\n" + body.begun)
        seen = api.saw(target)
        client.sends_what_is_taken(body.bad + BEHIND)
        time.sleep(0.02)
        said = client.reads_answer("POST")
        rest = client.reads_to_the_end()
    connection = seen.connection
    until(lambda: connection.ended, what="the abort at the upstream")
    print(f"{name}: client read {said.status}, then {client.ended}; "
          f"upstream saw {bytes(seen.body)!r}, then {connection.ended}")
    assert (said.status, said["connection"].lower()) == (400, "close")
    assert (rest, client.ended) == (b"", "closed")
    assert b"\r\n0\r\n" not in connection.received
    assert b"smuggled" not in connection.received


def test_malformed_body_behind_a_begun_answer_ends_both_sides(scene: Scene) -> None:
    api, address = scene
    api.on("/begun", Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n"), ReadBody(), Pause(5))
    with RawClient(address) as client:
        client.sends(b"POST /begun HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n5\r\nhello\r\n")
        client.reads_until(b"begun\r\n")
        client.sends(b"garbage\r\n")
        rest = client.reads_to_the_end()
    connection = api.saw("/begun").connection
    until(lambda: connection.ended, what="the abort at the upstream")
    assert rest == b""
    assert client.ended == "reset"


def test_body_cut_short_by_the_client_is_aborted_upstream(scene: Scene) -> None:
    api, address = scene
    for target, head, begun in (
        ("/short-length", b"Content-Length: 100\r\n", b"hello"),
        ("/short-chunk", CHUNKED, b"5\r\nhello\r\n"),
    ):
        api.on(target, ReadBody(), Send(answer(200, b"never")))
        with RawClient(address) as client:
            client.sends(f"POST {target} HTTP/1.1\r\n".encode() + HOST + head + b"\r\n" + begun)
            connection = api.saw(target).connection
            client.half_closes()
            until(lambda connection=connection: connection.ended, what="the abort at the upstream")
            assert not connection.received.endswith(b"0\r\n\r\n")
            assert _what_came(client) in {"400", "nothing"}


def _what_came(client: RawClient) -> str:
    try:
        return str(client.reads_answer("POST").status)
    except Truncated:
        return "nothing"


def test_good_request_beside_a_refused_one_is_served(scene: Scene) -> None:
    api, address = scene
    api.on("/beside", Send(answer(200, b"ok")))
    with RawClient(address) as good, RawClient(address) as bad:
        bad.sends(HEADS["two Hosts"][1])
        good.sends(request("/beside"))
        assert good.reads_answer().body == b"ok"
        assert bad.reads_answer().status == 400


def test_refusal_of_a_malformed_head_request_has_no_content(scene: Scene) -> None:
    with RawClient(scene[1]) as client:
        client.sends(b"HEAD /bad HTTP/1.1\r\n" + HOST + HOST + b"\r\n")
        assert client.reads_answer("HEAD").status == 400
        assert client.reads_to_the_end() == b""
