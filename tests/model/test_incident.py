"""The law of an incident's life, and how bad it is."""
import pytest

from gateway.model import incident as incidents
from gateway.model.fault import FaultClass
from gateway.model.incident import SIGNALS_MAX, TRANSITIONS, Event, IllegalTransition, Incident, Severity, State
from gateway.model.signal import GATEWAY, Signal, SignalKind

SECOND = 1_000_000_000


def seen(kind: SignalKind, target: str = "route:list", at: int = 10, onset: int = 5) -> Signal:
    return Signal(kind, target, at * SECOND, onset * SECOND)


def an_incident(*signals: Signal) -> Incident:
    return incidents.opened(signals or (seen(SignalKind.ERRORS),), 10 * SECOND)


def after(*events: Event) -> Incident:
    incident = an_incident()
    for at, event in enumerate(events, 11):
        incident = incidents.apply(incident, event, at * SECOND)
    return incident


def test_every_state_says_where_it_may_go():
    assert TRANSITIONS.keys() == set(State)
    assert {to for events in TRANSITIONS.values() for to in events.values()} == set(State)


def test_a_life_from_first_to_last_keeps_the_time_of_each_step():
    done = after(Event.CONTAINED, Event.RELIEVED, Event.EXPLAINED, Event.OVER, Event.REVIEWED)
    assert done.state is State.REVIEWED
    assert [(name, at // SECOND) for name, at in done.times.items()] == [
        ("detected", 10), ("isolated", 11), ("mitigated", 12), ("analysed", 13), ("resolved", 14), ("reviewed", 15)]


def test_the_cause_may_be_known_before_anything_is_isolated():
    incident = after(Event.EXPLAINED, Event.CONTAINED)
    assert incident.state is State.ANALYSED
    assert incident.times["isolated"] == 12 * SECOND


def test_a_step_is_timed_once():
    assert after(Event.CONTAINED, Event.CONTAINED).times["isolated"] == 11 * SECOND


@pytest.mark.parametrize("end", [(Event.OVER,), (Event.OVER, Event.REVIEWED)])
def test_a_relapse_reopens_the_same_incident(end: tuple[Event, ...]):
    again = after(*end, Event.RELAPSED)
    assert again.state is State.DETECTED
    assert again.is_open
    assert again.relapses == 1
    assert list(again.times) == ["detected"]


@pytest.mark.parametrize(("events", "event"), [
    ((), Event.REVIEWED), ((), Event.RELAPSED), ((Event.OVER,), Event.CONTAINED), ((Event.OVER,), Event.OVER)])
def test_what_the_table_does_not_list_cannot_happen(events: tuple[Event, ...], event: Event):
    with pytest.raises(IllegalTransition, match="it can be"):
        incidents.apply(after(*events), event, 99)


@pytest.mark.parametrize(("signals", "expected"), [
    ([seen(SignalKind.GATEWAY_OVERLOADED, GATEWAY)], Severity.CRITICAL),
    ([seen(SignalKind.BREAKER_OPEN, "upstream:orders")], Severity.CRITICAL),
    ([seen(SignalKind.ERRORS, f"route:r{number}") for number in range(5)], Severity.CRITICAL),
    ([seen(SignalKind.ERRORS)], Severity.MAJOR),
    ([seen(SignalKind.RATE_DOWN)], Severity.MAJOR),
    ([seen(SignalKind.SLOW)], Severity.MINOR),
    ([seen(SignalKind.ENDPOINT_EJECTED, "endpoint:orders/127.0.0.1:9001")], Severity.MINOR),
    ([seen(SignalKind.COMMUNITY_REPORT)], Severity.NOTICE),
    ([seen(SignalKind.CERTIFICATE_EXPIRING, GATEWAY)], Severity.NOTICE),
])
def test_severity_follows_stated_rules(signals: list[Signal], expected: Severity):
    assert an_incident(*signals).severity is expected


def test_an_incident_remembers_its_worst():
    incident = incidents.with_signals(an_incident(), (seen(SignalKind.SLOW),), 20 * SECOND)
    assert incident.severity is Severity.MAJOR


def test_an_earlier_onset_moves_the_incidents_back():
    incident = incidents.with_signals(an_incident(), (seen(SignalKind.SLOW, onset=3),), 20 * SECOND)
    assert incident.onset_ns == 3 * SECOND


def test_silence_is_remembered_from_its_beginning_and_forgotten_with_the_next_signal():
    quiet = incidents.with_signals(an_incident(), (), 20 * SECOND)
    quiet = incidents.with_signals(quiet, (), 30 * SECOND)
    assert quiet.quiet_since_ns == 20 * SECOND
    assert incidents.with_signals(quiet, (seen(SignalKind.ERRORS),), 31 * SECOND).quiet_since_ns == 0


def test_signals_beyond_the_bound_are_counted():
    incident = an_incident(*(seen(SignalKind.ERRORS, f"route:r{number}") for number in range(SIGNALS_MAX + 3)))
    assert len(incident.signals) == SIGNALS_MAX
    assert incident.more_signals == 3


def test_the_title_names_the_fault_once_it_is_known_and_what_was_seen_before():
    incident = an_incident(*(seen(SignalKind.ERRORS, f"route:r{number}") for number in range(4)))
    assert incident.title == "errors on route:r0, route:r1, route:r2 and 1 more"
    assert incidents.found(incident, FaultClass.SLOW_UPSTREAM, {}).title.startswith("slow upstream on ")


def test_what_only_people_say_is_known_as_such():
    assert incidents.only_people_say_so(an_incident(seen(SignalKind.OPERATOR_REPORT)))
    assert not incidents.only_people_say_so(an_incident(seen(SignalKind.OPERATOR_REPORT), seen(SignalKind.SLOW)))
