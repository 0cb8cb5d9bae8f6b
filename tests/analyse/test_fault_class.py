"""One incident of each kind, as the rules are told of it."""
import dataclasses

import pytest

from gateway.analyse.attribution import Attribution, Part, Reach
from gateway.analyse.changes import Suspect
from gateway.analyse.fault_class import Facts, Upstream, classify
from gateway.model.change import Change, ChangeKind
from gateway.model.fault import FaultClass

GLOBAL = Attribution(Reach.GLOBAL)
HEALTHY = Upstream("users", 3, 0, 0.0, 0.0, 1.0, 1.0)


def caused(share: float = 0.94, **conditions: str) -> Attribution:
    return Attribution(Reach.CAUSE, (Part(conditions, 100.0, share),), share)


def suspect(kind: ChangeKind, score: float, seconds: float = 12.0, veto: str = "") -> Suspect:
    return Suspect(Change(kind, 0, f"{kind} 8"), score, score, seconds, veto)


def upstream(**different: float) -> Upstream:
    return dataclasses.replace(Upstream("orders", 3, 0, 0.0, 0.0, 1.0, 1.0), **different)  # type: ignore[arg-type]


CASES = {
    FaultClass.GATEWAY_OVERLOAD: Facts(GLOBAL, upstreams=(upstream(), HEALTHY), lag_p95_ms=45, cpu=0.97,
                                       slow_at_client=2),
    FaultClass.MISCONFIGURATION: Facts(caused(route="carts"), (suspect(ChangeKind.CONFIG, 0.8),), denied=0.99),
    FaultClass.CLIENT_SURGE: Facts(
        Attribution(Reach.GLOBAL, surge=Part({"client": "203.0.113.9"}, 900.0, 0.97)), rate_up=True),
    FaultClass.ENDPOINT_FAILURE: Facts(
        caused(endpoint="127.0.0.1:9002"), upstreams=(upstream(failing_endpoints=1, new_failures=100), HEALTHY)),
    FaultClass.NETWORK_FAILURE: Facts(GLOBAL, upstreams=(
        upstream(failing_endpoints=3, new_failures=100, local=1.0),
        dataclasses.replace(HEALTHY, failing_endpoints=3, new_failures=80, local=0.9))),
    FaultClass.UPSTREAM_FAILURE: Facts(
        caused(route="list-orders"), upstreams=(upstream(failing_endpoints=3, new_failures=100), HEALTHY)),
    FaultClass.SLOW_UPSTREAM: Facts(
        GLOBAL, upstreams=(upstream(slower=6.0, busier=5.0), HEALTHY), errors_lead=False),
    FaultClass.CODE_DEFECT: Facts(
        caused(version="1.4.2"), (suspect(ChangeKind.VERSION, 0.9),),
        (upstream(failing_endpoints=3, new_failures=100),)),
    FaultClass.UNKNOWN: Facts(GLOBAL, upstreams=(HEALTHY,)),
}


@pytest.mark.parametrize("fault", CASES, ids=str)
def test_each_kind_is_told_from_the_others(fault: FaultClass) -> None:
    verdict = classify(CASES[fault])
    assert verdict.fault is fault
    assert verdict.reasons


def test_an_incident_that_began_with_its_own_overload_is_one_though_shedding_keeps_the_lag_down() -> None:
    slow = (upstream(slower=6.0, busier=5.0), HEALTHY)
    verdict = classify(Facts(GLOBAL, upstreams=slow, overloaded="event-loop lag 102 ms"))
    assert verdict.fault is FaultClass.GATEWAY_OVERLOAD
    assert "event-loop lag 102 ms" in verdict.reasons[0]


def test_an_overload_that_one_client_causes_is_that_clients() -> None:
    surge = CASES[FaultClass.CLIENT_SURGE]
    assert classify(dataclasses.replace(surge, overloaded="CPU 99%")).fault is FaultClass.CLIENT_SURGE


