"""Settings -> plan: defaults agree, every setting arrives, and the plan survives its journey to a worker."""

from pathlib import Path

import config_text
import pytest

from gateway.config import boot, load, single
from gateway.config import compile as compiling
from gateway.config.problems import ConfigError
from gateway.config.settings import Gateway
from gateway.routing import plan
from gateway.routing.router import Router

ROOT = Path(__file__).parents[2]
SECOND = plan.SECOND


def test_what_is_left_out_has_the_plans_own_defaults() -> None:
    settings = Gateway.model_validate(
        {
            "version": 1,
            "listeners": [{"address": "127.0.0.1:8080"}],
            "upstreams": {"u": {"endpoints": ["127.0.0.1:1"]}},
            "routes": [
                {"name": "r", "upstream": "u"},
                {"name": "s", "redirect": {"to": "/x"}},
                {"name": "t", "respond": {}},
            ],
        }
    )
    assert compiling.compile_plan(settings) == plan.Plan(
        listeners=(plan.Listener("127.0.0.1:8080"),),
        upstreams=(plan.Upstream("u", (plan.Endpoint("127.0.0.1:1"),)),),
        routes=(
            plan.Route("r", upstream="u"),
            plan.Route("s", redirect=plan.Redirect("/x")),
            plan.Route("t", respond=plan.Respond()),
        ),
    )


def test_every_setting_arrives_in_the_plan(tmp_path: Path) -> None:
    found = config_text.plan_of(
        tmp_path,
        """\
version: 1
listeners:
  - address: "[::1]:8080"
    health: /up
    proxy_protocol: true
    timeouts: {head: 1s, body: 2s, keep_alive: 3s, send: 4s}
    head: {line: 1KiB, fields: 10, size: 2KiB}
admin: {address: "[::1]:9901"}
workers: 3
state: {dir: /var/lib/gateway}
log: {access: {path: /var/log/gateway.log, format: combined, rotate: {size: 1MiB, keep: 2}}}
drain: {delay: 5s, timeout: 1m}
max_connections: 1000
clients: {trusted_proxies: [10.0.0.0/8, "unix:"]}
upstreams:
  u:
    endpoints: [{address: "A:1", weight: 3, version: 1.10}]
    balance: round_robin
    timeouts: {connect: 1ms, first_byte: off, idle: 2s}
    pool: {idle: 1s, max_idle: 2, max_connections: 3}
    tls: {verify: false, server_name: s}
    host: h
    head: {line: 1KiB, fields: 10, size: 2KiB}
routes:
  - name: r
    match: {host: "*.A.example", path: "/x/**", methods: [GET], headers: {X-B: 1, x-a: on}}
    upstream: u
    rewrite: /y/**
    request_headers: {remove: [X-Debug], set: {X-Team: 1.10}, add: {x-n: 010}}
    response_headers: {remove: [Server], set: {a: b}, add: {c: d}}
    timeout: 7s
    body: {max: 1KiB}
""",
    )
    head = plan.HeadLimits(1024, 10, 2048)
    timeouts = plan.ClientTimeouts(SECOND, 2 * SECOND, 3 * SECOND, 4 * SECOND)
    assert found == plan.Plan(
        listeners=(
            plan.Listener("[::1]:8080", (), "/up", True, timeouts, head),
        ),
        upstreams=(
            plan.Upstream(
                "u",
                (plan.Endpoint("a:1", 3, "1.10"),),
                "round_robin",
                plan.UpstreamTls(False, "", "s"),
                plan.UpstreamTimeouts(1_000_000, 0, 2 * SECOND),
                plan.PoolLimits(SECOND, 2, 3),
                "h",
                head,
            ),
        ),
        routes=(
            plan.Route(
                "r",
                plan.Match("/x/**", ("*.a.example",), ("GET",), (("x-a", "on"), ("x-b", "1"))),
                "u",
                None,
                None,
                "/y/**",
                plan.HeaderEdits(("x-debug",), (("X-Team", "1.10"),), (("x-n", "010"),)),
                plan.HeaderEdits(("server",), (("a", "b"),), (("c", "d"),)),
                7 * SECOND,
                1024,
            ),
        ),
        trusted_proxies=("10.0.0.0/8", "unix:"),
        workers=3,
        max_connections=1000,
        drain=plan.Drain(5 * SECOND, 60 * SECOND),
        state_dir="/var/lib/gateway",
        admin="[::1]:9901",
        access_log=plan.AccessLog("/var/log/gateway.log", "combined", 2**20, 2),
    )
    assert plan.from_json(found.to_json()) == found


