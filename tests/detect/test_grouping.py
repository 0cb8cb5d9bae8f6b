"""Many signals of one cause are one incident, and those of two causes are two."""
import dataclasses

from gateway.detect import grouping
from gateway.detect.grouping import Topology
from gateway.model import incident as incidents
from gateway.model.report import Maintenance
from gateway.model.safeguards import SECOND
from gateway.model.signal import GATEWAY, Signal, SignalKind

SHOP = Topology({"list": ["orders"], "create": ["orders"], "login": ["users"]}, revision=7, applied_ns=10_000 * SECOND)


def seen(kind: SignalKind, target: str, onset: int = 100) -> Signal:
    return Signal(kind, target, 1000 * SECOND, onset * SECOND)


def errors(target: str, onset: int = 100) -> Signal:
    return seen(SignalKind.ERRORS, target, onset)


def groups(*signals: Signal) -> list[set[str]]:
    return [{each.target for each in group} for group in grouping.group(signals, [], SHOP).new]


def test_routes_of_one_upstream_that_fail_together_are_one_incident():
    assert groups(errors("route:list", 100), errors("route:create", 190)) == [{"route:list", "route:create"}]


def test_an_endpoint_belongs_to_its_upstreams_routes():
    assert groups(errors("route:list"), seen(SignalKind.ENDPOINT_EJECTED, "endpoint:orders/h:1")) == [
        {"route:list", "endpoint:orders/h:1"}]


def test_routes_of_two_upstreams_are_two_incidents():
    assert groups(errors("route:list"), errors("route:login")) == [{"route:list"}, {"route:login"}]


def test_the_same_upstream_ten_minutes_later_is_another_incident():
    assert groups(errors("route:list", 100), errors("route:create", 700)) == [{"route:list"}, {"route:create"}]


def test_what_begins_after_the_same_revision_is_one_incident():
    assert groups(errors("route:list", 10_010), errors("route:login", 10_030)) == [{"route:list", "route:login"}]


def test_an_overload_of_the_gateway_explains_everything_of_its_time():
    overload = seen(SignalKind.GATEWAY_OVERLOADED, GATEWAY, 120)
    signals = (errors("route:list"), errors("route:login"), overload)
    assert len(groups(*signals)) == 1
    assert grouping.heads(signals, SHOP) == (overload,)


def test_an_upstream_that_is_cut_off_explains_its_routes_and_no_others():
    cut, own, other = seen(SignalKind.BREAKER_OPEN, "upstream:orders"), errors("route:list"), errors("route:login")
    assert grouping.explained_by((cut, own, other), SHOP) == {own: cut}
    assert grouping.heads((own, other, cut), SHOP) == (cut, other)


def test_a_certificate_that_ends_has_nothing_to_do_with_an_outage():
    certificate = seen(SignalKind.CERTIFICATE_EXPIRING, GATEWAY)
    overload = seen(SignalKind.GATEWAY_OVERLOADED, GATEWAY)
    assert len(grouping.group([certificate, overload], [], SHOP).new) == 2


def test_a_signal_that_an_open_incident_has_stays_with_it_however_its_onset_moves():
    incident = dataclasses.replace(incidents.opened((errors("route:list"),), 0), id=5)
    found = grouping.group([errors("route:list", 900), errors("route:create", 110)], [incident], SHOP)
    assert {each.target for each in found.known[5]} == {"route:list", "route:create"}
    assert found.new == []


def test_nothing_is_opened_for_what_is_being_worked_on():
    signals = [errors("route:list"), errors("route:login"), seen(SignalKind.ENDPOINT_EJECTED, "endpoint:orders/h:1")]
    left = grouping.outside_maintenance(signals, [Maintenance("upstream:orders", "move", "ann", 0, 9)], SHOP)
    assert left == [errors("route:login")]
    assert grouping.outside_maintenance(signals, [Maintenance(GATEWAY, "move", "ann", 0, 9)], SHOP) == []
