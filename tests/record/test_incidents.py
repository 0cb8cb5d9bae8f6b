"""Incidents in the store: what was acknowledged is there after a death at any moment, with its line and its alerts."""
import dataclasses
import json
import logging
from pathlib import Path

import pytest

from gateway.model import incident as incidents
from gateway.model.change import Change, ChangeKind
from gateway.model.fault import FaultClass
from gateway.model.incident import Entry, Event, Incident
from gateway.model.report import Maintenance, Report
from gateway.model.safeguards import SECOND
from gateway.model.signal import Signal, SignalKind
from gateway.record import outbox
from gateway.record.incidents import BY_ITSELF, document, from_document
from gateway.record.outbox import Alert
from gateway.record.store import Store, open_store

NOW = 1_700_000_000 * SECOND
OPENED = Entry(NOW, BY_ITSELF, "opened", "errors on route:list")


def opened(folder: Path) -> Store:
    return open_store(folder, NOW, logging.getLogger("test"))


def an_incident() -> Incident:
    signal = Signal(SignalKind.ERRORS, "route:list", NOW, NOW - 20 * SECOND, "12 of 100 failed", "1 %", 4.0)
    return incidents.opened((signal,), NOW, revision=3)


def alert(kind: str = "trigger", receiver: str = "ops", due: int = NOW) -> Alert:
    return Alert(receiver, kind, "{}", NOW, due)


def due(store: Store, now: int = NOW) -> list[tuple[str, str]]:
    return [(each.alert.receiver, each.alert.kind) for each in store.due_alerts(now)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return opened(tmp_path)


def test_an_incident_its_first_line_and_its_alerts_outlive_a_crash(tmp_path: Path) -> None:
    stored = opened(tmp_path).open_incident(an_incident(), OPENED, [alert()])      # never closed
    again = opened(tmp_path)
    assert again.incident(stored.id) == stored == dataclasses.replace(an_incident(), id=1)
    assert again.timeline(stored.id) == [OPENED]
    assert due(again) == [("ops", "trigger")]


def test_the_document_of_an_incident_reads_back_whole() -> None:
    whole = incidents.apply(incidents.found(an_incident(), FaultClass.SLOW_UPSTREAM, {"reasons": ["slow"]}),
                            Event.EXPLAINED, NOW)
    assert from_document(json.loads(document(whole))) == whole


def test_a_document_of_a_newer_gateway_is_read_as_far_as_it_is_known() -> None:
    values = json.loads(document(an_incident())) | {"weather": "fair"}
    assert from_document(values) == an_incident()


def test_a_change_of_state_and_what_a_person_did_are_in_the_audit(store: Store) -> None:
    first = store.open_incident(an_incident(), OPENED)
    store.save_incident(first, [Entry(NOW, BY_ITSELF, "updated", "more")])
    store.save_incident(first, [Entry(NOW, "ann", "comment", "I look at it")])
    store.save_incident(incidents.apply(first, Event.OVER, NOW), [Entry(NOW, BY_ITSELF, "resolved", "over")])
    assert [entry.what.partition(".")[2] for entry in reversed(store.audit())] == ["open", "comment", "resolved"]
    assert store.verify() is None
    resolved, comment, opened = (json.loads(entry.detail) for entry in store.audit())
    assert (opened["before"], opened["after"]["state"]) == (None, "detected")
    assert (comment["reason"], comment["before"], comment["after"]) == ("I look at it", {}, {})
    assert (resolved["before"], resolved["after"]) == ({"state": "detected"}, {"state": "resolved"})


def test_what_was_resolved_lately_may_relapse_what_is_open_always(store: Store) -> None:
    old, lately, still = (store.open_incident(an_incident(), OPENED) for _ in range(3))
    for each, at in ((old, NOW), (lately, NOW + 500)):
        store.save_incident(incidents.apply(each, Event.OVER, at))
    assert [each.id for each in store.recent_incidents(NOW + 100)] == [lately.id, still.id]


def test_an_incident_that_was_never_opened_cannot_be_saved(store: Store) -> None:
    with pytest.raises(KeyError):
        store.save_incident(dataclasses.replace(an_incident(), id=7))
    assert store.audit() == []


def test_a_resolve_waits_for_its_trigger_and_other_receivers_do_not(store: Store) -> None:
    number = store.open_incident(an_incident(), OPENED, [alert(), alert("resolve"), alert("trigger", "chat")]).id
    assert due(store) == [("ops", "trigger"), ("chat", "trigger")]
    store.alert_delivered(store.due_alerts(NOW)[0].number)
    assert due(store) == [("ops", "resolve"), ("chat", "trigger")]
    assert number == 1


def test_a_failed_alert_waits_longer_each_time_and_is_given_up_after_a_day(store: Store) -> None:
    store.open_incident(an_incident(), OPENED, [alert()])
    first = store.due_alerts(NOW)[0]
    assert store.alert_failed(first, "refused", NOW)
    assert due(store, NOW + 2 * SECOND - 1) == []
    second = store.due_alerts(NOW + 2 * SECOND)[0]
    assert (second.attempts, outbox.wait(1), outbox.wait(50)) == (1, 4 * SECOND, 300 * SECOND)
    assert not store.alert_failed(second, "refused", NOW + outbox.GIVE_UP_NS)
    assert store.outbox() == {"waiting": 0, "delivered": 0, "given up": 1}


def test_two_stores_have_two_names_and_each_keeps_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    names = [opened(folder).installation() for folder in folders]
    assert names == [opened(folder).installation() for folder in folders]
    assert len(set(names)) == 2


def test_changes_are_found_by_their_time(store: Store) -> None:
    change = Change(ChangeKind.DEPLOY, NOW, "orders 1.4.2", (("upstream", "orders"),), "1.4.2")
    store.add_change(change, "ann")
    assert store.changes(NOW - 1, NOW + 1) == [change]
    assert store.changes(NOW + 1, NOW + 2) == []


def test_reports_are_kept_with_who_said_it(store: Store) -> None:
    report = Report(SignalKind.OPERATOR_REPORT, "route:list", NOW, "ann", "customers call")
    store.add_report(report)
    assert store.reports(NOW) == [report]
    with pytest.raises(ValueError, match="nothing that people say"):
        Report(SignalKind.ERRORS, "route:list", NOW, "ann")


def test_reports_of_strangers_are_forgotten_after_a_week_and_are_no_part_of_the_audit(store: Store) -> None:
    operator, stranger = SignalKind.OPERATOR_REPORT, SignalKind.COMMUNITY_REPORT
    later = Report(stranger, "route:list", NOW + 8 * 86_400 * 10**9, "client:2")
    before = len(store.audit())
    for each in (Report(stranger, "route:list", NOW, "client:1"), Report(operator, "route:list", NOW, "ann"), later):
        store.add_report(each)
    assert [each.who for each in store.reports(NOW)] == ["client:2", "ann"]
    assert len(store.audit()) == before + 1


def test_maintenance_ends_at_its_time_or_by_hand(store: Store) -> None:
    made = store.add_maintenance(Maintenance("route:list", "migration", "ann", NOW, NOW + 60 * SECOND))
    assert store.maintenance(NOW + 1) == [made]
    assert store.maintenance(NOW + 60 * SECOND) == []
    assert store.end_maintenance(made.id, NOW + 2, "bob")
    assert not store.end_maintenance(made.id, NOW + 3, "bob")
    assert store.maintenance(NOW + 3) == []
