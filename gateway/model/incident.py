"""An incident: from the first signal to the review, as one frozen value, and the law of how it may go on.

    detected -> isolated -> mitigated -> analysed -> resolved -> reviewed

A step may be left out (what cures itself was never isolated), and the gateway often knows the cause before it has
relieved anything; so TRANSITIONS says for each state which event leads where. What it does not list cannot happen.
A relapse reopens the same incident: people, alerts and history stay in one place.
"""

import dataclasses
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from gateway.model.fault import FaultClass
from gateway.model.signal import REPORTS, Signal, SignalKind

SIGNALS_MAX = 64
SCOPE_MAX = 64
"""Of an incident; what is beyond that is counted, not kept."""


class State(StrEnum):
    DETECTED = "detected"
    ISOLATED = "isolated"
    MITIGATED = "mitigated"
    ANALYSED = "analysed"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"


class Event(StrEnum):
    CONTAINED = "contained"
    RELIEVED = "relieved"
    EXPLAINED = "explained"
    OVER = "over"
    REVIEWED = "reviewed"
    RELAPSED = "relapsed"
    MERGED = "merged"


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.DETECTED: {Event.CONTAINED: State.ISOLATED, Event.RELIEVED: State.MITIGATED, Event.EXPLAINED: State.ANALYSED,
                     Event.OVER: State.RESOLVED, Event.MERGED: State.RESOLVED},
    State.ISOLATED: {Event.CONTAINED: State.ISOLATED, Event.RELIEVED: State.MITIGATED, Event.EXPLAINED: State.ANALYSED,
                     Event.OVER: State.RESOLVED, Event.MERGED: State.RESOLVED},
    State.MITIGATED: {Event.CONTAINED: State.MITIGATED, Event.RELIEVED: State.MITIGATED,
                      Event.EXPLAINED: State.ANALYSED, Event.OVER: State.RESOLVED, Event.MERGED: State.RESOLVED},
    State.ANALYSED: {Event.CONTAINED: State.ANALYSED, Event.RELIEVED: State.ANALYSED, Event.EXPLAINED: State.ANALYSED,
                     Event.OVER: State.RESOLVED, Event.MERGED: State.RESOLVED},
    State.RESOLVED: {Event.REVIEWED: State.REVIEWED, Event.RELAPSED: State.DETECTED},
    State.REVIEWED: {Event.RELAPSED: State.DETECTED},
}
OPEN = frozenset(state for state, events in TRANSITIONS.items() if Event.OVER in events)
STEPS = {Event.CONTAINED: State.ISOLATED, Event.RELIEVED: State.MITIGATED, Event.EXPLAINED: State.ANALYSED,
         Event.OVER: State.RESOLVED, Event.MERGED: State.RESOLVED, Event.REVIEWED: State.REVIEWED}
"""The step whose first time an event marks; `times` keeps it even where the state is further already."""


class Severity(IntEnum):
    """The smaller, the worse."""

    CRITICAL = 1
    MAJOR = 2
    MINOR = 3
    NOTICE = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class IllegalTransition(ValueError):
    """The event cannot happen in this state; the message says what can."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. `kind`: a word for machines; `who`: "gateway" or by what right a person acted."""

    at_ns: int
    who: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Incident:
    """`scope`: targets, as they are written; `times`: state -> first UTC ns in it since the last opening.

    `id` is 0 until it is stored. `finding`: what the analysis said, as plain data, empty before. `merged_into`: the id
    of the incident that goes on in its place. `more_signals`: those beyond SIGNALS_MAX. `quiet_since_ns`: when the last
    signal stopped, 0 while there is one. `told`, `told_ns`: what the last alerts said of it, and when.
    """

    onset_ns: int
    opened_ns: int
    scope: tuple[str, ...]
    signals: tuple[Signal, ...]
    severity: Severity
    id: int = 0
    state: State = State.DETECTED
    fault: FaultClass = FaultClass.UNKNOWN
    times: dict[str, int] = field(default_factory=dict)
    finding: dict[str, Any] = field(default_factory=dict)
    acknowledged_by: str = ""
    assignee: str = ""
    merged_into: int = 0
    relapses: int = 0
    more_signals: int = 0
    quiet_since_ns: int = 0
    revision: int = 0
    told: str = ""
    told_ns: int = 0

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def title(self) -> str:
        where = ", ".join(self.scope[:3]) + (f" and {len(self.scope) - 3} more" if len(self.scope) > 3 else "")
        what = self.fault.value if self.fault is not FaultClass.UNKNOWN else self.signals[0].kind.value
        return f"{what} on {where}"


