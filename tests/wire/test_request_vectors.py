"""Other people's dangerous requests (http-desync-guardian's vectors) by raw socket through the gateway.

Severe and Ambiguous: 4xx or 501, the connection closed, nothing of them seen upstream. Those that pass after all are
a GET or HEAD with one Content-Length or `Transfer-Encoding: chunked`: valid by RFC 9112 section 6 ("Request message
framing is independent of method semantics"), framed one way only, and sent on so that the upstream frames it the same.
Compliant: passes, but for a Transfer-Encoding other than a single `chunked` (501) and raw non-ASCII targets (400).
"""
from collections import Counter
from collections.abc import Iterator

import pytest
from http_vectors import Vector, read_vectors
from wire import gateways
from wire.peers.raw_client import RawClient, request
from wire.peers.scripted_upstream import ReadBody, ScriptedUpstream, Seen, Send, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, str]
BODY_ON_GET = {"UndefinedContentLengthSemantics", "UndefinedTransferEncodingSemantics"}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


def of_tier(*tiers: str) -> list[Vector]:
    return [vector for vector in read_vectors() if vector.tier in tiers]


def may_carry_a_body(vector: Vector) -> bool:
    return vector.tier == "Ambiguous" and vector.reason in BODY_ON_GET and vector.method in {"GET", "HEAD"}


def status_and_sight(scene: Scene, vector: Vector) -> tuple[int, list[Seen]]:
    """The answer's status, and what the upstream saw of the vector."""
    api, address = scene
    api.forget_everything()
    api.on(vector.uri or "/", ReadBody(), Send(answer(200)))
    with RawClient(address) as client:
        client.sends_what_is_taken(vector.head + vector.body)
        said = client.reads_answer("HEAD" if vector.method == "HEAD" else "GET")
        if said.status >= 400:
            assert client.reads_to_the_end() == b""
            assert client.ended == "closed", vector
    return said.status, api.requests


def test_severe_and_ambiguous_requests_are_refused_and_not_seen_upstream(scene: Scene) -> None:
    statuses = Counter()
    for vector in of_tier("Severe", "Ambiguous"):
        status, seen = status_and_sight(scene, vector)
        statuses[status] += 1
        if status == 200:
            assert may_carry_a_body(vector), vector
            assert_framed_the_same(vector, seen)
        else:
            assert 400 <= status < 500 or status in {501, 505}, vector
            assert seen == [], vector
    print("severe and ambiguous:", dict(statuses))
    assert (sum(statuses.values()), statuses[200]) == (115, 6)


def assert_framed_the_same(vector: Vector, seen: list[Seen]) -> None:
    assert [bytes(each.body) for each in seen] == [vector.body], vector
    assert [len(each.all("content-length") + each.all("transfer-encoding")) for each in seen] == [1], vector


def test_compliant_requests_pass_but_for_other_codings_and_raw_non_ascii(scene: Scene) -> None:
    statuses = Counter()
    for vector in of_tier("Compliant"):
        status, seen = status_and_sight(scene, vector)
        assert status == expected_status(vector), vector
        assert len(seen) == (status == 200), vector
        assert [bytes(each.body) for each in seen] == [vector.body] * (status == 200), vector
        statuses[status] += 1
    print("compliant:", dict(statuses))
    assert statuses[200] > statuses[501] + statuses[400]


def expected_status(vector: Vector) -> int:
    if not vector.uri.isascii():
        return 400
    codings = [value.strip().lower() for name, value in vector.fields if name.lower() == "transfer-encoding"]
    return 200 if codings in ([], ["chunked"]) else 501


def test_acceptable_requests_are_answered_and_never_half_sent(scene: Scene) -> None:
    """A guardian may let them pass; we hold them to the RFC: passed whole, or refused and not seen."""
    for vector in of_tier("Acceptable"):
        status, seen = status_and_sight(scene, vector)
        assert (status == 200) == (len(seen) == 1), vector


def test_gateway_is_sound_after_all_of_them(scene: Scene) -> None:
    api, address = scene
    api.forget_everything()
    api.on("/after", Send(answer(200, b"ok")))
    for vector in read_vectors():
        with RawClient(address) as client:
            client.sends_what_is_taken(vector.head)
    with RawClient(address) as client:
        client.sends(request("/after"))
        assert client.reads_answer().body == b"ok"
