"""What is done about an incident: each turn the ladder and the recovery are asked, the journal is written, and only
then does `actuate` make the board say so.

    analysed ──> rungs planned ──> the ladder: tried, measured, kept or undone ──> recovery: undone in stages

It answers with what is to be written (`Response`); the incident loop writes it, in one transaction with the incident,
and hands back what the journal gave: memory follows the disk, and the board follows memory. So it may be killed at any
moment: its successor reads the same actions, with the same ends.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.mitigate import ladder
from gateway.mitigate.ladder import Readings
from gateway.mitigate.rungs import Site, rungs
from gateway.model import action as acting
from gateway.model import incident as incidents
from gateway.model.action import BY_ITSELF, Action, ActionKind, ActionState, Move, Policy
from gateway.model.incident import Entry, Event, Incident
from gateway.model.override import REASON_MAX, TTL, TTL_LEAST, TTL_MOST, one_line
from gateway.model.quantities import PERCENT, format_duration
from gateway.model.safeguards import SECOND
from gateway.record.store import Store
from gateway.resolve import recovery
from gateway.resolve.recovery import Returning

GATEWAY = "gateway"


class Instruments(Protocol):
    """What is read of the world: measuring.py."""

    def site(self, incident: Incident, now: int) -> Site: ...

    def readings(self, incident: Incident, actions: Sequence[Action], elsewhere: Sequence[Action], policy: Policy,
                 site: Site, now: int) -> Readings: ...

    def returning(self, action: Action, now: int) -> Returning: ...


@dataclass(frozen=True, slots=True)
class Response:
    """How the incident and some of its actions are to be from now on, and the lines that say so."""

    incident: Incident
    actions: tuple[Action, ...] = ()
    entries: tuple[Entry, ...] = ()


class Responder:
    """Mutable state: all actions of the incidents that are looked after, by incident and id; None until the journal
    could be read. `enforce`: called when the journal has changed."""

    def __init__(self, store: Callable[[], Store], instruments: Instruments, policy: Callable[[], Policy],
                 enforce: Callable[[], None]) -> None:
        self._store = store
        self._instruments = instruments
        self._policy = policy
        self._enforce = enforce
        self._journal: dict[int, dict[int, Action]] | None = None

    # One turn

    def respond(self, incident: Incident, now: int) -> Response:
        """What is to be done in this turn. Raises NotStored."""
        mine = self.of(incident.id)
        if not mine and "analysed" not in incident.times:
            return Response(incident)
        site = self._instruments.site(incident, now)
        if planned := self._planned(incident, mine, site, now):
            return Response(incident, tuple(planned), tuple(_plan_told(planned, now)))
        moved = self._climbed(incident, mine, site, now)
        before = {each.id: each for each in mine}
        entries = [_entry(before[each.id], each, now) for each in moved if _is_news(before[each.id], each)]
        return Response(_followed(incident, before, moved, now), tuple(moved), tuple(entries))

    def _planned(self, incident: Incident, mine: Sequence[Action], site: Site, now: int) -> list[Action]:
        """Once after each analysis: the rungs that it calls for, in the place of those that were never tried."""
        analysed = incident.times.get("analysed", 0)
        if not incident.is_open or not analysed or any(each.at_ns >= analysed for each in mine):
            return []
        settled = {(each.kind, each.target) for each in mine if each.in_force or each.state is ActionState.SKIPPED}
        fresh = [each for each in rungs(incident, site, now) if (each.kind, each.target) not in settled]
        stale = [each for each in mine if each.state in (ActionState.PLANNED, ActionState.SHADOW)] if fresh else []
        return [acting.move(each, Move.DROP, now, verdict="another analysis") for each in stale] + fresh

    def _climbed(self, incident: Incident, mine: Sequence[Action], site: Site, now: int) -> list[Action]:
        policy = self._policy()
        quiet = incident.quiet_since_ns if incident.is_open else incident.times.get("resolved", now)
        elsewhere = [each for each in self.in_force() if each.incident != incident.id]
        readings = self._instruments.readings(incident, mine, elsewhere, policy, site, now)
        after = {each.id: each for each in mine}
        after |= {each.id: each for each in ladder.step(mine, readings, policy, site, not quiet, now)}
        for each in list(after.values()):
            if each.state in BY_ITSELF:
                seen = self._instruments.returning(each, now)
                after[each.id] = recovery.step(each, seen, policy, quiet, now)
        return [after[each.id] for each in mine if after[each.id] is not each]

    def wrote(self, actions: Iterable[Action]) -> None:
        """These are on the disk now; so they are done."""
        changed = False
        journal = self._read()
        for each in actions:
            for of in journal.values():
                of.pop(each.id, None)
            journal.setdefault(each.incident, {})[each.id] = each
            changed = True
        if changed:
            self._enforce()

    # What it knows

    def in_force(self) -> list[Action]:
        """Raises NotStored until the journal could be read."""
        return [each for actions in self._read().values() for each in actions.values() if each.in_force]

    def about_the_config(self) -> list[Action]:
        """The roll-backs that were done. Raises NotStored."""
        return [each for actions in self._read().values() for each in actions.values()
                if each.kind is ActionKind.ROLL_BACK and each.done_ns]

    def of(self, number: int) -> list[Action]:
        """All of an incident, in the order they were planned. Raises NotStored."""
        journal = self._read()
        if number not in journal:
            journal[number] = {each.id: each for each in self._store().actions_of(number)}
        return sorted(journal[number].values(), key=lambda each: each.id)

    def forget(self, number: int) -> None:
        """An incident that is over and may not relapse any more."""
        self._read().pop(number, None)

    @property
    def calm(self) -> int:
        """Nanoseconds without a signal before an action may be undone."""
        return self._policy().calm

    def stands_in_the_way(self, number: int) -> bool:
        """The incident is not over: something of the gateway's own is still in force."""
        return recovery.stands_in_the_way(self.of(number))

    def _read(self) -> dict[int, dict[int, Action]]:
        if self._journal is None:
            store = self._store()
            numbers = {each.incident for each in store.standing_actions()}
            self._journal = {number: {each.id: each for each in store.actions_of(number)} for number in numbers}
        return self._journal

    # What people do

    def order(self, incident: Incident, number: int, event: Move, who: str, why: str, now: int,
              ttl: int = TTL) -> Response:
        """Hold, force, skip or undo one. Raises KeyError, ValueError (IllegalMove among them) or NotStored."""
        action = next((each for each in self.of(incident.id) if each.id == number), None)
        if action is None:
            raise KeyError(f"incident {incident.id} has no action {number}")
        reason = one_line(why)[:REASON_MAX]
        if not reason:
            raise ValueError("say why; whoever looks at it next must know")
        if not TTL_LEAST <= ttl <= TTL_MOST:
            raise ValueError(f"ttl must be {format_duration(TTL_LEAST)} to {format_duration(TTL_MOST)}")
        moved = self._ordered(action, event, who, reason, now, ttl)
        entry = Entry(now, who, f"action {event}", f"{moved.id} {moved}: {reason}")
        return Response(incident, (moved,), (entry,))

    def _ordered(self, action: Action, event: Move, who: str, reason: str, now: int, ttl: int) -> Action:
        moved = acting.move(action, event, now, who, verdict=f"{event} by {who}: {reason}")
        if moved.state is not ActionState.HELD:
            return moved
        if event is Move.FORCE and any((each.kind, each.target) == (action.kind, action.target)
                                       for each in self.in_force()):
            raise ValueError(f"{action} is in force already")
        done = now if event is Move.FORCE else action.done_ns
        return dataclasses.replace(moved, expires_ns=now + ttl, done_ns=done, stage=0)

    def adopted(self, gone: int, into: int, now: int) -> tuple[Action, ...]:
        """The actions of an incident that goes on as another: what was never tried is dropped there."""
        moved = [acting.move(each, Move.DROP, now) if each.state is ActionState.PLANNED else each
                 for each in self.of(gone) if each.in_force or each.state is ActionState.PLANNED]
        return tuple(dataclasses.replace(each, incident=into) for each in moved)

    def __repr__(self) -> str:
        return f"<Responder {[str(each) for each in self.in_force()] if self._journal is not None else 'unread'}>"


