"""What a head becomes on its way through."""
import re

import pytest
from data_path import API, Gateway, answer, get
from http_messages import HOST, message
from hypothesis import given
from hypothesis import strategies as st
from transports import Peer

from gateway.routing import plan as plans

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ADDED = {"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via", "x-request-id",
         "traceparent"}


def sent_up(request: bytes, gateway: Gateway | None = None, address: str = "192.0.2.7") -> list[str]:
    """The lines of the head that the upstream is told."""
    gateway = gateway or Gateway()
    client = gateway.client(address)
    client.says(request)
    told = gateway.connects().hears()
    return told.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def sent_down(reply: bytes, gateway: Gateway | None = None) -> list[str]:
    """The lines of the head that the client is told."""
    gateway = gateway or Gateway()
    client = gateway.client()
    client.says(get())
    gateway.connects().says(reply)
    return client.hears().partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def values(lines: list[str], name: str) -> list[str]:
    return [line.partition(": ")[2] for line in lines[1:] if line.lower().startswith(f"{name.lower()}:")]


def behind_proxy(*fields: str) -> list[str]:
    return sent_up(get("/", *fields), Gateway(trusted=("192.0.2.0/24",)))


# ---- requests

def test_fields_pass_in_order_as_they_came() -> None:
    fields = ("Accept:  text/*;q=.3 ", "x-UPPER-lower: a", "Cookie: a=b; c", "X-Empty:", "x-upper-lower: b", "A: */*")
    lines = sent_up(get("/", *fields))
    kept = [line for line in lines[1:] if line.partition(":")[0].lower() not in ADDED]
    assert kept == list(fields)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True).filter(
    lambda name: name.lower() not in ADDED | {"connection", "keep-alive", "te", "upgrade", "content-length", "expect",
                                              "transfer-encoding", "proxy", "proxy-connection", "trailer"}
    and not name.lower().startswith("proxy-"))
VALUES = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=20), st.data())
def test_what_connection_names_goes_and_all_else_stays(fields: list[tuple[str, str]], data: st.DataObject) -> None:
    named = data.draw(st.sets(st.sampled_from(sorted({name.lower() for name, _ in fields})))) if fields else set()
    lines = sent_up(get("/", *(f"{name}: {value}" for name, value in fields), f"Connection: {', '.join(named)}"
                        if named else "Connection: keep-alive"))
    kept = [line for line in lines[1:] if line.partition(":")[0].lower() not in ADDED]
    assert kept == [f"{name}: {value}" for name, value in fields if name.lower() not in named]


@pytest.mark.parametrize("field", ["Connection: close", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
                                   "TE: gzip", "Proxy: http://evil", "Proxy-Authorization: Basic x",
                                   "Upgrade: websocket"])
def test_fields_of_one_hop_end_here(field: str) -> None:
    assert values(sent_up(get("/", field)), field.partition(":")[0]) == []


def test_trailers_are_announced_again() -> None:
    lines = sent_up(get("/", "TE: trailers, deflate", "Connection: TE"))
    assert values(lines, "te") == ["trailers"]
    assert values(lines, "connection") == ["TE"]


def test_a_client_is_not_believed_where_it_says_it_comes_from() -> None:
    lines = sent_up(get("/", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
                        "Forwarded: for=10.0.0.1"))
    assert values(lines, "x-forwarded-for") == ["192.0.2.7"]
    assert values(lines, "x-forwarded-proto") == ["http"]
    assert values(lines, "x-forwarded-host") == ["example.com"]
    assert values(lines, "forwarded") == ['for=192.0.2.7;proto=http;host="example.com"']


def test_a_trusted_proxy_is_believed_and_added() -> None:
    lines = behind_proxy("X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2", "X-Forwarded-Proto: https",
                         "Forwarded: for=10.0.0.1")
    assert values(lines, "x-forwarded-for") == ["10.0.0.1, 10.0.0.2, 192.0.2.7"]
    assert values(lines, "x-forwarded-proto") == ["https"]
    assert values(lines, "x-forwarded-host") == ["example.com"]
    assert values(lines, "forwarded") == ["for=10.0.0.1, for=192.0.2.7;proto=http"]


def test_an_ipv6_client_is_written_as_forwarded_wants_it() -> None:
    lines = sent_up(get(), address="2001:db8::1")
    assert values(lines, "x-forwarded-for") == ["2001:db8::1"]
    assert values(lines, "forwarded")[0].startswith('for="[2001:db8::1]"')


@pytest.mark.parametrize(("given_", "kept"), [("abc-123", True), ("x" * 128, True), ("x" * 129, False), ("a b", False),
                                              ("", False), ("caf\xe9", False)])
def test_a_sane_request_id_is_kept_and_another_replaced(given_: str, kept: bool) -> None:
    [found] = values(sent_up(get("/", f"X-Request-Id: {given_}")), "x-request-id")
    assert (found == given_) is kept
    assert kept or re.fullmatch("[0-9a-f]{32}", found)


