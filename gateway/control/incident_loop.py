"""LIFE OF AN INCIDENT, one turn each second: read `turn` from top to bottom.

    scan -> open or update -> explain -> respond -> judge whether it is over -> tell

Each step takes an incident and returns how it is now; `_keep` is the one place that writes: the incident, the lines of
its timeline, the alerts it causes and the actions it calls for are one transaction, and memory follows the disk. So
this process may be killed at any moment: its successor reads the open incidents, and the signals, which are levels, say
the rest again.
A store that fails leaves everything as it was; the next turn tries again.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from gateway.control.responding import Responder, Response
from gateway.control.telling import Telling
from gateway.detect import flapping, grouping
from gateway.detect.grouping import Topology
from gateway.model import incident as incidents
from gateway.model.action import Action, Move
from gateway.model.fault import FaultClass
from gateway.model.incident import Entry, Event, Incident
from gateway.model.signal import Signal, SignalKind
from gateway.record.incidents import BY_ITSELF
from gateway.record.outbox import Alert
from gateway.record.store import NotStored, Store

MOST_OPEN = 200
"""Beyond that a new group of signals is counted, not opened: who has so many looks at the first."""

REFLEXES = frozenset({SignalKind.BREAKER_OPEN, SignalKind.ENDPOINT_EJECTED, SignalKind.LIMIT_SATURATED,
                      SignalKind.BULKHEAD_FULL})
"""What says that a safeguard stands between the fault and the clients already."""

Source = Callable[[int], Iterable[Signal]]


@dataclasses.dataclass(frozen=True, slots=True)
class Findings:
    """What an analysis came to. `document`: for people and the API; `words`: the one line that says it."""

    fault: FaultClass
    words: str
    document: dict[str, object]


class Analyst(Protocol):
    """Thinks about one incident at a time, elsewhere: `ask` starts it, `answer` is None until it is done."""

    def ask(self, incident: Incident, now: int) -> None: ...

    def answer(self, incident: Incident, now: int) -> Findings | None: ...


class IncidentLoop:
    """Mutable state: the incidents that are open or may relapse, by id; None until the store could be read."""

    def __init__(self, store: Callable[[], Store], sources: Sequence[Source], topology: Callable[[], Topology],
                 analyst: Analyst | None, telling: Callable[[], Telling], log: logging.Logger,
                 responder: Responder | None = None) -> None:
        self._store = store
        self._sources = sources
        self._topology = topology
        self._analyst = analyst
        self._telling = telling
        self._log = log
        self.responder = responder
        self._known: dict[int, Incident] | None = None
        self.signals: list[Signal] = []
        self.not_opened = 0
        self.fault = ""

    # The story

    def turn(self, now: int) -> None:
        """`now`: UTC ns. Raises NotStored; what was done before that is done."""
        topology = self._topology()
        self.signals = self._scan(topology, now)
        homes = [each for each in self._incidents(now).values() if each.is_open or flapping.may_relapse(each, now)]
        grouped = grouping.group(self.signals, homes, topology)
        for signals in grouped.new:
            self._open(signals, topology, now)
        for incident in list(self._incidents(now).values()):
            seen = grouped.known.get(incident.id, ())
            incident = self._update(incident, seen, now) if incident.opened_ns != now else incident
            incident = self._explain(incident, now)
            incident = self._respond(incident, now)
            incident = self._judge_over(incident, now)
            self._tell(incident, now)

    def _scan(self, topology: Topology, now: int) -> list[Signal]:
        """All that is wrong now, less what is being worked on."""
        found = [signal for source in self._sources for signal in source(now)]
        return grouping.outside_maintenance(found, self._store().maintenance(now), topology)

    def _open(self, signals: tuple[Signal, ...], topology: Topology, now: int) -> None:
        if sum(each.is_open for each in self._incidents(now).values()) >= MOST_OPEN:
            self.not_opened += 1
            return
        heads = grouping.heads(signals, topology)
        rest = tuple(each for each in signals if each not in heads)
        opened = incidents.opened(heads + rest, now, topology.revision)
        stored = self._store().open_incident(opened, Entry(now, BY_ITSELF, "opened", str(heads[0])))
        self._incidents(now)[stored.id] = stored
        self._log.warning("incident %d, %s: %s", stored.id, stored.severity.word, stored.title)

    def _update(self, incident: Incident, seen: tuple[Signal, ...], now: int) -> Incident:
        """What is wrong now; a resolved one that is wrong again relapses."""
        if not incident.is_open:
            return self._relapse(incident, seen, now) if seen else incident
        changed = incidents.with_signals(incident, seen, now)
        known = {each.key for each in incident.signals}
        entries = [Entry(now, BY_ITSELF, "signal", str(each)) for each in seen if each.key not in known]
        if changed.severity is not incident.severity:
            entries.append(Entry(now, BY_ITSELF, "severity", f"{incident.severity.word} -> {changed.severity.word}"))
        if changed.quiet_since_ns and not incident.quiet_since_ns:
            entries.append(Entry(now, BY_ITSELF, "quiet", "no signal any more"))
        changed, followed = _reflexes(changed, seen, now)
        entries += followed
        if entries or (incident.quiet_since_ns and not changed.quiet_since_ns):
            return self._keep(changed, entries)
        self._incidents(now)[incident.id] = changed     # only numbers moved: not worth a write each second
        return changed

    def _relapse(self, incident: Incident, seen: tuple[Signal, ...], now: int) -> Incident:
        again = incidents.with_signals(incidents.apply(incident, Event.RELAPSED, now), seen, now)
        return self._keep(again, [Entry(now, BY_ITSELF, "relapsed", str(seen[0]))])

    def _explain(self, incident: Incident, now: int) -> Incident:
        """Asked once, after its opening or relapse; the answer comes in a later turn."""
        if shown := _shown_to_be_worse(incident):
            return self._blame_revision(incident, shown, now)
        if self._analyst is None or not incident.is_open or "analysed" in incident.times:
            return incident
        self._analyst.ask(incident, now)
        findings = self._analyst.answer(incident, now)
        if findings is None:
            return incident
        explained = incidents.found(incidents.apply(incident, Event.EXPLAINED, now), findings.fault, findings.document)
        self._log.warning("incident %d: %s", incident.id, findings.words)
        return self._keep(explained, [Entry(now, BY_ITSELF, "explained", findings.words)])

    def _blame_revision(self, incident: Incident, shown: Signal, now: int) -> Incident:
        """Its probation has compared it with the one before: no analysis can say it better."""
        words = f"{shown.reference} was worse: {shown.observed}"
        if shown.threshold.startswith("rolled back"):
            incident = incidents.apply(incident, Event.RELIEVED, now)
        explained = incidents.found(incidents.apply(incident, Event.EXPLAINED, now), FaultClass.MISCONFIGURATION,
                                    {"words": words, "revision": shown.reference, "done": shown.threshold})
        self._log.warning("incident %d: %s; %s", incident.id, words, shown.threshold)
        return self._keep(explained, [Entry(now, BY_ITSELF, "explained", words),
                                      Entry(now, BY_ITSELF, "probation", f"{shown.reference} {shown.threshold}")])

    def _respond(self, incident: Incident, now: int) -> Incident:
        """Contain and relieve: what the ladder and the recovery say, written first and then done."""
        if self.responder is None:
            return incident
        response = self.responder.respond(incident, now)
        return self._carry_out(response) if response.actions else incident

    def _carry_out(self, response: Response) -> Incident:
        for entry in response.entries:
            self._log.warning("incident %d: %s: %s", response.incident.id, entry.kind, entry.words)
        return self._keep(response.incident, response.entries, done=response.actions)

    def _judge_over(self, incident: Incident, now: int) -> Incident:
        base = 2 * self.responder.calm if self.responder is not None else flapping.BASE_NS
        if not incident.is_open or not flapping.is_over(incident, now, base):
            return incident
        if self.responder is not None and self.responder.stands_in_the_way(incident.id):
            return incident
        seconds = flapping.calm_needed(incident, base) // 10**9
        over = incidents.apply(incident, Event.OVER, now)
        self._log.warning("incident %d is over", incident.id)
        return self._keep(over, [Entry(now, BY_ITSELF, "resolved", f"no signal for {seconds} s")])

    def _tell(self, incident: Incident, now: int) -> None:
        told, alerts = self._telling().due(incident, self._store().installation(), now)
        if alerts:
            names = ", ".join(sorted({each.receiver for each in alerts}))
            self._keep(told, [Entry(now, BY_ITSELF, "alert", f"{alerts[0].kind} to {names}")], alerts)
        elif told is not incident:
            self._keep(told, [])

    # What people do

    def comment(self, number: int, who: str, words: str, now: int) -> Incident:
        return self._person(number, now, Entry(now, who, "comment", _line(words)))

    def acknowledge(self, number: int, who: str, now: int) -> Incident:
        """Repeated alerts end with it."""
        return self._person(number, now, Entry(now, who, "acknowledged", f"by {who}"), acknowledged_by=who)

    def assign(self, number: int, who: str, to: str, now: int) -> Incident:
        return self._person(number, now, Entry(now, who, "assigned", f"to {_line(to)}"), assignee=_line(to))

    def review(self, number: int, who: str, now: int) -> Incident:
        return self._moved(number, Event.REVIEWED, now, Entry(now, who, "reviewed", f"by {who}"))

    def resolve(self, number: int, who: str, words: str, now: int) -> Incident:
        """By hand. What is still wrong opens it again with the next turn."""
        return self._moved(number, Event.OVER, now, Entry(now, who, "resolved", _line(words)))

    def reopen(self, number: int, who: str, words: str, now: int) -> Incident:
        return self._moved(number, Event.RELAPSED, now, Entry(now, who, "reopened", _line(words)))

    def merge(self, number: int, into: int, who: str, now: int) -> Incident:
        """Its signals go on in the other one. Returns that."""
        if number == into:
            raise ValueError("an incident cannot be merged into itself")
        gone, stays = self.find(number), self.find(into)
        if not stays.is_open:
            raise ValueError(f"incident {into} is {stays.state}; reopen it first")
        merged = incidents.apply(gone, Event.MERGED, now)
        joined = incidents.with_signals(stays, gone.signals, now)
        self._keep(joined, [Entry(now, who, "merged", f"incident {number} goes on here")],
                   done=self.responder.adopted(number, into, now) if self.responder else ())
        self._keep(dataclasses.replace(merged, merged_into=into), [Entry(now, who, "merged", f"into incident {into}")])
        return joined

    def split(self, number: int, targets: Sequence[str], who: str, now: int) -> Incident:
        """The signals on these targets become an incident of their own. Returns that."""
        from_ = self.find(number)
        moved = tuple(each for each in from_.signals if each.target in targets)
        left = tuple(each for each in from_.signals if each.target not in targets)
        if not from_.is_open or not moved or not left:
            raise ValueError("to split it off, name some of the targets of an open incident, not all: "
                             f"{', '.join(from_.scope)}")
        own = incidents.opened(moved, now, from_.revision)
        stored = self._store().open_incident(own, Entry(now, who, "opened", f"split off incident {number}"))
        self._incidents(now)[stored.id] = stored
        scope = tuple(dict.fromkeys(each.target for each in left))
        self._keep(dataclasses.replace(from_, signals=left, scope=scope),
                   [Entry(now, who, "split", f"{', '.join(targets)} go on as incident {stored.id}")])
        return stored

    def order(self, number: int, action: int, event: Move, who: str, why: str, now: int, ttl: int) -> list[Action]:
        """Hold, force, skip or undo an action. Returns all of its incident. Raises KeyError or ValueError."""
        incident = self.find(number)
        if self.responder is None:
            raise KeyError("nothing is done here by itself")
        self._carry_out(self.responder.order(incident, action, event, who, why, now, ttl))
        return self.responder.of(number)

    def find(self, number: int) -> Incident:
        """Raises KeyError, or NotStored."""
        known = (self._known or {}).get(number) or self._store().incident(number)
        if known is None:
            raise KeyError(f"there is no incident {number}")
        return known

    def open_now(self) -> list[Incident]:
        """The worst first. Raises NotStored before the first turn."""
        known = self._store().recent_incidents(2**62) if self._known is None else self._known.values()
        return sorted((each for each in known if each.is_open), key=lambda each: (each.severity, each.id))

    def numbers(self) -> dict[str, int]:
        """Target -> the worst incident that is open on it. Raises NotStored."""
        return {target: each.id for each in reversed(self.open_now()) for target in each.scope}

    # Keeping

    def note(self, number: int, kind: str, words: str, now: int) -> Incident:
        """A line of its timeline about what was done elsewhere. Raises KeyError or NotStored."""
        return self._person(number, now, Entry(now, BY_ITSELF, kind, words))

    def _person(self, number: int, now: int, entry: Entry, **changes: str) -> Incident:
        return self._keep(dataclasses.replace(self.find(number), **changes), [entry])  # type: ignore[arg-type]

    def _moved(self, number: int, event: Event, now: int, entry: Entry) -> Incident:
        return self._keep(incidents.apply(self.find(number), event, now), [entry])

    def _keep(self, incident: Incident, entries: Sequence[Entry], alerts: Sequence[Alert] = (),
              done: Sequence[Action] = ()) -> Incident:
        written = self._store().save_incident(incident, entries, alerts, done)
        if self._known is not None:
            self._known[incident.id] = incident
        if self.responder is not None and written:
            self.responder.wrote(written)
        return incident

    def _incidents(self, now: int) -> dict[int, Incident]:
        """Those that are open or may relapse. Raises NotStored."""
        if self._known is None:
            recent = self._store().recent_incidents(now - flapping.RELAPSE_WITHIN_NS)
            self._known = {each.id: each for each in recent}
            for number in {each.incident for each in self.responder.in_force()} if self.responder else ():
                self._known.setdefault(number, self.find(number))
        for number in [each.id for each in self._known.values() if not self._is_looked_after(each, now)]:
            del self._known[number]
            if self.responder is not None:
                self.responder.forget(number)
        return self._known

    def _is_looked_after(self, incident: Incident, now: int) -> bool:
        if incident.is_open or flapping.may_relapse(incident, now) or self._telling().owes(incident):
            return True
        return self.responder is not None and any(each.in_force for each in self.responder.of(incident.id))

    def try_turn(self, now: int) -> None:
        """A turn whose fault is shown, and tried again with the next one."""
        try:
            self.turn(now)
        except NotStored as error:
            if str(error) != self.fault:
                self._log.error("incidents cannot be kept: %s", error)
            self.fault = str(error)
        else:
            self.fault = ""

    def __repr__(self) -> str:
        return f"<IncidentLoop {self.open_now()}>"


def _reflexes(incident: Incident, seen: Sequence[Signal], now: int) -> tuple[Incident, list[Entry]]:
    """What a reflex has cut off is isolated, and mitigated once nothing is seen of it any more."""
    cut = next((each for each in seen if each.kind in REFLEXES), None)
    if cut is not None and "isolated" not in incident.times:
        return incidents.apply(incident, Event.CONTAINED, now), [Entry(now, BY_ITSELF, "isolated", f"by reflex: {cut}")]
    if not seen and "isolated" in incident.times and "mitigated" not in incident.times:
        return incidents.apply(incident, Event.RELIEVED, now), [Entry(now, BY_ITSELF, "mitigated", "nothing is seen "
                                                                      "of it any more")]
    return incident, []


def _line(words: str) -> str:
    """What a person wrote, fit for a log and a terminal. Raises ValueError where nothing is left."""
    found = "".join(letter for letter in " ".join(words.split()) if letter.isprintable())[:500]
    if not found:
        raise ValueError("say something")
    return found


def _shown_to_be_worse(incident: Incident) -> Signal | None:
    """The revision that is to blame for it by its probation, where the incident does not say so yet."""
    if not incident.is_open or incident.fault is FaultClass.MISCONFIGURATION:
        return None
    return next((each for each in incident.signals if each.kind is SignalKind.REVISION_WORSE), None)
