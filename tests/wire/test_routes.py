"""Routes over the wire: which one is taken, and what it does to the request and the answer."""
import json
from collections.abc import Iterator
from typing import Any

import pytest
from wire import gateways
from wire.peers.raw_client import RawClient, ask, request
from wire.peers.scripted_upstream import ReadBody, ScriptedUpstream, Send, Silence, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, str]


def respond(name: str, **match: Any) -> dict[str, Any]:
    return {"name": name, "match": match, "respond": {"status": 200, "body": name}}


ROUTES = [
    respond("any-orders", path="/orders/**"),
    respond("one-order", path="/orders/{id}"),
    respond("the-order", path="/orders/1"),
    respond("deep-orders", path="/orders/deep/**"),
    respond("host", host="api.example.com", path="/orders/**"),
    respond("suffix", host="*.example.com", path="/orders/**"),
    respond("beta", path="/orders/**", headers={"x-beta": "1"}),
    respond("reads", path="/things", methods=["GET"]),
    respond("writes", path="/things", methods=["POST", "PUT"]),
    respond("ping", path="/ping"),
    {
        "name": "teapot",
        "match": {"path": "/teapot"},
        "respond": {"status": 418, "headers": {"content-type": "text/plain", "x-pot": "tea"}, "body": "short"},
    },
    {"name": "old", "match": {"path": "/old/**"}, "redirect": {"to": "https://example.com/new/**", "status": 301}},
    {"name": "user", "match": {"path": "/u/{id}/p/{page}"}, "redirect": {"to": "/users/{id}?page={page}"}},
    {"name": "rewritten", "match": {"path": "/v1/**"}, "upstream": "api", "rewrite": "/v2/inner/**"},
    {"name": "captured", "match": {"path": "/item/{id}"}, "upstream": "api", "rewrite": "/items/{id}/show"},
    {"name": "small", "match": {"path": "/small"}, "upstream": "api", "body": {"max": "1KiB"}},
    {
        "name": "edited",
        "match": {"path": "/edited/**"},
        "upstream": "api",
        "request_headers": {"remove": ["x-debug"], "set": {"x-team": "orders"}, "add": {"x-via": "edge"}},
        "response_headers": {"remove": ["server"], "set": {"x-frame-options": "DENY"}, "add": {"x-seen": "edge"}},
    },
]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address, routes=ROUTES)) as gateway:
        yield api, gateway.address


@pytest.mark.parametrize(
    ("route", "target", "host", "fields"),
    [
        ("the-order", "/orders/1", "other", ()),
        ("the-order", "/orders/1?x=/orders/2", "other", ()),
        ("one-order", "/orders/2", "other", ()),
        ("any-orders", "/orders/2/lines", "other", ()),
        ("deep-orders", "/orders/deep/2/lines", "other", ()),
        ("host", "/orders/2/lines", "api.example.com", ()),
        ("host", "/orders/2/lines", "API.example.com:8080", ()),
        ("suffix", "/orders/2/lines", "www.example.com", ()),
        ("any-orders", "/orders/2/lines", "example.com", ()),
        ("beta", "/orders/2/lines", "other", ("X-Beta: 1",)),
        ("any-orders", "/orders/2/lines", "other", ("X-Beta: 2",)),
    ],
)
def test_most_specific_route_is_taken(
    scene: Scene, route: str, target: str, host: str, fields: tuple[str, ...]
) -> None:
    said = ask(scene[1], target, *fields, host=host)
    assert (said.status, said.body.decode()) == (200, route)


def test_methods_choose_between_routes_of_one_path(scene: Scene) -> None:
    assert ask(scene[1], "/things").body == b"reads"
    assert ask(scene[1], "/things", method="PUT", body=b"x").body == b"writes"


def test_wrong_method_is_405_and_says_which_would_do(scene: Scene) -> None:
    said = ask(scene[1], "/things", method="DELETE")
    assert (said.status, json.loads(said.body)["reason"]) == (405, "method_not_allowed")
    assert {"GET", "POST", "PUT"} <= set(said["allow"].replace(" ", "").split(","))


def test_unknown_path_is_404_as_a_problem(scene: Scene) -> None:
    said = ask(scene[1], "/nowhere")
    problem = json.loads(said.body)
    assert (said.status, said["content-type"]) == (404, "application/problem+json")
    assert (problem["status"], problem["reason"]) == (404, "no_route")


