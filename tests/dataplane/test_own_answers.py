"""Answers that the gateway gives itself: health, redirects, fixed answers and refusals."""
import json

import pytest
from data_path import API, Gateway, get, post
from http_messages import HOST, message

from gateway.model.errors import REFUSALS
from gateway.routing import plan as plans

HEALTHY = plans.Listener("127.0.0.1:8080", health="/healthz")


def heard(request: bytes, *routes: plans.Route, **more: object) -> tuple[int, dict[str, str], bytes]:
    """(status, fields, content) of the answer to `request`, for which no upstream is asked."""
    gateway = Gateway(*routes, **more)              # type: ignore[arg-type]
    client = gateway.client()
    client.says(request)
    assert not gateway.waiting
    assert gateway.is_at_rest
    head, _, content = client.hears().partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), content


def test_a_worker_that_serves_is_healthy() -> None:
    status, fields, content = heard(get("/healthz"), listener=HEALTHY)
    assert (status, content) == (200, b"ok\n")
    assert fields["Content-Length"] == "3"


def test_a_worker_that_drains_is_not() -> None:
    gateway = Gateway(listener=HEALTHY)
    client = gateway.client()
    gateway.plane.draining = True
    client.says(get("/healthz"))
    assert client.hears().startswith(b"HTTP/1.1 503 ")
    assert client.heard_the_end


def test_health_may_be_asked_for_without_content() -> None:
    status, fields, content = heard(message("HEAD /healthz HTTP/1.1", HOST), listener=HEALTHY)
    assert (status, fields["Content-Length"], content) == (200, "3", b"")


@pytest.mark.parametrize("request_", [post("/healthz"), get("/healthz/"), get("/healthz2")])
def test_everything_else_is_not_health(request_: bytes) -> None:
    assert heard(request_, plans.Route("one", plans.Match("/one"), upstream="api"), listener=HEALTHY)[0] == 404


def test_a_route_may_answer_itself() -> None:
    rest = plans.Respond(503, (("Content-Type", "application/json"),), '{"error": "resting"}')
    edits = plans.HeaderEdits(add=(("X-Why", "rest"),))
    status, fields, content = heard(get(), plans.Route("all", respond=rest, response_headers=edits))
    assert (status, content) == (503, b'{"error": "resting"}')
    assert fields["Content-Type"] == "application/json"
    assert fields["X-Why"] == "rest"


def test_a_head_request_gets_the_length_and_no_content() -> None:
    greeting = plans.Route("all", respond=plans.Respond(200, (), "hello"))
    status, fields, content = heard(message("HEAD / HTTP/1.1", HOST), greeting)
    assert (status, fields["Content-Length"], content) == (200, "5", b"")


def test_an_answer_that_can_have_no_content_has_none() -> None:
    _, fields, content = heard(get(), plans.Route("all", respond=plans.Respond(204)))
    assert "Content-Length" not in fields
    assert content == b""


def test_a_redirect_keeps_what_was_found_and_the_query() -> None:
    to = plans.Redirect("https://new.example/{id}", 301)
    status, fields, _ = heard(get("/items/7?q=1"), plans.Route("all", plans.Match("/items/{id}"), redirect=to))
    assert (status, fields["Location"]) == (301, "https://new.example/7?q=1")


def test_an_answer_before_the_body_came_closes_the_connection() -> None:
    begun = message("POST / HTTP/1.1", HOST, "Content-Length: 5")
    _, fields, _ = heard(begun, plans.Route("all", respond=plans.Respond()))
    assert fields["Connection"] == "close"


def test_a_refusal_says_what_why_and_what_to_do() -> None:
    status, fields, content = heard(get("/two"), plans.Route("one", plans.Match("/one"), upstream="api"))
    told = json.loads(content)
    assert fields["Content-Type"] == "application/problem+json"
    assert fields["Content-Length"] == str(len(content))
    assert (status, told["status"], told["reason"]) == (404, 404, "no_route")
    assert told["detail"] == "No route matches this host and path."


def test_a_refusal_behind_an_upstream_names_the_request() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    upstream = gateway.connects()
    request_id = next(line for line in upstream.hears().split(b"\r\n") if line.startswith(b"X-Request-Id: "))
    upstream.vanishes()
    head, _, content = client.hears().partition(b"\r\n\r\n")
    assert request_id in head.split(b"\r\n")
    assert json.loads(content)["request_id"].encode() in request_id


def test_a_refusal_gives_no_other_id_than_the_upstream_was_told() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get("/", "X-Request-Id: theirs"))
    upstream = gateway.connects()
    assert b"X-Request-Id: theirs\r\n" in upstream.hears()
    upstream.vanishes()
    assert b"X-Request-Id" not in client.hears()


def test_what_may_be_tried_again_says_when() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    gateway.fails_to_connect("no_endpoint")
    assert b"\r\nRetry-After: 1\r\n" in client.hears()


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_nothing_takes_are_told_which_would_do(method: str) -> None:
    target = "example.com:443" if method == "CONNECT" else "/"
    status, fields, _ = heard(message(f"{method} {target} HTTP/1.1", HOST))
    assert (status, fields["Connection"]) == (405, "close")
    assert fields["Allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"


@pytest.mark.parametrize(("request_", "status"), [
    (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/2.0\r\n\r\n", 505), (get("/", "X: y" + "z" * 9000), 431),
    (get("/" + "x" * 9000), 414), (get("/", *["X: y"] * 101), 431),
    (message("POST / HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked"), 501),
    (message("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Content-Length: 1"), 400),
])
def test_what_is_ambiguous_or_too_much_is_refused_and_ends_the_connection(request_: bytes, status: int) -> None:
    found, fields, _ = heard(request_)
    assert (found, fields["Connection"]) == (status, "close")


def test_every_refusal_can_be_told() -> None:
    for each in REFUSALS:
        gateway = Gateway(upstream=API)
        client = gateway.client()
        client.says(get())
        gateway.fails_to_connect(each.reason)
        assert client.hears().startswith(b"HTTP/1.1 %d %s\r\n" % (each.status, each.title.encode()))
        assert gateway.refused() == {each.reason: 1}


def test_each_refusal_names_its_own_request_and_is_otherwise_said_alike() -> None:
    gateway = Gateway(plans.Route("one", plans.Match("/one"), upstream="api"))
    client = gateway.client()
    for path in ("/first", "/other"):
        client.says(get(path))
    first, other = [json.loads(each.partition("\r\n\r\n")[2].partition("}")[0] + "}")
                    for each in client.hears().decode().split("HTTP/1.1 404 Not Found\r\n")[1:]]
    assert len(first["request_id"]) == len(other["request_id"]) == 32
    assert first.pop("request_id") != other.pop("request_id")
    assert first == other


def test_a_client_that_brings_an_id_is_told_no_other() -> None:
    gateway = Gateway(plans.Route("one", plans.Match("/one"), upstream="api"))
    client = gateway.client()
    client.says(get("/none", "X-Request-Id: mine"))
    assert b"request_id" not in client.hears()
