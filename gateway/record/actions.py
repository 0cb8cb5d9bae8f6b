"""The journal of actions: a row each, its document as JSON. What is in force on the board is what this says.

An action is written before it is done, in the transaction of the incident that it belongs to, so that a death in
between leaves a record without a deed, which the successor does; never a deed without a record. One is in force for a
kind and target at a time: an index sees to it, so that not even a mistake does it twice.
The functions work within a transaction of the store, which the caller opens.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from gateway.model.action import IN_FORCE, Action, ActionKind, ActionState, Sample
from gateway.model.safeguards import WHOLE
from gateway.record import audit
from gateway.record.revision import utc_text

Note = Callable[[int, str, str, str, dict[str, Any]], None]
STATES = ", ".join(f"'{state}'" for state in sorted(IN_FORCE))
STANDING = f"SELECT * FROM actions WHERE state IN ({STATES}) ORDER BY id"  # noqa: S608
OF_INCIDENT = "SELECT * FROM actions WHERE incident = ? ORDER BY id LIMIT 1000"


def save(connection: sqlite3.Connection, note: Note, actions: Sequence[Action]) -> tuple[Action, ...]:
    """Record how they are now; returns them with their ids. Each change of state goes into the audit."""
    return tuple(_insert(connection, each) if not each.id else _update(connection, note, each) for each in actions)


def _insert(connection: sqlite3.Connection, planned: Action) -> Action:
    added = connection.execute("INSERT INTO actions (incident, kind, target, state, document) VALUES (?, ?, ?, ?, ?)",
                               (planned.incident, planned.kind, planned.target, planned.state, document(planned)))
    assert added.lastrowid is not None
    return dataclasses.replace(planned, id=added.lastrowid)


def _update(connection: sqlite3.Connection, note: Note, action: Action) -> Action:
    row = connection.execute("SELECT * FROM actions WHERE id = ?", (action.id,)).fetchone()
    if row is None:
        raise KeyError(f"there is no action {action.id}")
    before = from_row(row)
    connection.execute("UPDATE actions SET incident = ?, state = ?, document = ? WHERE id = ?",
                       (action.incident, action.state, document(action), action.id))
    if (before.state, before.stage) != (action.state, action.stage):
        note(action.since_ns, action.who, f"action.{action.state}", action.target, _told(before, action))
    return action


def _told(before: Action, after: Action) -> dict[str, Any]:
    share = None if after.reach is None else after.reach / WHOLE
    return {"id": after.id, "incident": after.incident, "kind": after.kind.value, "reason": after.reason,
            "verdict": after.verdict, "touches": share} | audit.change(_standing(before), _standing(after))


def _standing(action: Action) -> dict[str, Any]:
    """What of it is in force, and how long, for the audit."""
    return {"state": action.state.value, "value": action.strength if action.in_force else None,
            "expires": utc_text(action.expires_ns) if action.in_force else ""}


def document(action: Action) -> str:
    return json.dumps(dataclasses.asdict(action), sort_keys=True)


def from_row(row: sqlite3.Row) -> Action:
    """A field that an older gateway did not know keeps its default; one that this one does not know is left out."""
    known = {field.name for field in dataclasses.fields(Action)}
    values = {name: value for name, value in json.loads(row["document"]).items() if name in known}
    sample = {name: tuple(seconds) for name, seconds in values["before"].items()}
    return Action(**(values | {"id": row["id"], "kind": ActionKind(values["kind"]),
                               "state": ActionState(values["state"]), "evidence": tuple(values["evidence"]),
                               "before": Sample(**sample)}))
