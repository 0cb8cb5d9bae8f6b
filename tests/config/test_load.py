"""What only shows between settings, each mistake with its place and what to write."""

from pathlib import Path

import config_text
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import load
from gateway.config.problems import ConfigError


def test_a_small_config_is_good(tmp_path: Path) -> None:
    assert config_text.problems(tmp_path, config_text.route("upstream: orders")) == []


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert config_text.problems_of(tmp_path / "none.yaml") == ["none.yaml: cannot be read: No such file or directory"]


def test_a_socket_or_device_is_not_read() -> None:
    with pytest.raises(ConfigError, match="/dev/zero: is not a regular file"):
        load.load("/dev/zero")


def test_version_and_listeners_are_required(tmp_path: Path) -> None:
    assert config_text.problems(tmp_path, "workers: auto\n") == [
        "gateway.yaml:1:1: listeners: is required; add it",
        "gateway.yaml:1:1: version: is required; add it",
    ]
    assert config_text.problems(tmp_path, "version: 1.0\nlisteners: []\n") == [
        "gateway.yaml:1:10: version: must be 1, not 1.0",
        "gateway.yaml:2:12: listeners: needs at least one item",
    ]


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ("", "5:5: routes.r: does nothing yet; add one of upstream, redirect, respond"),
        (
            "upstream: orders\nredirect: {to: /x}",
            "7:5: routes.r.redirect: upstream and redirect exclude each other; keep one",
        ),
        ("upstream: ordrs", "6:15: routes.r.upstream: there is no upstream ordrs; did you mean orders?"),
        ("upstream: billing", "6:15: routes.r.upstream: there is no upstream billing; add it below upstreams:"),
        ("upstream:", "6:14: routes.r.upstream: has no value; write one, or leave the key out"),
        ("upstream: orders\ntimout: 1s", "7:5: routes.r.timout: unknown key; did you mean timeout?"),
        (
            "upstream: orders\nzzz: 1",
            "7:5: routes.r.zzz: unknown key; known here: name, match, upstream, redirect, respond, "
            "rewrite, request_headers, response_headers, timeout, body, limits, concurrency, priority, fallback, "
            "detect, objective",
        ),
        ("upstream: orders\nbody: 1MiB", "7:11: routes.r.body: must be a mapping, not '1MiB'"),
        ("upstream: orders\nmatch: {methods: GET}", "7:22: routes.r.match.methods: must be a list, not 'GET'"),
        (
            "upstream: orders\nmatch: {path: /a/**/b}",
            "7:19: routes.r.match.path: `**`: write `{name}` for one segment, or a final "
            "`**` for everything that follows",
        ),
        (
            "upstream: orders\nmatch: {path: /a}\nrewrite: /b/**",
            "8:14: routes.r.rewrite: `/b/**`: `**` needs a match.path that ends with `/**`, not `/a`",
        ),
        ("respond: {body: x}\ntimeout: 1s", "7:5: routes.r.timeout: has no effect on a route with respond; remove it"),
        (
            "redirect: {to: /x}\nresponse_headers: {set: {a: b}, remove: [c]}",
            "7:37: routes.r.response_headers.remove: has no effect on a route with redirect; remove it",
        ),
        (
            "respond: {status: 204, body: x}",
            "6:14: routes.r.respond: a 204 answer has no body; remove it or choose another status",
        ),
        ("respond: {status: 600}", "6:23: routes.r.respond.status: must be 200 to 599, not 600"),
        (
            "respond: {json: {a: .nan}}",
            "6:21: routes.r.respond.json: JSON has no infinity and no not-a-number; write a number, or a "
            "text in quotes",
        ),
        (
            "upstream: orders\nrequest_headers: {set: {X-A: a, x-a: b}}",
            "7:28: routes.r.request_headers.set: x-a and X-A are the same header; keep one",
        ),
        (
            "upstream: orders\nrequest_headers: {remove: [Host]}",
            "7:32: routes.r.request_headers.remove[0]: Host is not edited here; write host: NAME on the upstream",
        ),
        (
            "upstream: orders\nmatch: {headers: {'a b': c}}",
            "7:23: routes.r.match.headers.a b: 'a b' is not a header name; write letters, digits and dashes, "
            "such as x-team",
        ),
    ],
)
def test_mistakes_of_a_route(tmp_path: Path, route: str, problem: str) -> None:
    assert config_text.problems(tmp_path, config_text.route(route)) == [f"gateway.yaml:{problem}"]