def test_it_accuses_its_own_limit_where_nobody_sends_more() -> None:
    verdict = classify(Facts(caused(route="carts"), denied=0.97))
    assert verdict.fault is FaultClass.MISCONFIGURATION
    assert "does not fit this traffic" in verdict.reasons[0]


def test_denials_during_a_surge_are_the_surge() -> None:
    surge = Attribution(Reach.CAUSE, (Part({"client": "203.0.113.9"}, 100.0, 0.9),), 0.9,
                        surge=Part({"client": "203.0.113.9"}, 900.0, 0.97))
    assert classify(Facts(surge, denied=0.97, rate_up=True)).fault is FaultClass.CLIENT_SURGE


def test_a_vetoed_change_is_not_blamed() -> None:
    vetoed = suspect(ChangeKind.CONFIG, 0.0, veto="it came 40 s after the onset")
    facts = dataclasses.replace(CASES[FaultClass.ENDPOINT_FAILURE], suspects=(vetoed,))
    assert classify(facts).fault is FaultClass.ENDPOINT_FAILURE


def test_a_route_that_fails_behind_an_upstream_that_is_well_elsewhere_is_a_defect() -> None:
    sick = upstream(failing_endpoints=3, new_failures=100, elsewhere=0.01)
    assert classify(Facts(caused(route="search"), upstreams=(sick,))).fault is FaultClass.CODE_DEFECT
    alike = dataclasses.replace(sick, elsewhere=1.0)
    assert classify(Facts(caused(route="search"), upstreams=(alike,))).fault is FaultClass.UPSTREAM_FAILURE


def test_a_slow_endpoint_is_a_slow_upstream() -> None:
    facts = Facts(caused(endpoint="a"), upstreams=(upstream(failing_endpoints=1, slower=8.0),), errors_lead=False)
    assert classify(facts).fault is FaultClass.SLOW_UPSTREAM


def test_a_config_that_touched_the_place_of_the_trouble_just_before_is_to_blame() -> None:
    touched = dataclasses.replace(suspect(ChangeKind.CONFIG, 0.3), covers=0.97)
    facts = dataclasses.replace(CASES[FaultClass.ENDPOINT_FAILURE], suspects=(touched,))
    assert classify(facts).fault is FaultClass.MISCONFIGURATION
    long_ago = dataclasses.replace(touched, seconds_before=600.0)
    assert classify(dataclasses.replace(facts, suspects=(long_ago,))).fault is FaultClass.ENDPOINT_FAILURE


def test_a_change_in_a_busy_place_is_not_blamed_where_nothing_fails() -> None:
    surge = Attribution(Reach.NOTHING, surge=Part({"client": "203.0.113.9"}, 900.0, 0.97))
    facts = Facts(surge, (suspect(ChangeKind.CONFIG, 0.8, seconds=200.0),), rate_up=True)
    assert classify(facts).fault is FaultClass.CLIENT_SURGE


def test_confidence_is_in_words() -> None:
    assert classify(Facts(caused(0.94, endpoint="a"), upstreams=(upstream(failing_endpoints=1),))).confidence == "clear"
    assert classify(Facts(caused(0.6, endpoint="a"), upstreams=(upstream(failing_endpoints=1),))).confidence == "likely"
    assert classify(CASES[FaultClass.UNKNOWN]).confidence == "a guess"


def test_an_endpoint_that_a_reflex_took_out_at_once_is_the_failure_though_hardly_a_request_failed() -> None:
    verdict = classify(Facts(Attribution(Reach.NOTHING), upstreams=(upstream(), HEALTHY),
                             ejected=("orders/127.0.0.1:9002",)))
    assert verdict.fault is FaultClass.ENDPOINT_FAILURE
    assert "127.0.0.1:9002 was taken out by a reflex, 2 other endpoints" in verdict.reasons[0]
    assert verdict.confidence == "likely"


def test_all_endpoints_out_are_no_failure_of_one() -> None:
    out = tuple(f"orders/127.0.0.1:{port}" for port in (9001, 9002, 9003))
    assert classify(Facts(Attribution(Reach.NOTHING), upstreams=(upstream(),), ejected=out)).fault is FaultClass.UNKNOWN
