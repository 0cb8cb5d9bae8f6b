"""What Prometheus reads of what control knows."""
import dataclasses

from prometheus_client.parser import text_string_to_metric_families

from gateway.model import incident as incidents
from gateway.model.incident import Incident
from gateway.model.signal import Signal, SignalKind
from gateway.record import exposition
from gateway.record.certificates import Served
from gateway.record.control_metrics import ControlMetrics, Facts

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(facts: Facts) -> Samples:
    text = exposition.write(ControlMetrics(lambda: facts).collect()).decode()
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def value(facts: Facts, name: str, **labels: str) -> float:
    return scrape(facts)[name, frozenset(labels.items())]


def incident(number: int, kind: SignalKind) -> Incident:
    opened = incidents.opened((Signal(kind, "route:orders", 2, 1, "many"),), 3)
    return dataclasses.replace(opened, id=number)


def test_open_incidents_are_told_by_severity_and_each_by_its_id() -> None:
    facts = Facts(incidents=(incident(7, SignalKind.ERRORS), *(incident(each, SignalKind.SLOW) for each in (9, 10))))
    many = {name: value(facts, "gateway_incidents", severity=name) for name in ("critical", "major", "minor", "notice")}
    assert many == {"critical": 0, "major": 1, "minor": 2, "notice": 0}
    assert value(facts, "gateway_incident_open", incident="7", severity="major", state="detected", fault="unknown") == 1
    assert not [name for name, _ in scrape(Facts()) if name == "gateway_incident_open"]


def test_the_outbox_tells_what_waits_and_what_became_of_the_rest() -> None:
    facts = Facts(alerts={"waiting": 2, "delivered": 40, "given up": 1})
    assert value(facts, "gateway_alerts_waiting") == 2
    assert value(facts, "gateway_alerts_total", result="delivered") == 40
    assert value(facts, "gateway_alerts_total", result="given_up") == 1


def test_a_store_that_cannot_be_read_says_nothing_of_alerts() -> None:
    found = scrape(Facts(alerts=None, store_fault=True))
    assert found["gateway_store_fault", frozenset()] == 1
    assert not [name for name, _ in found if name.startswith("gateway_alerts")]


def test_the_config_and_its_certificates_are_told() -> None:
    facts = Facts(revision=12, applied_ns=1_700_000_000 * 10**9, drift=True, refused=3,
                  certificates=[Served("0.0.0.0:443", "/etc/tls/a.pem", 1_800_000_000 * 10**9)])
    assert value(facts, "gateway_config_revision") == 12
    assert value(facts, "gateway_config_applied_timestamp_seconds") == 1_700_000_000
    assert value(facts, "gateway_config_drift") == 1
    assert value(facts, "gateway_config_problems") == 3
    assert value(facts, "gateway_certificate_expiry_timestamp_seconds", listener="0.0.0.0:443",
                 certificate="/etc/tls/a.pem") == 1_800_000_000
