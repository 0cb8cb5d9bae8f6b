"""What the upstream and the client learn from header fields: dropped, kept, rewritten, added by the gateway."""
import re
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers.raw_client import Answer, ask
from wire.peers.scripted_upstream import ScriptedUpstream, Seen, Send, answer, upstream

pytestmark = pytest.mark.wire
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Scene = tuple[ScriptedUpstream, str]


def scene(*, trusted: bool = False, **settings: object) -> Iterator[Scene]:
    proxies = ["127.0.0.1/32"] if trusted else ["10.0.0.0/8"]
    with upstream() as api:
        config = gateways.before(api.address, clients={"trusted_proxies": proxies}, **settings)
        with gateways.running(config) as gateway:
            yield api, gateway.address


@pytest.fixture(scope="module")
def edge() -> Iterator[Scene]:
    """Clients speak to this gateway themselves."""
    yield from scene()


@pytest.fixture(scope="module")
def inner() -> Iterator[Scene]:
    """This gateway stands behind a proxy that it trusts."""
    yield from scene(trusted=True)


def sent_on(scene: Scene, target: str, *fields: str, host: str = "gate.example") -> Seen:
    api, address = scene
    api.on(target, Send(answer(200, b"ok")))
    assert ask(address, target, *fields, host=host).status == 200
    return api.saw(target)


def handed_back(scene: Scene, target: str, *fields: str) -> Answer:
    api, address = scene
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 2", *fields])
    api.on(target, Send(f"{head}\r\n\r\nok".encode()))
    return ask(address, target)


def test_fields_of_the_connection_are_not_sent_on(edge: Scene) -> None:
    hop_by_hop = (
        "Connection: close, X-Secret, x-other",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eDp5",
        "Proxy: http://evil.example",
        "TE: gzip",
        "X-Secret: 1",
        "X-Other: 2",
        "X-Kept: 3",
    )
    seen = sent_on(edge, "/hop-by-hop", *hop_by_hop)
    for name in ("keep-alive", "proxy-connection", "proxy-authorization", "proxy", "te", "x-secret", "x-other"):
        assert seen.all(name) == [], name
    assert seen["x-kept"] == "3"
    assert all("secret" not in value.lower() for value in seen.all("connection"))


