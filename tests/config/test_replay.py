"""A new plan against the old one on recorded requests."""
import dataclasses
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared

from gateway.config import replay
from gateway.config._replay import Decider, Tally
from gateway.config._requests import Clients, Requests
from gateway.config.replay import Report
from gateway.mitigate import limits as limiting
from gateway.model.safeguards import SECOND, SHADOW, Limit
from gateway.routing import plan as plans
from gateway.routing.plan import Match, Plan, Route

SEED = (1, 2)
MINUTE = 60 * SECOND
LISTENERS = (plans.Listener("127.0.0.1:8080"),)
Record = tuple[int, bytes, bytes, bytes, bytes]


def line(second: int, path: str = "/", client: str = "192.0.2.1", method: str = "GET", vhost: str = "") -> str:
    return f'{vhost}{client} - - [17/May/2015:10:05:{second:02} +0000] "{method} {path} HTTP/1.1" 200 5 "-" "curl"\n'


def plan(*routes: Route) -> Plan:
    return Plan(LISTENERS, routes=routes)


def limited(*limits: Limit, path: str = "/**", name: str = "all") -> Route:
    return Route(name, Match(path), upstream="api", limits=limits)


def replayed(tmp_path: Path, old: Plan, new: Plan, *lines: str, host: str = "") -> Report:
    log = tmp_path / "access.log"
    log.write_text("".join(lines))
    return replay.replay_log(old, new, log, host)


# ---------------------------------------------------------------------- reading

def read(*lines: str, host: str = "", since_ns: int = 0) -> Requests:
    requests = Requests(Clients(SEED))
    requests.read_lines("".join(lines).encode("latin-1"), host.encode(), since_ns)
    return requests


def test_a_line_is_read_with_its_zone_and_without_its_query() -> None:
    east = '::1 - frank [01/Mar/2024:00:30:00 +0100] "POST /a/b?c=d HTTP/1.0" 200 5\n'
    assert read(east).rows_as_text() == [(1_709_249_400 * SECOND, "::1", "POST", "", "/a/b")]


def test_the_virtual_host_is_read_or_given() -> None:
    assert read(line(0, vhost="www.example.com:443 ")).rows_as_text()[0][3] == "www.example.com"
    assert read(line(0), host="api.example.com").rows_as_text()[0][3] == "api.example.com"


def test_requests_are_put_into_the_order_of_time() -> None:
    found = read(line(9, "/late"), line(3, "/b"), line(1), line(3, "/c")).rows_as_text()
    assert [each[4] for each in found] == ["/", "/b", "/c", "/late"]


def test_only_what_is_recent_enough_is_kept() -> None:
    first = read(line(1)).rows_as_text()[0][0]
    assert len(read(line(1), line(2), since_ns=first + SECOND)) == 1


def test_what_is_no_request_is_counted_and_nothing_is_made_up() -> None:
    bad = ("", "-", "no brackets at all", line(0).replace("17/May", "17/Mai"), line(0).replace('"GET /', '"\\x16\\x03'),
           line(0).replace("GET / ", "GET http://other/ "), line(0)[:48], "[" * 40)
    requests = read(*(f"{each.rstrip()}\n" for each in bad), line(1))
    assert (len(requests), requests.unread) == (1, len(bad) - 1)


PIECES = st.sampled_from([line(7).encode(), line(7)[:40].encode(), b"[", b'"', b" ", b"GET /", b"\xff"])


@given(st.lists(PIECES, max_size=8))
def test_any_bytes_are_read_or_counted(pieces: list[bytes]) -> None:
    requests = Requests(Clients(SEED))
    text = b"".join(pieces)
    requests.read_lines(text)
    assert len(requests) + requests.unread == sum(1 for each in text.split(b"\n") if each)
    assert all(path[:1] in ("/", "*") for *_, path in requests.rows_as_text())


def test_a_log_is_read_in_blocks_of_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(second) for second in range(40)).rstrip("\n"))
    before, replay.BLOCK = replay.BLOCK, 100
    try:
        assert replay.replay_log(plan(limited()), plan(limited()), log).requests == 40
    finally:
        replay.BLOCK = before


# ---------------------------------------------------------------------- deciding

def test_a_tighter_limit_denies_what_passed(tmp_path: Path) -> None:
    tight = plan(limited(Limit("tight", "client", 1, MINUTE, 2)))
    report = replayed(tmp_path, plan(limited()), tight, *(line(second) for second in range(5)), line(5, client="::9"))
    assert (report.denied_before, report.denied_now, report.newly_denied) == (0, 3, 3)
    assert [str(each.new) for each in report.changes] == ["all: denied by limit tight"]
    assert replay.by_safeguard(report) == [("all", "tight", 3)]
    assert report.objections() == ("3 of 6 requests (50.00%) newly denied, more than 0.1%",
                                   "client 192.0.2.1: 3 of 5 requests (60.0%) newly denied, more than 5%")


def test_a_limit_in_shadow_is_reported_and_denies_nothing(tmp_path: Path) -> None:
    shadowed = plan(limited(Limit("tight", "route", 1, MINUTE, 1, SHADOW)))
    report = replayed(tmp_path, plan(limited()), shadowed, line(1), line(2))
    assert [(str(each.new), each.requests) for each in report.changes] == [
        ("all: denied in shadow by limit tight", 1)]
    assert (report.newly_denied, report.objections()) == (0, ())


def test_a_route_that_is_gone_or_moved_is_told(tmp_path: Path) -> None:
    old, new = plan(limited(path="/a/**"), limited(path="/b", name="b")), plan(limited(path="/a/**", name="renamed"))
    report = replayed(tmp_path, old, new, line(1, "/a/x"), line(2, "/b"))
    assert sorted(f"{each.old} -> {each.new}" for each in report.changes) == [
        "all: passes -> renamed: passes", "b: passes -> no route"]
    assert report.newly_denied == 1


