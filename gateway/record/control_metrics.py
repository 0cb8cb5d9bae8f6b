"""Metrics of what control knows beside the board: config, certificates, incidents, alerts, its turns and its store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.incident import Incident, Severity
from gateway.record.certificates import Served
from gateway.record.exposition import Family, counter, gauge, single

ALERTS = "Alerts that receivers took, and those given up after a day."
CERTIFICATE = "When a certificate of a listener expires, in seconds since 1970."


@dataclass(frozen=True, slots=True)
class Facts:
    """`applied_ns`: UTC; `refused`: problems of the config on the disk; `alerts`: by state, None where the store cannot
    be read; `not_opened`: incidents beyond the bound; times in ms."""

    revision: int = 0
    applied_ns: int = 0
    drift: bool = False
    refused: int = 0
    store_fault: bool = False
    certificates: Sequence[Served] = ()
    incidents: Sequence[Incident] = ()
    not_opened: int = 0
    alerts: Mapping[str, int] | None = None
    turn_ms: float = 0.0
    worst_turn_ms: float = 0.0
    turn_fault: bool = False
    history_bytes: int = 0
    history_max_bytes: int = 0
    history_dropped: int = 0


class ControlMetrics:
    """`facts`: read at each scrape."""

    def __init__(self, facts: Callable[[], Facts]) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Family]:
        facts = self._facts()
        yield from _config(facts)
        yield from _incidents(facts)
        yield from _alerts(facts)
        yield from _thinking(facts)


def _config(facts: Facts) -> Iterator[Family]:
    yield single("gateway_config_revision", "The number of the revision that is served.", facts.revision)
    yield single("gateway_config_applied_timestamp_seconds", "When it was applied, in seconds since 1970.",
                 facts.applied_ns / 1e9)
    yield single("gateway_config_drift", "1 while the disk holds another config than is served.", facts.drift)
    yield single("gateway_config_problems", "Problems for which the config on the disk was refused.", facts.refused)
    yield gauge("gateway_certificate_expiry_timestamp_seconds", CERTIFICATE, ("listener", "certificate"),
                (((each.listener, each.path), each.ends_ns / 1e9) for each in facts.certificates))


def _incidents(facts: Facts) -> Iterator[Family]:
    many = {severity: sum(each.severity is severity for each in facts.incidents) for severity in Severity}
    yield gauge("gateway_incidents", "Open incidents.", ("severity",),
                (((severity.word,), count) for severity, count in many.items()))
    yield gauge("gateway_incident_open", "1 for each open incident, by its id.",
                ("incident", "severity", "state", "fault"),
                (((str(each.id), each.severity.word, each.state.value, each.fault.value), 1)
                 for each in facts.incidents))
    yield counter("gateway_incidents_not_opened", "Signals that found too many incidents open.", (),
                  [((), facts.not_opened)])


def _alerts(facts: Facts) -> Iterator[Family]:
    alerts = facts.alerts or {}
    yield gauge("gateway_alerts_waiting", "Alerts in the outbox that no receiver has taken yet.", (),
                [((), count) for name, count in alerts.items() if name == "waiting"])
    yield counter("gateway_alerts", ALERTS, ("result",),
                  [((name.replace(" ", "_"),), count) for name, count in alerts.items() if name != "waiting"])


def _thinking(facts: Facts) -> Iterator[Family]:
    yield single("gateway_deliberation_turn_seconds", "How many seconds control's last turn took.", facts.turn_ms / 1e3)
    yield single("gateway_deliberation_worst_turn_seconds", "The longest turn since control began, in seconds.",
                 facts.worst_turn_ms / 1e3)
    yield single("gateway_deliberation_fault", "1 while turns fail.", facts.turn_fault)
    yield single("gateway_store_fault", "1 while the store cannot be read or written.", facts.store_fault)
    yield single("gateway_history_bytes", "Bytes of the history of all targets on the disk.", facts.history_bytes)
    yield single("gateway_history_max_bytes", "What it may take.", facts.history_max_bytes)
    yield counter("gateway_history_dropped", "Series that were dropped to keep that bound.", (),
                  [((), facts.history_dropped)])
