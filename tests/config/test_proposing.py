"""From an incident to proposals: each loads, does what it is for, and says what was checked of it."""
import dataclasses
from pathlib import Path

import pytest
import yaml
from prevent import cases
from prevent.cases import ONSET

from gateway.config import load, proposing, rules
from gateway.config.problems import ConfigError
from gateway.model.fault import FaultClass
from gateway.model.proposal import Proposal, ProposalKind
from gateway.prevent.case import SECOND, Applied, Case
from gateway.routing.plan import Plan

CONFIG = """\
version: 1
listeners:
  - address: 127.0.0.1:8080
upstreams:
  orders:                               # the shop's
    endpoints: ["127.0.0.1:9001", "127.0.0.1:9003"]
    timeouts: {first_byte: 5s}
    breaker: {window: 10s}
routes:
  - name: orders
    match: {path: /orders/**}
    upstream: orders
    limits: [{name: all, key: route, rate: 100/s}]      # measured in spring
  - {name: rest, match: {path: /**}, respond: {status: 204}}
"""


def replayed(old: Plan, new: Plan) -> tuple[str, ...]:
    return (f"{len(old.routes)} routes before, {len(new.routes)} after", "may be applied")


def applied(change: tuple[str, str]) -> Applied:
    after = CONFIG.replace(*change)
    assert after != CONFIG
    return Applied(4, 3, after, CONFIG, "", "file", "", "", (ONSET - 2) * SECOND)


def drafted(change: tuple[str, str], target: str = "route:orders") -> list[Proposal]:
    case = dataclasses.replace(cases.case(), applied=applied(change), incident=cases.incident(target=target))
    found = proposing.proposals(case, ("orders",), CONFIG, 5, replayed)
    return [each for each in found if each.kind is ProposalKind.RULE]


@pytest.mark.parametrize(("change", "condition", "at"), [
    (("9001", "9002"), '!it.endpoints.exists(e, e.address in ["127.0.0.1:9002"])', "endpoints"),
    (("first_byte: 5s", "first_byte: 5ms"),
     "!has(it.timeouts) || it.timeouts.first_byte == 0.0 || it.timeouts.first_byte >= 0.0125", "timeouts.first_byte"),
    (("first_byte: 5s", "first_byte: 2s"),
     "!has(it.timeouts) || it.timeouts.first_byte == 0.0 || it.timeouts.first_byte > 2.0", "timeouts.first_byte"),
    (("first_byte: 5s", "first_byte: 60s"), "!has(it.timeouts) || it.timeouts.first_byte < 60.0",
     "timeouts.first_byte"),
    (("100/s", "5/s"), 'it.limits.all(l, l.name != "all" || l.rate >= 10.0)', "limits"),
    (("100/s", "50/s"), 'it.limits.all(l, l.name != "all" || l.rate > 50.0)', "limits"),
    (("    breaker: {window: 10s}\n", ""), "has(it.breaker)", "breaker"),
    (("window: 10s", "window: 1s"), "!has(it.breaker) || it.breaker.window == 0.0 || it.breaker.window > 1.0",
     "breaker.window"),
    (("/orders/**", "/order/**"), '!has(it.match) || it.match.path != "/order/**"', "match.path"),
    (("    upstream: orders\n", "    respond: {status: 503}\n"), 'it.upstream != ""', "upstream"),
])
def test_a_rule_refuses_what_the_revision_did_and_passes_what_was_before(
        change: tuple[str, str], condition: str, at: str) -> None:
    found = drafted(change)
    assert found
    document = yaml.safe_load(found[0].body)
    assert (document["condition"], document["at"], document["incident"]) == (condition, at, 7)
    parsed = rules.of_documents({found[0].name: found[0].body.encode()})
    load.plan_of({"a": CONFIG.encode()}, parsed)
    with pytest.raises(ConfigError, match=r"rule incident-7-.*, incident 7"):
        load.plan_of({"a": CONFIG.replace(*change).encode()}, parsed)
    assert found[0].proof == ("refuses revision 4", "passes revision 3", "its own tests pass")


