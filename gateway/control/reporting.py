"""Post-mortems: each incident that is over gets one within a minute, and people change it.

    over -> recalled, in a child -> drafted -> in the store, then as files beside it -> tuned, in another child

While none waits for that, the same child drafts the correction of an open one that the served revision is to blame for.

One incident at a time, the latest first. The store's record is the truth; the files are written from it, and written
anew when it changes. A relapse changes nothing until it is over again; then it is drafted anew, and what people wrote
stays. Tuning takes minutes; an incident that ends while another is tuned is not tuned.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from gateway.control.filing import Filing
from gateway.control.recalling import Memory, Question
from gateway.control.tuning import TuningQuestion
from gateway.model.action import Action, ActionKind
from gateway.model.change import ChangeKind
from gateway.model.fault import FaultClass
from gateway.model.incident import Incident
from gateway.prevent import files, post_mortem, review
from gateway.prevent.case import Applied, Case, utc
from gateway.prevent.post_mortem import Record
from gateway.prevent.tuning import Labelled
from gateway.record import proposals
from gateway.record.active import Active
from gateway.record.revision import Revision
from gateway.record.store import NotStored, Store
from gateway.record.ticks import SECONDS
from gateway.routing.plan import Plan

SECOND = 10**9
LOOK_NS = 2 * SECOND
TICK_NS = SECONDS * SECOND
WRITTEN_NS = 2 * SECOND
"""So long after the end of a tick the windows hold it."""
FOLDER = "post-mortems"
LABELLED_MOST = 50
TUNING_SECONDS = 1800.0
TUNING = "gateway.processes.tuner"
BY_ITSELF = "gateway"


class Historian(Protocol):
    """Recalls one incident at a time, elsewhere."""

    def begin(self, question: Question) -> None: ...

    def memory(self) -> Memory | None: ...


class Incidents(Protocol):
    """Those that are open, and their timelines."""

    def open_now(self) -> list[Incident]: ...

    def note(self, number: int, kind: str, words: str, now: int) -> Incident: ...


class Tuner(Protocol):
    """Replays the windows under other budgets, elsewhere; an empty answer: it came to nothing."""

    def begin(self, question: str) -> None: ...

    def answer(self) -> dict[str, Any] | None: ...


class Reporting:
    """Mutable state: the incident that is being recalled, the number of the one that is being tuned, when it was
    looked for the next one, and what was answered about corrections: incidents, each with the revision served."""

    def __init__(self, store: Callable[[], Store], folder: Path, active: Callable[[], Active], incidents: Incidents,
                 historian: Historian, tuner: Tuner, filing: Filing, log: logging.Logger) -> None:
        self._store = store
        self._folder = folder / FOLDER
        self._active = active
        self._incidents = incidents
        self._historian = historian
        self._tuner = tuner
        self._filing = filing
        self._log = log
        self._about: Incident | None = None
        self._tuned = 0
        self._looked_ns = 0
        self._corrected: set[tuple[int, int]] = set()
        self.fault = ""

    def turn(self, now: int) -> None:
        """`now`: UTC ns. Raises NotStored."""
        if self._tuned and (found := self._tuner.answer()) is not None:
            number, self._tuned = self._tuned, 0
            self._add_tuning(number, found, now)
        if self._about is None:
            if now - self._looked_ns < LOOK_NS:
                return
            self._looked_ns = now
            self._about = self._next_over(now) or self._next_to_correct()
            if self._about is not None:
                self._historian.begin(self._question(self._about))
        elif (memory := self._historian.memory()) is not None:
            incident, self._about = self._about, None
            if incident.is_open:
                self._propose(incident, memory, now)
            else:
                self._draft(incident, memory, now)

    def _next_over(self, now: int) -> Incident | None:
        """Once the windows hold its end."""
        written = (now - WRITTEN_NS) // TICK_NS * TICK_NS
        waiting = self._store().without_post_mortem()
        return next((each for each in waiting if each.times["resolved"] < written), None)

    def _next_to_correct(self) -> Incident | None:
        """None that is answered already: a child that came to nothing would come to nothing again."""
        served, open_now = self._active().revision.number, self._incidents.open_now()
        self._corrected &= {(each.id, served) for each in open_now}
        return next((each for each in open_now if (each.id, served) not in self._corrected
                     and self._blames(each, served)), None)

    def _blames(self, incident: Incident, served: int) -> bool:
        explained = incident.fault is FaultClass.MISCONFIGURATION and "analysed" in incident.times
        return explained and suspect(incident, tuple(self._store().actions_of(incident.id))) == served

    def _propose(self, incident: Incident, memory: Memory, now: int) -> None:
        """What was drafted against a revision that has gone meanwhile is dropped: nobody could accept it."""
        current, served = self._store().incident(incident.id), self._active().revision.number
        if current is None or not current.is_open:
            return                      # it is over meanwhile, and will be asked about as such
        for each in self._store().add_proposals([each for each in memory.proposals if each.base == served]):
            self._incidents.note(incident.id, "correction", f"proposal {each.id} is drafted: {each.title}; `gateway "
                                 f"incidents accept {incident.id} {each.id}` applies it", now)
            self._log.info("the correction of incident %d is drafted: %s", incident.id, each.title)
        self._corrected.add((incident.id, served))

    def _draft(self, incident: Incident, memory: Memory, now: int) -> None:
        current = self._store().incident(incident.id)
        if current is None or current.is_open:
            return                      # it has relapsed meanwhile
        record = post_mortem.draft(self._case(current, memory), now)
        before = self._store().post_mortem(incident.id)
        if before is not None:
            record = review.redrafted(before, record)
        self._store().add_proposals(memory.proposals)
        self._keep(record, current.times["resolved"], now, BY_ITSELF, "draft")
        self._log.info("the post-mortem of incident %d is drafted", incident.id)
        if not self._tuned:
            self._tuned = incident.id
            self._tuner.begin(self._tuning_question(current).to_json())

    def _tuning_question(self, incident: Incident) -> TuningQuestion:
        active, case = self._active(), Case(incident)
        budgets = {route.name: route.false_alarms for route in active.plan.routes}
        routes = tuple((name, success, budgets.get(name, 0)) for name, success in affected(incident, active.plan))
        known = [each for each in self._store().incidents(LABELLED_MOST) if not each.merged_into]
        labelled = tuple(map(self._labelled, known))
        return TuningQuestion(incident.id, incident.title, case.onset_ns / SECOND, case.over_ns / SECOND,
                              (incident.opened_ns - case.onset_ns) / SECOND, routes,
                              tuple(each for each in labelled if each.routes), active.revision.text,
                              active.revision.number)

    def _labelled(self, incident: Incident) -> Labelled:
        case = Case(incident)
        return Labelled(incident.id, frozenset(name for name, _ in affected(incident, self._active().plan)),
                        case.onset_ns / SECOND, case.over_ns / SECOND)

    def _add_tuning(self, number: int, found: dict[str, Any], now: int) -> None:
        record = self._store().post_mortem(number)
        if record is None or not found:
            return
        self._store().add_proposals([proposals.from_document(each) for each in found["proposals"]])
        self._change(post_mortem.with_tuning(record, found), now, BY_ITSELF, "tune")

    def _question(self, incident: Incident) -> Question:
        active, actions = self._active(), tuple(self._store().actions_of(incident.id))
        return Question(incident, affected(incident, active.plan), self._applied(incident, actions),
                        active.revision.text, active.revision.number)

    def _case(self, incident: Incident, memory: Memory) -> Case:
        store = self._store()
        actions = tuple(store.actions_of(incident.id))
        return Case(incident, tuple(store.timeline(incident.id)), actions, memory.series, memory.promises,
                    memory.clients, self._applied(incident, actions))

    def _applied(self, incident: Incident, actions: tuple[Action, ...]) -> Applied | None:
        number = suspect(incident, actions)
        found = self._store().revision(number) if number else None
        before = self._store().before(found) if found else None
        if found is None or before is None:
            return None
        return Applied(found.number, before.number, found.text, before.text, found.diff, _by(found), found.author,
                       found.commit, found.at_ns)

    # What people do

    def find(self, number: int) -> Record:
        """Raises KeyError, NotStored."""
        found = self._store().post_mortem(number)
        if found is None and self._store().incident(number) is None:
            raise KeyError(f"there is no incident {number}")
        if found is None:
            raise KeyError(f"incident {number} has no post-mortem yet; it is drafted within a minute after its end")
        return found

    def edit(self, number: int, edits: dict[str, Any], who: str, now: int) -> Record:
        """Raises KeyError, ValueError, review.NotNow, NotStored."""
        return self._change(review.edited(self.find(number), edits, who), now, who, "edit")

    def sign(self, number: int, function: str, who: str, now: int) -> Record:
        """Raises KeyError, ValueError, review.NotNow, NotStored."""
        return self._change(review.signed(self.find(number), function, who, utc(now)), now, who, "sign")

    def open_items(self) -> list[dict[str, Any]]:
        return [item for record in self._store().post_mortems() for item in review.open_items(record)]

    def _change(self, record: Record, now: int, who: str, what: str) -> Record:
        incident = self._store().incident(record["id"])
        self._keep(record, incident.times.get("resolved", 0) if incident else 0, now, who, what)
        return record

    def _keep(self, record: Record, resolved_ns: int, now: int, who: str, what: str) -> None:
        self._store().save_post_mortem(record, resolved_ns, now, who, what)
        self._filing.put(record, what, who)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for name, text in files.written(record).items():
                fresh = self._folder / f"{name}.new"
                fresh.write_text(text)
                fresh.rename(self._folder / name)
            self.fault = ""
        except OSError as error:
            self.fault = f"{self._folder} cannot be written: {error.strerror}"
            self._log.error("a post-mortem is in the store only: %s", self.fault)

    def try_turn(self, now: int) -> None:
        """A store that fails is a fault to show; the next turn tries again."""
        try:
            self.turn(now)
        except NotStored as error:
            self.fault = str(error)

    def __repr__(self) -> str:
        return f"<Reporting {self._about.id if self._about else 'nothing'}>"


def suspect(incident: Incident, actions: tuple[Action, ...]) -> int:
    """The number of the revision that is to blame: gone back from, named by its probation, or the most suspect change;
    0 for none. One that was applied after the incident was noticed is a cure, not a cause."""
    for action in actions:
        if action.kind is ActionKind.ROLL_BACK and action.done_ns:
            return int(action.target.partition(":")[2])
    named = str(incident.finding.get("revision", "")).removeprefix("revision ")
    if named.isdecimal():
        return int(named)
    for each in incident.finding.get("changes", ()):
        number = int(each["reference"]) if each.get("kind") == ChangeKind.CONFIG else 0
        if each.get("score", 0) > 0 and not each.get("veto") and number <= incident.revision:
            return number
    return 0


def affected(incident: Incident, plan: Plan) -> tuple[tuple[str, int], ...]:
    """Routes in its scope, and those of an upstream or endpoint in it, with their objectives."""
    upstreams = {name.partition("/")[0] for kind, _, name in (each.partition(":") for each in incident.scope)
                 if kind in ("upstream", "endpoint")}
    named = [each.removeprefix("route:") for each in incident.scope if each.startswith("route:")]
    behind = [route.name for route in plan.routes if route.upstream in upstreams]
    objectives = {route.name: route.objective.success for route in plan.routes if route.objective}
    return tuple((name, objectives.get(name, 0)) for name in dict.fromkeys([*named, *behind]))


def _by(revision: Revision) -> str:
    return " ".join(filter(None, (revision.who, revision.note)))