def test_a_json_answer_says_its_type_unless_the_config_does(tmp_path: Path) -> None:
    text = (
        config_text.TOP
        + """\
routes:
  - {name: a, match: {path: /a}, respond: {json: {n: 1, s: "1", on: true, none: ~, list: [010, é]}}}
  - {name: b, match: {path: /b}, respond: {json: [], headers: {Content-Type: application/problem+json}}}
"""
    )
    first, second = (route.respond for route in config_text.plan_of(tmp_path, text).routes)
    assert first == plan.Respond(
        200, (("content-type", "application/json"),), '{"n":1,"s":"1","on":true,"none":null,"list":[10,"é"]}'
    )
    assert second == plan.Respond(200, (("Content-Type", "application/problem+json"),), "[]")


@pytest.mark.parametrize("name", ["gateway.yaml", "full.yaml"])
def test_the_shipped_examples_are_good_and_the_router_takes_them(name: str) -> None:
    found = load.load(ROOT / "config" / name)
    assert plan.from_json(found.to_json()) == found
    assert Router(found.routes).routes == found.routes


def test_the_small_example_serves_the_demo_api() -> None:
    found = load.load(ROOT / "config" / "gateway.yaml")
    router = Router(found.routes)
    for path in ("/orders", "/orders/7", "/customers/7", "/slow"):
        assert router.match("127.0.0.1:8080", path, "GET", {}) >= 0
    assert [endpoint.address for endpoint in found.upstreams[0].endpoints] == ["127.0.0.1:3000"]


def test_one_url_needs_no_file() -> None:
    found = single.for_upstream("http://127.0.0.1:3000")
    assert found == plan.Plan(
        listeners=(plan.Listener("127.0.0.1:8080"),),
        upstreams=(plan.Upstream("upstream", (plan.Endpoint("127.0.0.1:3000"),)),),
        routes=(plan.Route("everything", upstream="upstream"),),
    )


def test_an_https_url_is_asked_by_its_name() -> None:
    upstream = single.for_upstream("https://API.example.com").upstreams[0]
    assert upstream == plan.Upstream(
        "upstream", (plan.Endpoint("api.example.com:443"),), tls=plan.UpstreamTls(), host="api.example.com"
    )


def test_the_path_of_a_url_goes_before_every_path() -> None:
    assert single.for_upstream("http://[::1]:80/base/").routes[0].rewrite == "/base/**"
    assert single.for_upstream("http://[::1]:80/").routes[0].rewrite == ""


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:3000",
        "ftp://x",
        "http://",
        "http://x:0",
        "http://x:99999",
        "http://u:p@x",
        "http://x?q",
        "http://x/{a}",
        "http://x/**",
        "http://a b",
        "http://[::1",
        "http://x/\r\n",
        "http://a..b",
        "",
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="--upstream: "):
        single.for_upstream(url)
    with pytest.raises(ConfigError, match="--listen: "):
        single.for_upstream("http://127.0.0.1", listen="nowhere")


def test_routes_are_watched_as_they_say_or_else_as_the_whole(tmp_path: Path) -> None:
    found = config_text.plan_of(tmp_path, config_text.TOP + """\
detect: {false_alarms_per_month: off}
routes:
  - {name: silent, upstream: orders}
  - name: own
    match: {path: /own}
    upstream: orders
    detect: {false_alarms_per_month: 4}
    objective: {success: 99.9%, under: 300ms}
""")
    silent, own = found.routes
    assert (silent.false_alarms, silent.objective) == (0, None)
    assert (own.false_alarms, own.objective) == (4, plan.Objective(999_000, 300_000_000))
    assert plan.from_json(found.to_json()) == found


PUBLIC = config_text.TOP + """\
feedback: {path: /.well-known/report}
status: {path: /.well-known/status}
routes:
  - {name: one, match: {host: one.example.com}, upstream: orders}
  - {name: rest, upstream: orders}
"""


def test_what_is_public_is_a_route_of_the_gateways_own_on_every_host(tmp_path: Path) -> None:
    found = config_text.plan_of(tmp_path, PUBLIC)
    router = Router(found.routes)
    for host in ("one.example.com", "another.example.com", "127.0.0.1"):
        assert found.routes[router.match(host, "/.well-known/status", "GET", {})].name == "~status"
        assert found.routes[router.match(host, "/.well-known/report", "POST", {})].name == "~report"
    assert [each.name for each in found.watched] == ["one", "rest"]
    assert found.upstreams[-1].endpoints == (plan.Endpoint("unix:./state/public.sock"),)
    assert plan.from_json(found.to_json()) == found


def test_what_is_public_moves_with_the_state_folder(tmp_path: Path) -> None:
    found = boot.overridden(config_text.plan_of(tmp_path, PUBLIC), {"state_dir": "/var/lib/gateway/"})
    assert found.upstreams[-1].endpoints == (plan.Endpoint("unix:/var/lib/gateway/public.sock"),)
    assert found.upstreams[0].endpoints == (plan.Endpoint("127.0.0.1:9001"),)


def test_nothing_is_public_by_default(tmp_path: Path) -> None:
    assert [each.name for each in config_text.plan_of(tmp_path, config_text.TOP).upstreams] == ["orders"]