def apply(incident: Incident, event: Event, at_ns: int) -> Incident:
    """The one function that moves an incident on. Raises IllegalTransition."""
    allowed = TRANSITIONS[incident.state]
    if event not in allowed:
        raise IllegalTransition(f"an incident that is {incident.state} cannot be {event}; it can be "
                                f"{', '.join(allowed)}")
    times = dict(incident.times)
    if event is Event.RELAPSED:
        times = {State.DETECTED.value: at_ns}
    elif event in STEPS:
        times.setdefault(STEPS[event].value, at_ns)
    relapses = incident.relapses + (event is Event.RELAPSED)
    return dataclasses.replace(incident, state=allowed[event], times=times, relapses=relapses)


def opened(signals: tuple[Signal, ...], now: int, revision: int = 0) -> Incident:
    """A new incident; its onset is the earliest that one of its signals names."""
    first = Incident(min(each.onset_ns for each in signals), now, (), signals, Severity.NOTICE,
                     times={State.DETECTED.value: now}, revision=revision)
    return with_signals(first, signals, now)


def with_signals(incident: Incident, active: tuple[Signal, ...], now: int) -> Incident:
    """The incident with what is wrong now: known signals renewed, new ones added, the worst severity so far kept."""
    known = {each.key: each for each in incident.signals} | {each.key: each for each in active}
    kept = tuple(known.values())[:SIGNALS_MAX]
    scope = tuple(dict.fromkeys([*incident.scope, *(each.target for each in kept)]))[:SCOPE_MAX]
    quiet = 0 if active else incident.quiet_since_ns or now
    worst = min(severity(active, scope), incident.severity) if active else incident.severity
    onset = min(incident.onset_ns, *(each.onset_ns for each in active)) if active else incident.onset_ns
    return dataclasses.replace(incident, signals=kept, scope=scope, severity=worst, quiet_since_ns=quiet,
                               onset_ns=onset, more_signals=incident.more_signals + len(known) - len(kept))


CRITICAL_ROUTES = 5
"""So many routes at once are more than one service."""
FAILING = frozenset({SignalKind.ERRORS, SignalKind.RATE_DOWN, SignalKind.BREAKER_OPEN, SignalKind.BURN})


def severity(signals: tuple[Signal, ...], scope: tuple[str, ...]) -> Severity:
    """By stated rules, the first that fits:

    critical  the gateway itself is overloaded; or requests fail on an upstream that is cut off; or on 5 routes or more
    major     requests fail, or too few come, or an error budget burns, on a route or upstream
    minor     requests are slow or too many, an endpoint is out, a bulkhead is full, a revision was worse
    notice    everything else: only people say so, a config was refused, a certificate ends, a limit is reached
    """
    kinds = {each.kind for each in signals}
    routes = sum(each.startswith("route:") for each in scope)
    failing = kinds & FAILING
    if SignalKind.GATEWAY_OVERLOADED in kinds or SignalKind.BREAKER_OPEN in kinds or (
            failing and routes >= CRITICAL_ROUTES):
        return Severity.CRITICAL
    if failing:
        return Severity.MAJOR
    if kinds & {SignalKind.SLOW, SignalKind.RATE_UP, SignalKind.ENDPOINT_EJECTED, SignalKind.BULKHEAD_FULL,
                SignalKind.REVISION_WORSE}:
        return Severity.MINOR
    return Severity.NOTICE


def found(incident: Incident, fault: FaultClass, finding: dict[str, Any]) -> Incident:
    """With what an analysis said; whether that explains it is for an Event to tell."""
    return dataclasses.replace(incident, fault=fault, finding=finding)


def only_people_say_so(incident: Incident) -> bool:
    """No detector saw anything: such an incident never causes an action."""
    return all(each.kind in REPORTS for each in incident.signals)