def test_what_a_record_does_not_hold_is_counted_not_guessed(tmp_path: Path) -> None:
    free = plan(limited())
    tenants = plan(limited(Limit("tenant", "header:x-tenant", 1, MINUTE, 1)))
    assert replayed(tmp_path, free, tenants, line(1), line(2)).undecided == 2
    by_header = plan(Route("beta", Match(headers=(("x-beta", "*"),)), upstream="api"), limited())
    assert replayed(tmp_path, free, by_header, line(1)).undecided == 1
    by_host = plan(Route("api", Match(hosts=("api.example.com",)), upstream="api"))
    report = replayed(tmp_path, free, by_host, line(1))
    assert report.undecided == 1
    assert report.objections() == ("nothing could be decided, so nothing is shown",)
    assert replayed(tmp_path, free, by_host, line(1), host="api.example.com").undecided == 0


def test_a_limit_that_is_no_matter_of_the_record_may_still_deny_before(tmp_path: Path) -> None:
    both = plan(limited(Limit("route", "route", 1, MINUTE, 1), Limit("tenant", "header:x-tenant", 1, MINUTE, 1)))
    report = replayed(tmp_path, plan(limited()), both, line(1), line(1))
    assert (report.undecided, report.newly_denied) == (1, 1)


def test_a_log_knows_clients_by_their_addresses_alone(tmp_path: Path) -> None:
    both = plan(limited(Limit("each", "client", 1, MINUTE, 1)))
    assert replayed(tmp_path, both, both, line(1), line(1)).undecided == 0
    by_tenant = dataclasses.replace(both, client_key="header:x-tenant")
    assert replayed(tmp_path, by_tenant, by_tenant, line(1), line(1)).undecided == 2


def test_the_clock_never_goes_back_and_says_so() -> None:
    routes = (limited(Limit("one", "route", 1, 10 * SECOND, 1)),)
    tally = Tally(Decider(routes, 4), Decider(routes, 4))
    for second in (30, 20):
        tally.add(read(line(second)))
    assert (tally.requests, tally.late, tally.denied_now) == (2, 1, 1)


# ---------------------------------------------------------------------- the readable reference

RECORDS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([b"/a", b"/b", b"/c"]), st.sampled_from(b"xyz")),
                   max_size=60)
LIMITS = st.lists(st.builds(Limit, st.sampled_from(["one", "two"]), st.sampled_from(["route", "client"]),
                            st.integers(1, 5), st.just(10 * SECOND), st.integers(1, 4),
                            st.sampled_from(["enforce", "shadow", "off"])),
                  max_size=2, unique_by=lambda limit: limit.name)


@given(RECORDS, LIMITS, LIMITS)
def test_decisions_are_those_of_the_reference(seen: list[tuple[int, bytes, int]], of_a: list[Limit],
                                              of_b: list[Limit]) -> None:
    routes = (limited(*of_a, path="/a", name="a"), limited(*of_b, path="/b", name="b"))
    records = sorted(((at * SECOND + SECOND, b"GET", b"h", path, bytes([client])) for at, path, client in seen),
                     key=lambda record: record[0])
    requests = Requests(Clients(SEED))
    requests.read_records(records)
    assert Decider(routes, 1024).decisions(requests) == reference(routes, records)


def reference(routes: tuple[Route, ...], records: list[Record]) -> list[tuple[str, str, str]]:
    """GCRA of mitigate/limits.py on dicts, limit by limit as in docs/safeguards/limits.md."""
    by_path = {route.match.path.encode(): route for route in routes}
    arrivals: dict[tuple[str, str, bytes], int] = {}
    return [_reference_of(by_path.get(path), arrivals, time, client) for time, _, _, path, client in records]


def _reference_of(route: Route | None, arrivals: dict[tuple[str, str, bytes], int], now: int,
                  client: bytes) -> tuple[str, str, str]:
    if route is None:
        return ("", "no route", "")
    outcome, charged = (route.name, "passes", ""), []
    for limit in route.limits:
        if limit.mode == "off" or (limit.mode == "shadow" and outcome[1] != "passes"):
            continue
        key = (route.name, limit.name, client if limit.key == "client" else b"")
        decision = limiting.decide(limit, arrivals.get(key, 0), now)
        if decision.allowed:
            arrivals[key] = decision.tat
            charged.append((key, limit))
            continue
        for earlier, its in charged:
            if limit.mode == "enforce" or its.mode == "shadow":
                arrivals[earlier] -= limiting.interval(its)
        charged = [(earlier, its) for earlier, its in charged if limit.mode != "enforce" and its.mode != "shadow"]
        outcome = (route.name, "denied" if limit.mode == "enforce" else "denied in shadow", limit.name)
        if limit.mode == "enforce":
            return outcome
    return outcome


def test_a_real_log_is_decided_as_by_the_reference() -> None:
    text = shared("access-logs/apache_logs").read_bytes()
    clients = Clients(SEED)
    requests = Requests(clients)
    requests.read_lines(text)
    routes = (limited(Limit("per-client", "client", 10, MINUTE, 5), Limit("all", "route", 30, MINUTE, 30)),)
    found = requests.rows_as_text()
    records = [(time, method.encode(), b"", path.encode("latin-1"), client.encode())
               for time, client, method, _, path in found]
    decided = Decider(routes, 1 << 18).decisions(requests)
    assert (len(requests), requests.unread) == (10_000, 0)
    assert sum(each[1] == "denied" for each in decided) > 500
    by_any_path = [(time, method, host, b"/**", client) for time, method, host, _, client in records]
    assert decided == reference(routes, by_any_path)