def _followed(incident: Incident, before: dict[int, Action], moved: Sequence[Action], now: int) -> Incident:
    """The incident's own steps: something stands between the fault and the clients; it helped."""
    for each in moved:
        if not incident.is_open:
            break
        was = before[each.id].state
        if each.state is ActionState.TRIED:
            incident = incidents.apply(incident, Event.CONTAINED, now)
        elif each.state is ActionState.KEPT and was is ActionState.TRIED:
            incident = incidents.apply(incident, Event.RELIEVED, now)
        elif each.state is ActionState.KEPT and was is ActionState.RETURNING and incident.quiet_since_ns:
            incident = dataclasses.replace(incident, quiet_since_ns=now)
    return incident


def _is_news(before: Action, after: Action) -> bool:
    """A prolonged one is not."""
    return (before.state, before.stage) != (after.state, after.stage)


def _plan_told(planned: Sequence[Action], now: int) -> Iterable[Entry]:
    fresh = [each for each in planned if each.state is ActionState.PLANNED]
    if fresh:
        yield Entry(now, GATEWAY, "plan", "; then ".join(str(each) for each in fresh[:8]))


def _entry(before: Action, after: Action, now: int) -> Entry:
    return Entry(now, GATEWAY, f"action {after.state}", f"{after.id} {after}: {_words(before, after)}")


def _words(before: Action, after: Action) -> str:
    touches = "" if after.reach is None else f"; it touches {after.reach / PERCENT:.3g} % of the traffic"
    if after.state is ActionState.TRIED:
        return f"{after.reason}{touches}; for {format_duration(after.left(after.since_ns) // SECOND * SECOND)} at most"
    if after.state is ActionState.SHADOW:
        return f"{after.reason}{touches}; {after.verdict}"
    if after.state is ActionState.RETURNING:
        return f"stage {after.stage}" + (f"; {after.verdict}" if before.stage else "; calm for long enough")
    return after.verdict
