"""What the public is told of incidents, and what it is not."""
import dataclasses
import json

import pytest

from gateway.model import incident as incidents
from gateway.model.incident import Event, Incident
from gateway.model.report import Maintenance
from gateway.model.signal import GATEWAY, Signal, SignalKind
from gateway.public import status_document

SECOND = 10**9
NOW = 1_000 * SECOND
BEHIND = {"list": "orders", "show": "orders", "login": "", "pay": "bank"}


def incident(*seen: tuple[SignalKind, str], number: int = 7) -> Incident:
    signals = tuple(Signal(kind, target, NOW, NOW - 30 * SECOND, "93 % of 127.0.0.1") for kind, target in seen)
    return dataclasses.replace(incidents.opened(signals, NOW), id=number)


def document(*open_now: Incident, maintenance: tuple[Maintenance, ...] = ()) -> dict[str, object]:
    return status_document.document(open_now, maintenance, BEHIND, NOW)


def test_nothing_is_wrong():
    assert document() == {"status": "operational", "at": "1970-01-01T00:16:40Z", "incidents": [],
                          "maintenance": []}


def test_an_incident_is_told_by_routes_since_when_and_what_is_done():
    found = document(incident((SignalKind.ERRORS, "route:list")))
    assert found["status"] == "disrupted"
    assert found["incidents"] == [{"id": 7, "what": "requests fail", "where": ["list"],
                                   "since": "1970-01-01T00:16:10Z", "doing": "it is being looked into"}]


def test_nothing_from_inside_is_told():
    found = json.dumps(document(incident((SignalKind.BREAKER_OPEN, "upstream:orders"),
                                         (SignalKind.ENDPOINT_EJECTED, "endpoint:orders/127.0.0.1:9002"),
                                         (SignalKind.ERRORS, "client:192.0.2.7"))))
    assert "upstream" not in found
    assert "orders" not in found
    assert "127.0.0.1" not in found
    assert "192.0.2.7" not in found
    assert '"where": ["list", "show"]' in found


@pytest.mark.parametrize("seen", [
    (SignalKind.CONFIG_REFUSED, GATEWAY), (SignalKind.CERTIFICATE_EXPIRING, GATEWAY),
    (SignalKind.RATE_UP, "route:list"), (SignalKind.ERRORS, "client:192.0.2.7"), (SignalKind.ERRORS, "route:gone"),
])
def test_what_no_user_notices_is_not_told(seen):
    assert document(incident(seen))["incidents"] == []
    assert document(incident(seen))["status"] == "operational"


def test_an_overload_of_the_gateway_concerns_everything():
    assert document(incident((SignalKind.GATEWAY_OVERLOADED, GATEWAY)))["incidents"][0]["where"] == ["everything"]


def test_what_is_done_follows_the_incident():
    seen = incident((SignalKind.SLOW, "route:pay"))
    assert document(seen)["status"] == "degraded"
    isolated = incidents.apply(seen, Event.CONTAINED, NOW)
    assert document(isolated)["incidents"][0]["doing"] == "the faulty part is cut off"
    taken = dataclasses.replace(isolated, acknowledged_by="ann")
    assert document(taken)["incidents"][0]["doing"] == "people are working on it"


def test_maintenance_is_told_without_its_reason():
    window = Maintenance("upstream:bank", "the bank is bankrupt", "ann", NOW, NOW + 60 * SECOND)
    found = document(maintenance=(window,))
    assert found["status"] == "maintenance"
    assert found["maintenance"] == [{"where": ["pay"], "until": "1970-01-01T00:17:40Z"}]