def test_fields_of_the_upstream_connection_are_not_handed_back(edge: Scene) -> None:
    hop_by_hop = (
        "Connection: x-internal",
        "Keep-Alive: timeout=77",
        "X-Internal: 1",
        "Proxy-Authenticate: Basic",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
    )
    said = handed_back(edge, "/hop-back", *hop_by_hop)
    assert "x-internal" not in said
    assert "proxy-authenticate" not in said
    assert said.all("keep-alive") in ([], ["timeout=60"])
    assert said.all("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("named", ["Host", "Content-Length", "Transfer-Encoding"])
def test_connection_may_not_name_fields_that_frame_or_route(edge: Scene, named: str) -> None:
    api, address = edge
    assert ask(address, "/names-framing", f"Connection: {named}", method="POST", body=b"abc").status == 400
    assert api.seen("/names-framing") == []


def test_host_is_kept(edge: Scene) -> None:
    assert sent_on(edge, "/host", host="Api.Example.com:81")["host"] == "Api.Example.com:81"


def test_host_is_rewritten_when_asked() -> None:
    for rewriting in scene(**{"upstream": {"host": "inner.example"}}):
        seen = sent_on(rewriting, "/rewritten", host="outer.example")
        assert seen["host"] == "inner.example"
        assert seen["x-forwarded-host"] == "outer.example"


def test_client_is_named_to_the_upstream(edge: Scene) -> None:
    seen = sent_on(edge, "/named")
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "gate.example"
    assert re.search(r"for=\"?127\.0\.0\.1", seen["forwarded"])
    assert "proto=http" in seen["forwarded"]
    assert re.search(r"^1\.1 \S+", seen["via"])


def test_claims_of_an_untrusted_client_are_replaced(edge: Scene) -> None:
    claims = (
        "X-Forwarded-For: 6.6.6.6",
        "x-forwarded-for: 7.7.7.7",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: bank.example",
        "Forwarded: for=6.6.6.6;proto=https",
    )
    seen = sent_on(edge, "/claims", *claims)
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "gate.example"
    assert "6.6.6.6" not in seen["forwarded"]


def test_word_of_a_trusted_proxy_is_kept_and_added_to(inner: Scene) -> None:
    words = (
        "X-Forwarded-For: 8.8.4.4, 9.9.9.9",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: shop.example",
        "Forwarded: for=9.9.9.9;proto=https",
    )
    seen = sent_on(inner, "/words", *words)
    assert [part.strip() for part in ",".join(seen.all("x-forwarded-for")).split(",")] == [
        "8.8.4.4",
        "9.9.9.9",
        "127.0.0.1",
    ]
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-host"] == "shop.example"
    forwarded = ",".join(seen.all("forwarded"))
    assert forwarded.startswith("for=9.9.9.9;proto=https")
    assert "127.0.0.1" in forwarded


def test_via_is_added_to_in_both_directions(edge: Scene) -> None:
    via = ",".join(sent_on(edge, "/via", "Via: 1.0 first").all("via"))
    assert re.fullmatch(r"1\.0 first, ?1\.1 \S+", via)
    back = ",".join(handed_back(edge, "/via-back", "Via: 1.1 cache").all("via"))
    assert back.startswith("1.1 cache")


def test_request_id_of_the_client_is_kept(inner: Scene) -> None:
    assert sent_on(inner, "/id-kept", "X-Request-Id: abc-123")["x-request-id"] == "abc-123"


def test_request_id_is_made_where_there_is_none(edge: Scene) -> None:
    first, second = (sent_on(edge, f"/id-made/{turn}")["x-request-id"] for turn in range(2))
    assert len(first) >= 16
    assert first != second


def test_traceparent_is_passed_on(edge: Scene) -> None:
    seen = sent_on(edge, "/trace-kept", f"traceparent: {TRACE}", "tracestate: a=b")
    assert seen["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert seen["tracestate"] == "a=b"


@pytest.mark.parametrize("bad", [(), ("traceparent: garbage",), (f"traceparent: 00-{'0' * 32}-00f067aa0ba902b7-01",)])
def test_trace_is_started_where_there_is_no_valid_one(edge: Scene, bad: tuple[str, ...]) -> None:
    seen = sent_on(edge, f"/trace-new/{len(''.join(bad))}", *bad)
    assert re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]", seen["traceparent"])


def test_order_and_case_of_unknown_fields_are_kept(edge: Scene) -> None:
    seen = sent_on(edge, "/order", "X-B: 1", "x-a: 2", "X-B: 3", "X-Empty:", "X-Odd: \xe4\t\"',;")
    names = [line.split(b":")[0] for line in seen.head.split(b"\r\n") if line.lower().startswith(b"x-")]
    assert [name for name in names if name in {b"X-B", b"x-a", b"X-Empty", b"X-Odd"}] == [
        b"X-B",
        b"x-a",
        b"X-B",
        b"X-Empty",
        b"X-Odd",
    ]
    assert seen["x-odd"] == "\xe4\t\"',;"


def test_heads_just_within_the_limits_pass(edge: Scene) -> None:
    fields = [f"X-Pad-{number}: " + "p" * 300 for number in range(90)]
    assert len(sent_on(edge, "/large-head", *fields).head) > 27_000
    assert len(handed_back(edge, "/large-head-back", *fields).all("x-pad-89")) == 1
    target = "/" + "t" * 8000
    assert sent_on(edge, target).target == target


def test_answer_keeps_its_fields(edge: Scene) -> None:
    said = handed_back(edge, "/kept-back", "Server: thing/1", "X-Odd: \xe4", "ETag: W/\"x\"")
    assert (said["server"], said["x-odd"], said["etag"]) == ("thing/1", "\xc3\xa4", 'W/"x"')