@pytest.mark.parametrize(
    ("upstream", "problem"),
    [
        ("endpoints: []", "5:16: upstreams.u.endpoints: needs at least one item"),
        ("endpoints: [~]", "5:17: upstreams.u.endpoints[0]: must be an address, or a mapping with address: and "
            "weight:, not null"),
        (
            "endpoints: ['a:1', {address: 'A:1'}]",
            "5:34: upstreams.u.endpoints[1].address: a:1 is given twice; write it once, with a weight",
        ),
        ("endpoints: [{adress: 'a:1'}]", "5:18: upstreams.u.endpoints[0].adress: unknown key; did you mean address?"),
        (
            "endpoints: ['a:1']\nbalance: least_requests",
            "6:14: upstreams.u.balance: must be one of round_robin, least_request, not "
            "'least_requests'; did you mean least_request?",
        ),
        ("endpoints: ['a:1']\ntls: yes", "6:10: upstreams.u.tls: must be true, false or a mapping, not 'yes'"),
        (
            "endpoints: ['a:1']\ntls: {verify: false, ca: x.pem}",
            "6:10: upstreams.u.tls: ca has no effect with verify: false; remove one of them",
        ),
        (
            "endpoints: ['unix:/x']\ntls: true",
            "6:10: upstreams.u.tls: a Unix socket has no name to check; add server_name",
        ),
        (
            "endpoints: ['a:1']\ntimeouts: {connect: off}",
            "6:25: upstreams.u.timeouts.connect: 'off' is not a duration; write 250ms, 10s, 5m or 2h",
        ),
        (
            "endpoints: ['a:1']\ntimeouts: {connect: 0s}",
            "6:25: upstreams.u.timeouts.connect: must be 1ms to 8760h, not 0s",
        ),
        (
            "endpoints: ['a:1']\nhead: {line: 64KiB}",
            "6:11: upstreams.u.head: line is larger than size, the whole head; write a smaller line or a larger size",
        ),
        ("endpoints: ['a:1']\nhead: {fields: 300}", "6:20: upstreams.u.head.fields: must be 1 to 256, not 300"),
        (
            "endpoints: ['a:1']\npool: {max_idle: '4'}",
            "6:22: upstreams.u.pool.max_idle: must be a whole number, not '4'; write it without quotes",
        ),
    ],
)
def test_mistakes_of_an_upstream(tmp_path: Path, upstream: str, problem: str) -> None:
    text = config_text.upstream(upstream)
    assert [line.replace(f"{tmp_path}/", "") for line in config_text.problems(tmp_path, text)] == [
        f"gateway.yaml:{problem}"
    ]


@pytest.mark.parametrize(
    ("top", "problems"),
    [
        (
            "listeners: [{address: '127.0.0.1:1'}, {address: '127.0.0.1:1'}]",
            ["2:49: listeners[1].address: 127.0.0.1:1 is already used at gateway.yaml:2:23; choose another address"],
        ),
        ("listeners: [{address: '[::1]:0'}, {address: '[::1]:0'}]", []),
        (
            "listeners: [{address: '127.0.0.1:9'}]\nadmin: {address: '127.0.0.1:9'}",
            ["3:18: admin.address: 127.0.0.1:9 is already used at gateway.yaml:2:23; choose another address"],
        ),
        (
            "listeners: [{address: '127.0.0.1:9', proxy_protocol: true}]",
            [
                "2:54: listeners[0].proxy_protocol: nobody may send it; add the balancer's network to "
                "clients.trusted_proxies"
            ],
        ),
        (
            "listeners: [{address: '127.0.0.1:9', proxy_protocol: on}]",
            ["2:54: listeners[0].proxy_protocol: must be true or false, not 'on'"],
        ),
        (
            "listeners: [{address: '127.0.0.1:9'}]\nadmin: {address: '0.0.0.0:9', host: x}",
            ["3:31: admin.host: unknown key; did you mean hosts?"],
        ),
        ("listeners: [{address: '127.0.0.1:9'}]\nworkers: 0", ["3:10: workers: must be 1 to 1024, not 0"]),
        (
            "listeners: [{address: '127.0.0.1:9'}]\nprobation: {steps: [50%, 10%]}",
            ["3:20: probation.steps: the last step must be 100%, not 10%"],
        ),
        (
            "listeners: [{address: '127.0.0.1:9'}]\nclients: {trusted_proxies: [10.0.0.1/8], key: name}",
            [
                "3:29: clients.trusted_proxies[0]: 10.0.0.1/8 has host bits set; write a network such as "
                "10.0.0.0/8 or fd00::/8, or one "
                "address",
                "3:47: clients.key: 'name' is no key of a client; write ip, header:NAME, cookie:NAME or jwt:CLAIM",
            ],
        ),
    ],
)
def test_mistakes_at_the_top(tmp_path: Path, top: str, problems: list[str]) -> None:
    assert config_text.problems(tmp_path, f"version: 1\n{top}\n") == [f"gateway.yaml:{problem}" for problem in problems]