def test_two_request_ids_are_none() -> None:
    [found] = values(sent_up(get("/", "X-Request-Id: a", "X-Request-Id: b")), "x-request-id")
    assert re.fullmatch("[0-9a-f]{32}", found)


@pytest.mark.parametrize(("given_", "kept"), [
    (TRACE, True), (TRACE.replace("00-0", "01-0", 1) + "-more", True), (TRACE + "-more", False), (TRACE[:-1], False),
    (TRACE.upper(), False), (f"ff{TRACE[2:]}", False), (f"00-{'0' * 32}-b7ad6b7169203331-01", False),
    (f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", False), (TRACE.replace("-", "_"), False),
])
def test_a_valid_trace_is_passed_on_and_another_started(given_: str, kept: bool) -> None:
    [found] = values(sent_up(get("/", f"traceparent: {given_}")), "traceparent")
    assert (found == given_) is kept
    assert kept or re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", found)


def test_a_request_without_host_gets_the_endpoints() -> None:
    lines = sent_up(b"GET / HTTP/1.0\r\n\r\n")
    assert values(lines, "host") == ["127.0.0.1:9001"]
    assert values(lines, "x-forwarded-host") == []


def test_the_upstreams_own_host_replaces_the_clients() -> None:
    lines = sent_up(get(), Gateway(upstream=plans.Upstream("api", API.endpoints, host="orders.internal")))
    assert values(lines, "host") == ["orders.internal"]
    assert values(lines, "x-forwarded-host") == ["example.com"]


@pytest.mark.parametrize(("target", "told"), [("http://example.com/a?b", "/a?b"), ("http://example.com", "/"),
                                              ("http://example.com?b", "/?b"), ("/a//b/%41?x?y", "/a//b/%41?x?y")])
def test_the_target_goes_up_in_origin_form_and_otherwise_as_it_came(target: str, told: str) -> None:
    assert sent_up(message(f"GET {target} HTTP/1.1", HOST))[0] == f"GET {told} HTTP/1.1"


def test_lengths_are_written_in_their_plainest_form() -> None:
    lines = sent_up(message("POST / HTTP/1.1", HOST, "Content-Length:  003 ") + b"abc")
    assert values(lines, "content-length") == ["3"]


# ---- what the route changes

EDITED = plans.Route("all", upstream="api",
                     request_headers=plans.HeaderEdits(("Cookie",), (("X-Set", "1"),), (("X-Add", "2"),)),
                     response_headers=plans.HeaderEdits(("Server",), (("X-Set", "3"),), (("X-Add", "4"),)))


def test_a_route_removes_sets_and_adds_request_fields() -> None:
    lines = sent_up(get("/", "cookie: a", "x-set: theirs", "x-add: theirs"), Gateway(EDITED))
    assert values(lines, "cookie") == []
    assert values(lines, "x-set") == ["1"]
    assert values(lines, "x-add") == ["theirs", "2"]


def test_a_route_removes_sets_and_adds_response_fields() -> None:
    lines = sent_down(answer(b"", "server: x", "x-set: theirs", "x-add: theirs"), Gateway(EDITED))
    assert values(lines, "server") == []
    assert values(lines, "x-set") == ["3"]
    assert values(lines, "x-add") == ["theirs", "4"]


@pytest.mark.parametrize(("rewrite", "path", "told"), [
    ("/orders/{id}", "/items/7?q=1", "/orders/7?q=1"),
    ("/orders?id={id}", "/items/7?q=1", "/orders?id=7&q=1"), ("/fixed", "/items/7", "/fixed"),
])
def test_a_path_is_rewritten_with_what_the_pattern_found(rewrite: str, path: str, told: str) -> None:
    gateway = Gateway(plans.Route("all", plans.Match("/items/{id}"), upstream="api", rewrite=rewrite))
    assert sent_up(get(path), gateway)[0] == f"GET {told} HTTP/1.1"


# ---- answers

def test_answers_lose_their_hop_and_keep_the_rest() -> None:
    lines = sent_down(answer(b"", "Connection: X-Private", "X-Private: 1", "Keep-Alive: timeout=9", "Set-Cookie: a=1",
                             "Set-Cookie: b=2", "ETag: \"x\"", status="299 Quite Odd"))
    assert lines[0] == "HTTP/1.1 299 Quite Odd"
    assert lines[1:] == ["Content-Length: 0", "Set-Cookie: a=1", "Set-Cookie: b=2", 'ETag: "x"', "Via: 1.1 gateway"]


def test_a_204_has_no_length() -> None:
    assert values(sent_down(message("HTTP/1.1 204 No Content", "Content-Length: 0")), "content-length") == []


def test_a_large_answer_goes_out_whole_behind_its_head() -> None:
    for size in (16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000):
        gateway = Gateway()
        client: Peer = gateway.client()
        client.says(get())
        gateway.connects().says(answer(b"x" * size))
        assert client.hears().partition(b"\r\n\r\n")[2] == b"x" * size
