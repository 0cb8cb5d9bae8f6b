"""The safeguards' sections: read, checked and compiled, whether or not the loader accepts their keys yet."""

from pathlib import Path
from typing import Any

import config_text
import pytest
from pydantic import ValidationError

from gateway.config import checks, compile_safeguards, files, pending, safeguards
from gateway.config import compile as compiling
from gateway.config.faults import Parts
from gateway.dataplane.settings import UpstreamSettings
from gateway.mitigate.settings import FallbackSettings
from gateway.model.scalar import Scalar
from gateway.routing import plan
from gateway.routing.settings import RouteSettings

SECOND = plan.SECOND
Upstream = safeguards.with_safeguards(UpstreamSettings, safeguards.UPSTREAM, safeguards.OF_UPSTREAM, {})
Route = safeguards.with_safeguards(RouteSettings, safeguards.ROUTE, safeguards.OF_ROUTE, {})

SHARES = 10_000


def upstream(**sections: Any) -> plan.Upstream:
    return compiling.upstream("u", Upstream.model_validate({"endpoints": ["a:1"], **sections}))


def route(**sections: Any) -> plan.Route:
    return compiling.route(Route.model_validate({"name": "r", "upstream": "orders", **sections}))


def refusal(model: Any, **data: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return str(caught.value.errors()[0]["msg"])


def test_what_is_left_out_is_off() -> None:
    assert upstream() == plan.Upstream("u", (plan.Endpoint("a:1"),))
    assert route() == plan.Route("r", upstream="orders")
    modes = {upstream().eject.mode, upstream().breaker.mode, upstream().retry.mode, upstream().concurrency.mode}
    assert modes == {"off"}


def test_an_empty_section_is_on_with_the_defaults_of_the_plan() -> None:
    made = upstream(eject={}, breaker={}, health={"path": "/healthz"}, retry={})
    assert made.eject == plan.Eject(mode="enforce")
    assert made.breaker == plan.Breaker(mode="enforce")
    assert made.health == plan.Health("/healthz", mode="enforce")
    assert made.retry == plan.Retry(attempts=2, mode="enforce")


def test_every_setting_of_an_upstream_arrives() -> None:
    made = upstream(
        health={"path": "/h", "every": "2s", "timeout": "500ms", "rise": 1, "fall": 4, "mode": "shadow"},
        eject={"consecutive_failures": 7, "window": "20s", "min_requests": 30, "failures": "60%", "for": "1m",
               "at_most": "40%", "slow_start": "off", "mode": "shadow"},
        breaker={"window": "5s", "min_requests": 50, "failures": "30%", "slow": {"over": "1s", "share": "90%"},
                 "mode": "off"},
        concurrency={"limit": 200, "mode": "shadow"},
        retry={"attempts": 3, "budget": "10%", "per_try": "1s", "max_body": "1KiB", "mode": "shadow"},
    )
    assert made.health == plan.Health("/h", 2 * SECOND, SECOND // 2, 1, 4, "shadow")
    assert made.eject == plan.Eject(7, 20 * SECOND, 30, 60 * SHARES, 60 * SECOND, 40 * SHARES, 0, "shadow")
    assert made.breaker == plan.Breaker(5 * SECOND, 50, 30 * SHARES, SECOND, 90 * SHARES, "off")
    assert made.concurrency == plan.Concurrency(200, mode="shadow")
    assert made.retry == plan.Retry(3, 10 * SHARES, SECOND, 1024, "shadow")


def test_every_setting_of_a_route_arrives() -> None:
    made = route(
        limits=[{"name": "per-client", "key": "client", "rate": "50/s", "burst": 100},
                {"name": "tenant", "key": "header:X-Tenant", "rate": "600/m", "mode": "shadow"}],
        concurrency={"limit": 5},
        priority="low",
        fallback=[{"stale": {"for": "5m"}}, {"upstream": "replica", "on": ["open"]},
                  {"redirect": {"to": "/sorry"}, "on": ["isolated"], "mode": "shadow"},
                  {"respond": {"json": {"error": "orders are resting"}}}],
    )
    assert made.limits == (plan.Limit("per-client", "client", 50, SECOND, 100, "enforce"),
                           plan.Limit("tenant", "header:x-tenant", 600, 60 * SECOND, 10, "shadow"))
    assert (made.concurrency, made.priority) == (plan.Concurrency(5, mode="enforce"), 4)
    assert made.fallback == (
        plan.Fallback("stale", stale_for=300 * SECOND),
        plan.Fallback("upstream", on=("open",), upstream="replica"),
        plan.Fallback("redirect", on=("isolated",), to="/sorry", status=307, mode="shadow"),
        plan.Fallback("respond", headers=(("content-type", "application/json"),),
                      body='{"error":"orders are resting"}'),
    )
    assert plan.from_json(plan.Plan((), routes=(made,)).to_json()).routes == (made,)


@pytest.mark.parametrize(("limit", "text"), [
    ({"rate": "0/s"}, "at least 1"), ({"rate": "50"}, "per what"), ({"rate": "2000000000/s"}, "at most a thousand"),
    ({"burst": Scalar("0", 0)}, "must be 1 to"), ({"burst": Scalar("-1", -1)}, "must be 1 to"),
    ({"key": "clients"}, "did you mean client?"), ({"key": "header:a b"}, "not a header name"),
    ({"mode": "dry"}, "must be one of off, shadow, enforce"),
])  # fmt: skip
def test_a_limit_that_cannot_be_kept_is_refused(limit: dict[str, Any], text: str) -> None:
    assert text in refusal(Route, name="r", limits=[{"name": "x", "rate": "50/s", **limit}])


@pytest.mark.parametrize(("section", "data", "text"), [
    ("health", {}, "Field required"),
    ("health", {"path": "/h", "timeout": "10s"}, "timeout is longer than every"),
    ("breaker", {"failures": "0%"}, "must be 0.0001% to 100%"),
    ("breaker", {"failures": "120%"}, "more than the whole"),
    ("breaker", {"min_requests": 0}, "must be 1 to"),
    ("breaker", {"window": "2m"}, "must be 1s to 1m"),
    ("eject", {"at_most": 50}, "must be a text"),
    ("retry", {"attempts": 6}, "must be 1 to 5"),
    ("concurrency", {"limit": 0}, "must be 1 to"),
])  # fmt: skip
def test_a_section_that_makes_no_sense_is_refused(section: str, data: dict[str, Any], text: str) -> None:
    assert text in refusal(Upstream, endpoints=["a:1"], **{section: data})


@pytest.mark.parametrize(("step", "text"), [
    ({}, "nothing is given"), ({"stale": {}, "upstream": "b"}, "stale and upstream is given"),
    ({"stale": {}, "on": []}, "at least one cause"), ({"stale": {}, "on": ["open", "open"]}, "each once"),
    ({"stale": {}, "on": ["opened"]}, "did you mean open?"),
    ({"respond": {"body": "a", "file": "b"}}, "file and another body"),
    ({"redirect": {"to": "/x", "status": 308}}, "one of 302, 303, 307"),
])  # fmt: skip
def test_a_fallback_that_is_not_one_thing_is_refused(step: dict[str, Any], text: str) -> None:
    assert text in refusal(FallbackSettings, **step)


def problems(folder: Path, keys: str) -> list[str]:
    """What the checks say of a route with these keys, below the loader's refusal of pending ones."""
    text = config_text.route(f"upstream: orders\n{keys}")
    text = text.replace("orders: {", "replica: {endpoints: [a:1]}, orders: {")
    root, _ = files.read(config_text.written(folder, text))
    data: Any = checks.tree.plain(root)
    config = checks.Config(root, Parts(routes={0: Route.model_validate(data["routes"][0])}))
    return [str(each).partition("gateway.yaml:")[2] for each in checks.route_safeguards(config)]


@pytest.mark.parametrize(("keys", "expected"), [
    ("limits: [{name: a, rate: 1/s}, {name: b, rate: 1/s}]", []),
    ("limits: [{name: a, rate: 1/s}, {name: a, rate: 2/s}]",
     ["7:43: routes.r.limits.a.name: a is already a limit of this route; choose another name"]),
    ("fallback: [{stale: {}}, {upstream: replica}, {respond: {}}]", []),
    ("fallback: [{upstream: replicas}]",
     ["7:27: routes.r.fallback[0].upstream: there is no upstream replicas; did you mean replica?"]),
    ("fallback: [{upstream: orders}]",
     ["7:27: routes.r.fallback[0].upstream: orders is what the route asks already; name another upstream"]),
    ("fallback: [{upstream: replica}, {upstream: replica}]",
     ["7:48: routes.r.fallback[1].upstream: replica is asked by an earlier step already; remove one of them"]),
    ("fallback: [{respond: {}}, {stale: {}}]",
     ["7:31: routes.r.fallback[1]: is never reached, as an earlier step answers for all of its causes; move or "
      "remove it"]),
    ("fallback: [{respond: {}, on: [open]}, {stale: {}}]", []),
])
def test_what_only_shows_between_settings_is_located(tmp_path: Path, keys: str, expected: list[str]) -> None:
    assert problems(tmp_path, keys) == expected


def test_a_pending_section_is_refused_by_the_loader_and_landing_is_one_line() -> None:
    for where, fields in ((safeguards.UPSTREAM, safeguards.OF_UPSTREAM), (safeguards.ROUTE, safeguards.OF_ROUTE)):
        base = UpstreamSettings if where == safeguards.UPSTREAM else RouteSettings
        for name in fields:
            waiting = {**pending.KEYS, where: frozenset(fields) - {name}}
            landed = safeguards.with_safeguards(base, where, fields, waiting)
            assert set(landed.model_fields) - set(base.model_fields) == {name}


def test_the_compiled_sections_are_all_of_the_plans() -> None:
    assert set(compile_safeguards.of_upstream(None)) == set(safeguards.OF_UPSTREAM)
    assert set(compile_safeguards.of_route(None)) == set(safeguards.OF_ROUTE)


@pytest.mark.parametrize(("step", "problem"), [
    ("respond: {file: /nowhere/sorry}", "respond.file: cannot read /nowhere/sorry: No such file or directory"),
    ("redirect: {to: '/sorry/{id}'}", "redirect.to: `{id}`: match.path `/**` has no names"),
])
def test_a_fallback_that_could_not_be_served_is_refused(tmp_path: Path, step: str, problem: str) -> None:
    found = config_text.problems(tmp_path, config_text.route(f"upstream: orders\nfallback: [{{{step}}}]"))
    assert [each.partition("fallback[0].")[2] for each in found] == [problem]


def test_a_file_that_is_too_large_for_a_fallback_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    found = config_text.problems(tmp_path, config_text.route(
        f"upstream: orders\nfallback: [{{respond: {{file: {large}}}}}]"))
    assert [each.partition("file: ")[2] for each in found] == [
        "large has 1048577 bytes; a fallback's body may have 1048576"]
