"""The gates of a request, as clients and upstreams see them."""
import json
from typing import Any

from data_path import API, Gateway, answer, asked, get, status
from http_messages import HOST, message
from hypothesis import given
from hypothesis import strategies as st
from transports import Peer

from gateway import _fastpath
from gateway.board import endpoint_name, limit_name
from gateway.model.safeguards import ENFORCE, SHADOW, Breaker, Concurrency, Limit
from gateway.routing import plan as plans

SECOND = plans.SECOND
FAR = 1 << 62
HOUR = 3600 * SECOND


def limited(*limits: Limit, mode: str = ENFORCE, **more: Any) -> Gateway:
    made = tuple(Limit(each.name, each.key, each.quota, each.period_ns, each.burst, mode) for each in limits)
    return Gateway(plans.Route("all", upstream="api", limits=made, **more))


def ask(gateway: Gateway, request: bytes = get()) -> bytes:
    """What a client of its own is told, the upstream answering 200 where it is asked."""
    client = gateway.client()
    client.says(request)
    if gateway.waiting:
        gateway.connects().says(answer(b"ok", "Connection: close"))
    return client.hears()


def problem(heard: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(heard.partition(b"\r\n\r\n")[2])
    return document


def control(gateway: Gateway, section: str, name: str) -> Any:
    return gateway.board.control(section, gateway.board.names(section)[name])


def row(gateway: Gateway) -> Any:
    return gateway.board.route(0, gateway.board.names("routes")["all"])


def in_flight(gateway: Gateway) -> list[int]:
    return [gateway.board.in_flight(section, gateway.board.names(section)[name], tunnels=tunnels)
            for section, name in (("routes", "all"), ("upstreams", "api")) for tunnels in (False, True)]


# ---------------------------------------------------------------------- limits

def test_who_is_over_a_limit_is_told_when_to_come_back() -> None:
    gateway = limited(Limit("hourly", quota=2, period_ns=HOUR, burst=2))
    assert [status(ask(gateway)) for _ in range(3)] == [200, 200, 429]
    heard = ask(gateway)
    assert b'ratelimit-policy: "hourly";q=2;w=3600\r\n' in heard
    assert b'ratelimit: "hourly";r=0;t=1800\r\n' in heard
    told = problem(heard)
    assert (told["safeguard"], told["violated-policies"], told["reason"]) == ("hourly", ["hourly"], "limited")
    assert row(gateway)["limited"] == 2
    assert gateway.endpoint.active == 0


def test_an_answer_tells_of_a_limit_that_is_nearly_used_up() -> None:
    gateway = limited(Limit("hourly", quota=10, period_ns=HOUR, burst=10))
    heard = [ask(gateway) for _ in range(10)]
    assert [b"RateLimit: " in each for each in heard] == [False] * 8 + [True] * 2
    assert b'RateLimit: "hourly";r=1;t=0\r\n' in heard[8]


def test_a_limit_in_shadow_counts_and_tells_nothing() -> None:
    gateway = limited(Limit("hourly", quota=2, period_ns=HOUR, burst=2), mode=SHADOW)
    heard = [ask(gateway) for _ in range(5)]
    assert {status(each) for each in heard} == {200}
    assert not any(b"atelimit" in each.lower() for each in heard)
    assert (row(gateway)["shadow_limited"], row(gateway)["limited"]) == (3, 0)


def test_what_one_limit_denies_another_is_not_charged_for() -> None:
    gateway = limited(Limit("many", quota=4, period_ns=HOUR, burst=4), Limit("few", quota=1, period_ns=HOUR, burst=1))
    assert [problem(each)["safeguard"] for each in [ask(gateway) for _ in range(9)][1:]] == ["few"] * 8
    gateway.board.limit(gateway.board.names("limits")[limit_name("all", "few")])["arrival"] = 0
    assert status(ask(gateway)) == 200


def test_each_client_and_each_value_has_a_limit_of_its_own() -> None:
    gateway = limited(Limit("per", "header:X-Tenant", 1, HOUR, 1))
    assert [status(ask(gateway, get("/", f"X-Tenant: {name}"))) for name in ("a", "b", "a", "")] == [200, 200, 429, 200]
    assert status(ask(gateway)) == 429, "leaving the header out is no way around the limit"
    gateway = limited(Limit("per", "cookie:sid", 1, HOUR, 1))
    assert [status(ask(gateway, get("/", f"Cookie: x=1; sid={name}; y=2"))) for name in "aba"] == [200, 200, 429]
    gateway = limited(Limit("per", "client", 1, HOUR, 1))
    one, two = gateway.client("192.0.2.1"), gateway.client("192.0.2.2")
    for client in (one, two, one):
        client.says(get())
    assert len(gateway.waiting) == 2


# ---------------------------------------------------------------------- isolation

def test_an_isolated_route_is_refused_with_its_incident_and_comes_back_by_itself() -> None:
    gateway = Gateway()
    word = control(gateway, "routes", "all")
    word["isolation"], word["isolated_until"] = 77 << 8, FAR
    heard = ask(gateway)
    told = problem(heard)
    assert (status(heard), told["reason"], told["safeguard"], told["incident"]) == (503, "isolated", "isolation", 77)
    assert b"retry-after: 1" in heard
    word["isolated_until"] = _fastpath.monotonic_ns()
    assert status(ask(gateway)) == 200


def test_a_refusal_for_another_reason_names_the_incident_that_is_open_there() -> None:
    gateway = limited(Limit("per", "client", 1, HOUR, 1))
    control(gateway, "routes", "all")["isolation"] = 78 << 8
    assert status(ask(gateway)) == 200                      # no isolation, only a number
    told = problem(ask(gateway))
    assert (told["reason"], told["incident"]) == ("limited", 78)
    gateway = bulkheads(upstream=1)
    control(gateway, "upstreams", "api")["isolation"] = 79 << 8
    gateway.client().says(get())
    told = problem(ask(gateway))
    assert (told["reason"], told["incident"]) == ("saturated", 79)


def test_an_isolated_upstream_client_or_endpoint_is_refused() -> None:
    gateway = Gateway()
    control(gateway, "upstreams", "api")["isolated_until"] = FAR
    assert problem(ask(gateway))["reason"] == "isolated"
    gateway = Gateway()
    control(gateway, "endpoints", endpoint_name("api", "127.0.0.1:9001"))["isolated_until"] = FAR
    assert problem(ask(gateway))["reason"] == "isolated"
    gateway = Gateway()
    rule = gateway.board.client_rule(0)
    rule["hash"], rule["isolated_until"] = gateway.plane.known.of("192.0.2.7").key, FAR
    gateway.board.header["clients_used"] = 1
    assert problem(ask(gateway))["safeguard"] == "isolation of the client"


def test_a_clamped_client_gets_its_rate_and_no_more() -> None:
    gateway = Gateway()
    rule = gateway.board.client_rule(0)
    rule["hash"], rule["clamp_ns"], rule["clamp_until"] = gateway.plane.known.of("192.0.2.7").key, SECOND // 2, FAR
    gateway.board.header["clients_used"] = 1
    assert [status(ask(gateway)) for _ in range(3)] == [200, 200, 429]
    other = gateway.client("192.0.2.8")
    other.says(get())
    assert len(gateway.waiting) == 1


# ---------------------------------------------------------------------- bulkheads

def bulkheads(route: int = 0, upstream: int = 0, mode: str = ENFORCE) -> Gateway:
    return Gateway(plans.Route("all", upstream="api", concurrency=Concurrency(route, mode=mode)),
                   upstream=plans.Upstream("api", API.endpoints, concurrency=Concurrency(upstream, mode=mode)))


def test_a_full_route_or_upstream_refuses_and_a_permit_comes_back() -> None:
    for gateway, name in ((bulkheads(route=1), "route"), (bulkheads(upstream=1), "upstream")):
        client, upstream = asked(gateway, get())
        told = problem(ask(gateway))
        assert (told["reason"], told["safeguard"]) == ("saturated", f"concurrency of the {name}")
        upstream.says(answer(b"ok", "Connection: close"))
        assert status(client.hears()) == 200
        assert status(ask(gateway)) == 200
        assert in_flight(gateway) == [0, 0, 0, 0]


def test_a_tunnel_has_permits_of_its_own() -> None:
    gateway = bulkheads(route=1, upstream=1)
    upgrade = message("GET / HTTP/1.1", HOST, "Connection: upgrade", "Upgrade: websocket")
    client, upstream = asked(gateway, upgrade)
    upstream.says(message("HTTP/1.1 101 Switching Protocols", "Connection: upgrade", "Upgrade: websocket"))
    assert in_flight(gateway) == [0, 1, 0, 1]
    assert status(ask(gateway)) == 200
    assert problem(ask(gateway, upgrade))["reason"] == "saturated"
    client.vanishes()
    gateway.loop.run()
    assert in_flight(gateway) == [0, 0, 0, 0]


ACTS = st.lists(st.sampled_from(["ask", "answer", "client leaves", "upstream breaks"]), max_size=30)


@given(ACTS)
def test_every_permit_comes_back_once_whatever_happens(acts: list[str]) -> None:
    gateway = bulkheads(route=3, upstream=2)
    open_: list[tuple[Peer, Peer]] = []
    for act in acts:
        if act == "ask":
            client = gateway.client()
            client.says(get())
            if gateway.waiting:
                open_.append((client, gateway.connects()))
        elif open_:
            client, upstream = open_.pop()
            if act == "answer":
                upstream.says(answer(b"ok", "Connection: close"))
            elif act == "client leaves":
                client.vanishes()
            else:
                upstream.vanishes()
            gateway.loop.run()
        assert in_flight(gateway) == [len(open_), 0, len(open_), 0]
        assert len(open_) <= 2


# ---------------------------------------------------------------------- the breaker

def broken(mode: str = ENFORCE) -> Gateway:
    breaker = Breaker(min_requests=5, failures=500_000, mode=mode)
    return Gateway(upstream=plans.Upstream("api", API.endpoints, breaker=breaker))


def fail(gateway: Gateway, times: int) -> None:
    for _ in range(times):
        _, upstream = asked(gateway, get())
        upstream.says(answer(b"", "Connection: close", status="500 Sorry"))


def test_a_breaker_opens_on_failures_and_refuses_with_when_to_come_back() -> None:
    gateway = broken()
    fail(gateway, 5)
    now = _fastpath.monotonic_ns()
    gateway.plane.ticker.run(now)
    gateway.plane.ticker.run(now + SECOND)
    heard = ask(gateway)
    told = problem(heard)
    assert (status(heard), told["reason"], told["safeguard"]) == (503, "open", "breaker")
    assert row(gateway)["open"] == 1


def test_a_breaker_in_shadow_lets_pass_and_counts() -> None:
    gateway = broken(SHADOW)
    fail(gateway, 5)
    now = _fastpath.monotonic_ns()
    gateway.plane.ticker.run(now)
    gateway.plane.ticker.run(now + SECOND)
    assert status(ask(gateway)) == 200
    assert (row(gateway)["open"], row(gateway)["shadow_open"]) == (0, 1)


def test_what_the_client_did_wrong_is_no_failure() -> None:
    gateway = broken()
    for _ in range(20):
        _, upstream = asked(gateway, get())
        upstream.says(answer(b"", "Connection: close", status="429 Slow Down"))
    counters = gateway.board.counters("upstreams", 0, 0)
    assert (counters["requests"], counters["failures"]) == (20, 0)


def test_a_breaker_forced_open_refuses_though_its_mode_is_off() -> None:
    gateway = Gateway()
    word = control(gateway, "upstreams", "api")
    word["forced"], word["forced_until"] = 1, FAR
    assert problem(ask(gateway))["reason"] == "open"


# ---------------------------------------------------------------------- shadow and enforce

DECIDED = ("limited", "saturated", "open")
ASKS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ok", "fail", "hold", "let go"])), max_size=60)


def counted(mode: str, asks: list[tuple[str, str]]) -> dict[str, int]:
    """What each safeguard decided, enforced or in shadow, for these requests; those it denies are never answered
    by the upstream in either mode, so that both see the same."""
    limits = (Limit("tenant", "header:X-Tenant", 5, HOUR, 5, mode), Limit("route", "route", 12, HOUR, 12, mode))
    gateway = Gateway(plans.Route("all", upstream="api", limits=limits, concurrency=Concurrency(2, mode=mode)),
                      upstream=plans.Upstream("api", API.endpoints, breaker=Breaker(min_requests=4, mode=mode)))
    held: list[Peer] = []
    for tenant, what in asks:
        if what == "let go" and held:
            held.pop().says(answer(b"ok", "Connection: close"))
            continue
        before = sum(decided(gateway, mode).values())
        client = gateway.client()
        client.says(get("/", f"X-Tenant: {tenant}"))
        if sum(decided(gateway, mode).values()) > before:
            client.vanishes()                             # in shadow it is under way: end it without a result
            gateway.loop.run()
            while gateway.waiting:
                gateway.fails_to_connect()
            continue
        upstream = gateway.connects()
        if what == "hold":
            held.append(upstream)
        else:
            upstream.says(answer(b"", "Connection: close", status="200 OK" if what == "ok" else "500 No"))
        gateway.plane.ticker.run_early(_fastpath.monotonic_ns())
    return decided(gateway, mode)


def decided(gateway: Gateway, mode: str) -> dict[str, int]:
    counters = row(gateway)
    return {name: counters[name if mode == ENFORCE else f"shadow_{name}"] for name in DECIDED}


@given(ASKS)
def test_shadow_and_enforce_decide_and_count_alike(asks: list[tuple[str, str]]) -> None:
    assert counted(SHADOW, asks) == counted(ENFORCE, asks)


# ---------------------------------------------------------------------- what counts for the breaker

def late_route() -> Gateway:
    breaker = Breaker(min_requests=5, failures=500_000, mode=ENFORCE)
    return Gateway(plans.Route("all", upstream="api", timeout=SECOND),
                   upstream=plans.Upstream("api", API.endpoints, breaker=breaker))


def judged(gateway: Gateway) -> tuple[int, int]:
    counters = gateway.board.counters("upstreams", 0, 0)
    return counters["requests"], counters["failures"]


def test_an_upstream_that_lets_the_routes_time_pass_has_failed() -> None:
    gateway = late_route()
    client, _ = asked(gateway, get())
    gateway.silence_of(2)
    assert status(client.hears()) == 504
    assert judged(gateway) == (1, 1)


def test_a_client_that_uses_up_the_routes_time_says_nothing_of_the_upstream() -> None:
    gateway = late_route()
    client, _ = asked(gateway, message("POST / HTTP/1.1", HOST, "Content-Length: 10") + b"slow")
    gateway.silence_of(2)
    assert status(client.hears()) == 504
    assert judged(gateway) == (0, 0)


def test_an_answer_that_the_routes_time_cuts_short_says_nothing_of_the_upstream() -> None:
    gateway = late_route()
    client, upstream = asked(gateway, get())
    upstream.says(message("HTTP/1.1 200 OK", "Content-Length: 10") + b"part")
    gateway.silence_of(2)
    assert client.was_reset
    assert judged(gateway) == (0, 0)
