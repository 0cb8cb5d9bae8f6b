import pytest

from gateway.detect import reflex
from gateway.detect.reflex import (
    DAY,
    MINUTE,
    SECOND,
    Breaker,
    Certificate,
    Endpoint,
    Facts,
    Process,
    Refusals,
    RefusedConfig,
    Restart,
)
from gateway.model.signal import GATEWAY, SignalKind
from gateway.model.target import Target

NOW = 1_000_000 * SECOND
ROUTE = Target("route", "list-orders")


def kinds(facts: Facts) -> list[SignalKind]:
    return [signal.kind for signal in reflex.signals(facts, NOW)]


def test_nothing_is_wrong_with_nothing():
    assert reflex.signals(Facts(), NOW) == []


def test_a_breaker_is_a_signal_while_it_is_open():
    assert kinds(Facts(breakers=[Breaker("orders", False, 0)])) == []
    signal, = reflex.signals(Facts(breakers=[Breaker("orders", True, NOW - 5, 12, 20)]), NOW)
    assert (signal.kind, signal.target, signal.onset_ns) == (SignalKind.BREAKER_OPEN, "upstream:orders", NOW - 5)
    assert "12 of 20" in signal.observed


def test_an_ejected_endpoint_is_named_with_its_upstream():
    signal, = reflex.signals(Facts(endpoints=[Endpoint("orders", "127.0.0.1:9002", True, NOW, "5 in a row")]), NOW)
    assert signal.target == "endpoint:orders/127.0.0.1:9002"


@pytest.mark.parametrize(("refused", "requests", "saturated"), [(19, 20, False), (20, 200, True), (20, 201, False)])
def test_a_limit_is_saturated_by_a_tenth_and_twenty_of_a_minute(refused, requests, saturated):
    facts = Facts(limits=[Refusals(ROUTE, "per-client", refused, requests, NOW)])
    assert kinds(facts) == [SignalKind.LIMIT_SATURATED] * saturated


def test_one_request_without_a_place_is_a_full_bulkhead():
    assert kinds(Facts(bulkheads=[Refusals(ROUTE, "concurrency", 1, 1000, NOW)])) == [SignalKind.BULKHEAD_FULL]
    assert kinds(Facts(bulkheads=[Refusals(ROUTE, "concurrency", 0, 1000, NOW)])) == []


@pytest.mark.parametrize(("process", "said"), [
    (Process(21, 0.1, 0.1, NOW), "lag 21 ms"), (Process(1, 0.96, 0.1, NOW), "CPU 96%"),
    (Process(1, 0.1, 0.95, NOW), "95% of the file descriptors")])
def test_the_gateway_accuses_itself(process, said):
    signal, = reflex.signals(Facts(process=process), NOW)
    assert signal.target == GATEWAY
    assert said in signal.observed


def test_a_gateway_at_ease_says_nothing():
    assert kinds(Facts(process=Process(20, 0.95, 0.9, NOW))) == []


def test_a_refused_config_stands_until_another_is_applied():
    signal, = reflex.signals(Facts(config=RefusedConfig(NOW - MINUTE, "gateway.yaml:3:1: unknown key")), NOW)
    assert signal.onset_ns == NOW - MINUTE


@pytest.mark.parametrize(("days", "said"), [(15, None), (13, "expires in 13 days"), (-1, "has expired")])
def test_a_certificate_is_named_two_weeks_before_it_expires(days, said):
    found = reflex.signals(Facts(certificates=[Certificate("tls.pem", NOW + days * DAY)]), NOW)
    assert [signal.observed for signal in found] == ([said] if said else [])


def test_restarts_of_a_worker_are_one_signal_for_five_minutes():
    restarts = [Restart(0, NOW - 4 * MINUTE, "signal 9"), Restart(0, NOW - MINUTE, "signal 11"), Restart(1, NOW - DAY)]
    signal, = reflex.signals(Facts(restarts=restarts), NOW)
    assert signal.observed == "2 in five minutes: signal 11"
    assert signal.onset_ns == NOW - 4 * MINUTE