def test_two_routes_may_not_have_one_name_or_take_the_same_requests(tmp_path: Path) -> None:
    text = config_text.TOP + (
        "routes:\n  - {name: a, match: {path: '/x/{p}'}, upstream: orders}\n"
        "  - {name: a, match: {path: '/x/{q}'}, upstream: orders}\n"
    )
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:6:5: routes.a: takes the same requests as routes.a at gateway.yaml:5:5; make one of them "
        "more specific",
        "gateway.yaml:6:12: routes.a.name: is already the name of the route at gateway.yaml:5:12; choose another",
    ]


def test_a_fault_in_a_match_is_not_also_called_a_conflict(tmp_path: Path) -> None:
    text = config_text.TOP + (
        "routes:\n  - {name: a, upstream: orders}\n  - {name: b, match: {path: nonsense}, upstream: orders}\n"
    )
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:6:29: routes.b.match.path: 'nonsense' is not a path; write one that begins with / and is ASCII "
        "without spaces, such as /orders/**"
    ]


def test_checks_between_settings_run_beside_faults_of_single_ones(tmp_path: Path) -> None:
    text = (
        "listeners: 5\nupstreams: {a: 1, b: {}}\n"
        "routes: [7, {upstream: c, timeout: x}, {respond: {status: x}, name: q}]\n"
    )
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:1:1: version: is required; add it",
        "gateway.yaml:1:12: listeners: must be a list, not 5",
        "gateway.yaml:2:16: upstreams.a: must be a mapping, not 1",
        "gateway.yaml:2:22: upstreams.b.endpoints: is required; add it",
        "gateway.yaml:3:10: routes[0]: must be a mapping, not 7",
        "gateway.yaml:3:13: routes[1].name: is required; add it",
        "gateway.yaml:3:24: routes[1].upstream: there is no upstream c; add it below upstreams:",
        "gateway.yaml:3:36: routes[1].timeout: 'x' is not a duration; write 250ms, 10s, 5m or 2h",
        "gateway.yaml:3:40: routes.q: takes the same requests as routes[1] at gateway.yaml:3:13; make one of them more "
        "specific",
        "gateway.yaml:3:59: routes.q.respond.status: must be a whole number, not 'x'",
    ]


KEYS = st.sampled_from(
    [
        "version",
        "listeners",
        "address",
        "tls",
        "upstreams",
        "endpoints",
        "routes",
        "name",
        "match",
        "path",
        "host",
        "headers",
        "upstream",
        "redirect",
        "to",
        "respond",
        "json",
        "status",
        "rewrite",
        "timeout",
        "admin",
        "a",
        "request_headers",
        "set",
        "remove",
        "body",
        "workers",
        "clients",
        "trusted_proxies",
        "limits",
        "balance",
    ]
)
LEAVES = st.sampled_from(
    [
        "1",
        "true",
        "~",
        "a",
        "/x",
        "/x/**",
        "/{y}",
        "127.0.0.1:80",
        "unix:/x",
        "10s",
        "'1'",
        "off",
        ".nan",
        "[]",
        "{}",
        "peak_ewma",
        "auto",
        "https://a/**",
        "0x10",
        "-1",
        "1e400",
        "GET",
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{k}: {v}" for k, v in pairs.items()) + "}"
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_yaml_is_a_plan_or_located_problems(tmp_path: Path, sections: dict[str, str]) -> None:
    path = config_text.written(tmp_path, "".join(f"{key}: {value}\n" for key, value in sections.items()))
    try:
        load.load(path)
        found = None
    except ConfigError as error:
        found = error.problems
    assert found is None or found
    assert all(problem.mark.file == str(path) and problem.mark.line >= 1 for problem in found or ())
