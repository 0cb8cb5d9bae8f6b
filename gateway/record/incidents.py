"""Incidents in the store's tables: a row each, its document as JSON, and its timeline, which only grows.

The functions work within a transaction of the store, which the caller opens.
"""

import dataclasses
import json
import sqlite3
from typing import Any

from gateway.model.fault import FaultClass
from gateway.model.incident import OPEN, Entry, Incident, Severity, State
from gateway.model.signal import Signal, SignalKind

BY_ITSELF = "gateway"
RECENT_MOST = 1000
OPEN_STATES = ", ".join(f"'{state}'" for state in sorted(OPEN))
RECENT = (f"SELECT * FROM incidents WHERE state IN ({OPEN_STATES}) "  # noqa: S608
          "OR id > (SELECT coalesce(max(id), 0) + ? FROM incidents) ORDER BY id DESC")


def insert(connection: sqlite3.Connection, opened: Incident) -> Incident:
    added = connection.execute("INSERT INTO incidents (state, opened_ns, document) VALUES (?, ?, ?)",
                               (opened.state, opened.opened_ns, document(opened)))
    assert added.lastrowid is not None
    return dataclasses.replace(opened, id=added.lastrowid)


def update(connection: sqlite3.Connection, incident: Incident) -> Incident:
    """Returns what it was. Raises KeyError for one that was never inserted."""
    row = connection.execute("SELECT * FROM incidents WHERE id = ?", (incident.id,)).fetchone()
    if row is None:
        raise KeyError(f"there is no incident {incident.id}")
    connection.execute("UPDATE incidents SET state = ?, document = ? WHERE id = ?",
                       (incident.state, document(incident), incident.id))
    return from_row(row)


def standing(incident: Incident) -> dict[str, Any]:
    """What of it people and the gateway change, for the audit."""
    return {"state": incident.state.value, "severity": incident.severity.word, "scope": list(incident.scope),
            "acknowledged_by": incident.acknowledged_by, "assignee": incident.assignee,
            "merged_into": incident.merged_into}


def add_entry(connection: sqlite3.Connection, number: int, entry: Entry) -> None:
    connection.execute("INSERT INTO timeline (incident, at_ns, who, kind, words) VALUES (?, ?, ?, ?, ?)",
                       (number, entry.at_ns, entry.who, entry.kind, entry.words))


def document(incident: Incident) -> str:
    return json.dumps(dataclasses.asdict(incident), sort_keys=True)


def from_row(row: sqlite3.Row) -> Incident:
    return dataclasses.replace(from_document(json.loads(row["document"])), id=row["id"])


def from_document(values: dict[str, Any]) -> Incident:
    """A field that an older gateway did not know keeps its default; one that this one does not know is left out."""
    known = {field.name for field in dataclasses.fields(Incident)}
    read = {name: value for name, value in values.items() if name in known}
    return Incident(**(read | {
        "state": State(values["state"]), "severity": Severity(values["severity"]), "fault": FaultClass(values["fault"]),
        "scope": tuple(values["scope"]), "signals": tuple(map(_signal, values["signals"])),
    }))


def _signal(values: dict[str, Any]) -> Signal:
    return Signal(**(values | {"kind": SignalKind(values["kind"])}))
