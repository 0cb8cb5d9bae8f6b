"""The plan as JSON: what is written is read back alike, and nothing else is read."""
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing import plan

SMALL = plan.Plan(
    listeners=(plan.Listener("[::1]:8080", certificates=(plan.Certificate("a.pem", "a.key"),)),),
    upstreams=(plan.Upstream("orders", (plan.Endpoint("127.0.0.1:9001", weight=2),), tls=plan.UpstreamTls()),),
    routes=(
        plan.Route("orders", plan.Match("/orders/**", headers=(("x-beta", "*"),)), upstream="orders"),
        plan.Route("old", plan.Match("/old"), redirect=plan.Redirect("/new")),
        plan.Route("rest", respond=plan.Respond(404, body="nothing here")),
    ),
)


def changed(*path: str | int, to: object) -> str:
    """The JSON of SMALL with another value at this path."""
    tree = json.loads(SMALL.to_json())
    place = tree
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(tree)


@given(st.from_type(plan.Plan))
def test_a_plan_is_read_back_as_it_was_written(made):
    assert plan.from_json(made.to_json()) == made


@given(st.from_type(plan.Plan))
def test_plans_that_are_alike_have_the_same_digest(made):
    assert plan.from_json(made.to_json()).digest == made.digest
    assert replace(made, state_dir=made.state_dir + "x").digest != made.digest


def test_an_unchanged_copy_is_read():
    assert plan.from_json(changed("workers", to=0)) == SMALL


@pytest.mark.parametrize(("path", "to"), [
    (["workers"], "2"), (["workers"], 2.0), (["workers"], True), (["workers"], None),
    (["state_dir"], 7), (["drain"], []), (["drain"], "30s"), (["drain", "timeout"], "30s"),
    (["routes"], {}), (["routes"], "abc"), (["routes", 0], []), (["routes", 0, "match", "path"], None),
    (["routes", 0, "match", "methods"], "GET"), (["routes", 0, "match", "methods"], [1]),
    (["routes", 0, "match", "headers"], [["a", "b", "c"]]), (["routes", 0, "match", "headers"], [["a"]]),
    (["routes", 0, "match", "headers"], ["ab"]), (["listeners", 0, "proxy_protocol"], 1),
    (["upstreams", 0, "tls"], False), (["routes", 1, "redirect"], "/new"),
])
def test_a_value_of_the_wrong_type_is_refused(path, to):
    with pytest.raises((TypeError, ValueError)):
        plan.from_json(changed(*path, to=to))


@pytest.mark.parametrize("path", [
    ["colour"], ["listeners", 0, "adress"], ["routes", 0, "match", "host"], ["routes", 1, "redirect", "code"],
])
def test_an_unknown_key_is_refused(path):
    with pytest.raises(KeyError, match=path[-1]):
        plan.from_json(changed(*path, to=1))


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{}", '{"listeners": [{}]}', '{"listeners": []'])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises((TypeError, ValueError)):
        plan.from_json(text)


def test_a_key_that_an_older_gateway_did_not_know_takes_its_default():
    assert plan.from_json('{"listeners": [{"address": ":80"}]}') == plan.Plan((plan.Listener(":80"),))


def test_no_error_shows_the_value_that_was_wrong():
    with pytest.raises(TypeError, match=r"^expected int, found str$"):
        plan.from_json(changed("workers", to="Bearer 12345"))