def test_answers_of_the_gateway_leave_the_connection_open(scene: Scene) -> None:
    with RawClient(scene[1]) as client:
        client.sends(request("/nowhere") + request("/teapot") + request("/old/x") + request("/ping"))
        assert [client.reads_answer().status for _ in range(4)] == [404, 418, 301, 200]


def test_answers_of_the_gateway_to_head_have_no_body(scene: Scene) -> None:
    with RawClient(scene[1]) as client:
        client.sends((request("/nowhere", method="HEAD") + request("/teapot", method="HEAD")) * 2)
        assert [client.reads_answer("HEAD").status for _ in range(4)] == [404, 418, 404, 418]


def test_body_sent_to_an_answer_of_the_gateway_is_read_away(scene: Scene) -> None:
    with RawClient(scene[1]) as client:
        client.sends(request("/ping", method="POST", body=b"x" * 10_000) + request("/ping"))
        assert [client.reads_answer().body for _ in range(2)] == [b"ping"] * 2


def test_direct_response_has_its_status_fields_and_body(scene: Scene) -> None:
    said = ask(scene[1], "/teapot")
    assert (said.status, said["x-pot"], said["content-type"], said.body) == (418, "tea", "text/plain", b"short")


@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("/old/a/b?q=1", 301, "https://example.com/new/a/b?q=1"),
        ("/old/", 301, "https://example.com/new/"),
        ("/u/7/p/2", 308, "/users/7?page=2"),
    ],
)
def test_redirect_fills_its_template(scene: Scene, target: str, status: int, location: str) -> None:
    said = ask(scene[1], target)
    assert (said.status, said["location"]) == (status, location)


@pytest.mark.parametrize(
    ("target", "sent"), [("/v1/a%20b/c?q=1", "/v2/inner/a%20b/c?q=1"), ("/item/42?x", "/items/42/show?x")]
)
def test_path_is_rewritten_and_the_query_kept(scene: Scene, target: str, sent: str) -> None:
    api, address = scene
    api.on(sent, Send(answer(200, b"ok")))
    assert ask(address, target).body == b"ok"
    assert api.saw(sent).target == sent


def test_request_fields_are_removed_set_and_added(scene: Scene) -> None:
    api, address = scene
    api.on("/edited/up", Send(answer(200)))
    ask(address, "/edited/up", "X-Debug: 1", "x-debug: 2", "X-Team: a", "X-TEAM: b", "X-Via: home")
    seen = api.saw("/edited/up")
    assert seen.all("x-debug") == []
    assert seen.all("x-team") == ["orders"]
    assert seen.all("x-via") == ["home", "edge"]


def test_answer_fields_are_removed_set_and_added(scene: Scene) -> None:
    api, address = scene
    api.on("/edited/down", Send(answer(200, b"", server="x", x_frame_options="ALLOW", x_seen="home")))
    said = ask(address, "/edited/down")
    assert "server" not in said
    assert said.all("x-frame-options") == ["DENY"]
    assert said.all("x-seen") == ["home", "edge"]


def test_body_up_to_the_routes_limit_passes(scene: Scene) -> None:
    api, address = scene
    api.on("/small", ReadBody(), Send(answer(200, b"ok")))
    assert ask(address, "/small", method="POST", body=b"x" * 1024).status == 200


def test_body_over_the_routes_limit_is_413_and_not_sent_on(scene: Scene) -> None:
    api, address = scene
    before = len(api.requests)
    said = ask(address, "/small", method="POST", body=b"x" * 1025)
    assert (said.status, json.loads(said.body)["reason"]) == (413, "body_too_large")
    assert len(api.requests) == before


def test_chunked_body_over_the_routes_limit_is_413_and_aborted_upstream(scene: Scene) -> None:
    api, address = scene
    api.on("/small", ReadBody(), Silence())
    before = len(api.requests)
    with RawClient(address) as client:
        client.sends(b"POST /small HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sends(b"200\r\n" + b"x" * 512 + b"\r\n")
        client.sends(b"201\r\n" + b"x" * 513 + b"\r\n0\r\n\r\n")
        assert client.reads_answer("POST").status == 413
    assert all(b"0\r\n\r\n" not in seen.body for seen in api.requests[before:])