def test_a_route_that_went_must_be_there() -> None:
    gone = CONFIG[CONFIG.index("  - name: orders"):CONFIG.index("  - {name: rest")]
    found = drafted((gone, ""))
    assert [yaml.safe_load(each.body)["condition"] for each in found] == [
        'config.routes.exists(r, r.name == "orders")']


def test_what_the_incident_did_not_touch_is_no_rule() -> None:
    assert drafted(("status: 204", "status: 500")) == []


def test_of_an_incident_of_the_whole_gateway_every_change_counts() -> None:
    case = dataclasses.replace(cases.case(), applied=applied(("status: 204", "status: 500")),
                               incident=cases.incident(target="gateway"))
    found = proposing.proposals(case, (), CONFIG, 5, replayed)
    assert [yaml.safe_load(each.body)["condition"] for each in found] == [
        "!has(it.respond) || it.respond.status < 500"]


def test_a_change_that_was_made_beside_is_a_second_rule() -> None:
    both = CONFIG.replace("9001", "9002").replace("5s", "2s")
    case = dataclasses.replace(cases.case(), applied=dataclasses.replace(applied(("9001", "9002")), text=both))
    found = proposing.proposals(case, ("orders",), CONFIG, 5, replayed)
    assert [each.name for each in found] == ["incident-7-orders-endpoints.yaml",
                                             "incident-7-orders-timeouts-first_byte.yaml"]


def changes(fault: FaultClass, config: str = CONFIG, **finding: object) -> list[Proposal]:
    case = Case(cases.incident(fault), series=(cases.series(),))
    case.incident.finding.update(finding)
    return proposing.proposals(case, ("orders",), config, 5, replayed)


@pytest.mark.parametrize(("fault", "lines"), [
    (FaultClass.CLIENT_SURGE, ["+    limits: [{name: incident-7, key: client, rate: 9/s}, {name: all, key: route, "
                               "rate: 100/s}]      # measured in spring"]),
    (FaultClass.UPSTREAM_FAILURE, ["+  - fallback: [{stale: {for: 5m}}]"]),
    (FaultClass.SLOW_UPSTREAM, ["+    timeouts: {first_byte: 100ms}"]),
    (FaultClass.ENDPOINT_FAILURE, ["+    eject: {consecutive_failures: 5, for: 30s}"]),
    (FaultClass.CODE_DEFECT, []), (FaultClass.GATEWAY_OVERLOAD, []),
])
def test_a_kind_of_fault_has_the_change_that_would_have_held_it(fault: FaultClass, lines: list[str]) -> None:
    found = changes(fault, surge={"usual_per_second": 4.2})
    assert bool(found) == bool(lines)
    for each in found:
        assert each.kind is ProposalKind.CONFIG
        load.plan_of({"a": each.body.encode()})
        assert "# the shop's" in each.body
        assert each.replay == ("2 routes before, 2 after", "may be applied")
    added = [line for each in found for line in each.diff.splitlines() if line.startswith("+") and line != "+++ after"]
    assert set(lines) <= set(added)


def test_a_config_that_is_still_served_is_to_be_taken_back() -> None:
    bad = CONFIG.replace("9001", "9002")
    case = dataclasses.replace(cases.case(), applied=applied(("9001", "9002")))
    found = proposing.proposals(case, ("orders",), bad, 4, replayed)
    assert [each.name for each in found] == ["incident-7-orders-endpoints.yaml", "revert-4"]
    assert found[1].body == CONFIG
    assert found[1].replay[-1] == "may be applied"


def test_a_gateway_without_a_config_file_has_no_proposals(tmp_path: Path) -> None:
    assert proposing.proposals(Case(cases.incident(FaultClass.SLOW_UPSTREAM)), (), "", 1, replayed) == []
