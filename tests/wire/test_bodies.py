"""Bodies of every framing, both ways, byte for byte."""
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from wire import gateways
from wire.peers.raw_client import Answer, RawClient, Truncated, ask, exchange, request
from wire.peers.scripted_upstream import Close, Read, ReadBody, Reset, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
OK = answer(200, b"ok")


@dataclass
class Scene:
    api: ScriptedUpstream
    gateway: gateways.Running

    def ask(self, target: str, *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
        return ask(self.gateway.address, target, *fields, method=method, body=body)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield Scene(api, gateway)


def test_body_with_content_length_goes_both_ways(scene: Scene) -> None:
    sent = bytes(range(256)) * 1000
    scene.api.on("/length", Read(len(sent)), Send(answer(200, sent[::-1], content_type="application/x-test")))
    said = scene.ask("/length", method="POST", body=sent)
    seen = scene.api.saw("/length")
    assert bytes(seen.body) == sent
    assert seen["content-length"] == str(len(sent))
    assert (said.status, said.body, said["content-type"]) == (200, sent[::-1], "application/x-test")


def test_chunked_request_with_trailers_reaches_the_upstream_as_sent(scene: Scene) -> None:
    scene.api.on("/chunks-up", ReadBody(), Send(OK))
    with RawClient(scene.gateway.address) as client:
        client.sends(
            b"PUT /chunks-up HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"5\r\nhello\r\n6;note=x\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n"
        )
        assert client.reads_answer().body == b"ok"
    seen = scene.api.saw("/chunks-up")
    assert seen["transfer-encoding"] == "chunked"
    assert seen.all("content-length") == []
    assert seen.data == b"hello world"
    assert seen.body.endswith(b"\r\n0\r\nX-Sum: 42\r\n\r\n")


def test_chunked_answer_with_trailers_reaches_the_client(scene: Scene) -> None:
    scene.api.on(
        "/chunks-down",
        Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhel"),
        Send(b"lo\r\n1\r\n!\r\n0\r\nX-Sum: 7\r\n\r\n"),
    )
    said = scene.ask("/chunks-down", "TE: trailers")
    assert said.body == b"hello!"
    assert ("x-sum", "7") in said.trailers


def test_chunk_cut_anywhere_by_the_network_arrives_whole(scene: Scene) -> None:
    raw = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
    scene.api.on(
        "/cut",
        Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        *(Send(raw[at : at + 1]) for at in range(len(raw))),
    )
    assert scene.ask("/cut").body == b"abc0123456789"


def test_answer_that_lasts_until_close_arrives_whole_and_framed(scene: Scene) -> None:
    body = b"until the end " * 20_000
    scene.api.on("/until-close", Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body), Close())
    said = scene.ask("/until-close")
    assert said.body == body


def test_answer_of_an_old_upstream_arrives_as_ours(scene: Scene) -> None:
    scene.api.on("/old-upstream", Send(b"HTTP/1.0 200 OK\r\n\r\nold"), Close())
    said = scene.ask("/old-upstream")
    assert (said.version, said.body) == ("1.1", b"old")


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_answer_to_head_keeps_its_fields_and_has_no_body(scene: Scene, framing: str) -> None:
    target = f"/head-{framing[:3]}"
    scene.api.on(target, Send(f"HTTP/1.1 200 OK\r\n{framing}\r\nETag: x\r\n\r\n".encode()))
    with RawClient(scene.gateway.address) as client:
        for _ in range(2):
            client.sends(request(target, method="HEAD"))
            said = client.reads_answer("HEAD")
            assert (said.status, said.body, said["etag"]) == (200, b"", "x")
    if framing.startswith("Content-Length"):
        assert said["content-length"] == "1000"


@pytest.mark.parametrize("status", [204, 304])
def test_answer_without_body_leaves_the_connection_usable(scene: Scene, status: int) -> None:
    scene.api.on(f"/none-{status}", Send(f"HTTP/1.1 {status} Nothing\r\nETag: y\r\n\r\n".encode()))
    with RawClient(scene.gateway.address) as client:
        for _ in range(2):
            client.sends(request(f"/none-{status}"))
            said = client.reads_answer()
            assert (said.status, said.body, said["etag"]) == (status, b"", "y")


def test_304_may_name_the_length_it_would_have_had(scene: Scene) -> None:
    scene.api.on("/304-length", Send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n"))
    with RawClient(scene.gateway.address) as client:
        client.sends(request("/304-length") * 2)
        assert [client.reads_answer().status for _ in range(2)] == [304, 304]


def test_empty_bodies_both_ways(scene: Scene) -> None:
    scene.api.on("/empty", ReadBody(), Send(answer(200)))
    with RawClient(scene.gateway.address) as client:
        client.sends(b"POST /empty HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        said = client.reads_answer()
    assert (said.status, said["content-length"], said.body) == (200, "0", b"")


def test_one_connection_carries_many_requests_of_every_framing(scene: Scene) -> None:
    scene.api.on("/many-length", Read(3), Send(OK))
    scene.api.on("/many-chunks", ReadBody(), Send(OK))
    scene.api.on("/many-plain", Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
    chunked = b"POST /many-chunks HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with RawClient(scene.gateway.address) as client:
        for _ in range(10):
            for sent in (request("/many-length", method="POST", body=b"abc"), chunked, request("/many-plain")):
                client.sends(sent)
                assert client.reads_answer().body == b"ok"
    assert [seen.data for seen in scene.api.seen("/many-chunks")] == [b"abc"] * 10


def test_connection_close_of_the_client_is_obeyed(scene: Scene) -> None:
    scene.api.on("/close-me", Send(answer(200, b"bye")))
    raw = exchange(scene.gateway.address, request("/close-me", "Connection: close"))
    assert raw.endswith(b"\r\n\r\nbye")
    assert re.search(rb"\r\nconnection: close\r\n", raw, re.IGNORECASE)


@pytest.mark.parametrize("ending", [Close(), Reset()], ids=["closed", "reset"])
@pytest.mark.parametrize(
    ("framing", "begun"),
    [("Content-Length: 100", b"only this"), ("Transfer-Encoding: chunked", b"9\r\nonly this\r\n")],
    ids=["length", "chunked"],
)
def test_answer_cut_short_is_never_completed(
    scene: Scene, framing: str, begun: bytes, ending: Close | Reset, request: pytest.FixtureRequest
) -> None:
    target = f"/cut-short/{request.node.callspec.id}"
    scene.api.on(target, Send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + begun), ending)
    with pytest.raises(Truncated) as cut:
        scene.ask(target)
    assert cut.value.by == "reset"
