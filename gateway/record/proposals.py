"""Proposals in the store: a row each, its document as JSON. A decision is final, and is in the audit with its reason.

The functions work within a transaction of the store, which the caller opens.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from gateway.model.proposal import Proposal, ProposalKind, ProposalState
from gateway.record import audit

Note = Callable[[int, str, str, str, dict[str, Any]], None]
OF_INCIDENT = "SELECT * FROM proposals WHERE incident = ? ORDER BY id LIMIT 200"
BY_ITSELF = "gateway"


def insert(connection: sqlite3.Connection, note: Note, drafted: Sequence[Proposal]) -> list[Proposal]:
    return [found for each in drafted if (found := _insert(connection, note, each)) is not None]


def _insert(connection: sqlite3.Connection, note: Note, drafted: Proposal) -> Proposal | None:
    added = connection.execute(
        "INSERT OR IGNORE INTO proposals (incident, kind, name, state, document) VALUES (?, ?, ?, ?, ?)",
        (drafted.incident, drafted.kind, drafted.name, drafted.state, document(drafted)))
    if not added.rowcount:
        return None
    note(drafted.at_ns, BY_ITSELF, "proposal.draft", f"incident:{drafted.incident}",
         {"reason": drafted.why, **_told(drafted)} | audit.change(None, {"state": drafted.state.value}))
    return dataclasses.replace(drafted, id=added.lastrowid or 0)


def decide(connection: sqlite3.Connection, note: Note, decided: Proposal) -> None:
    changed = connection.execute("UPDATE proposals SET state = ?, document = ? WHERE id = ? AND state = 'proposed'",
                                 (decided.state, document(decided), decided.id))
    if not changed.rowcount:
        raise KeyError(f"proposal {decided.id} is not there, or was decided already")
    note(decided.decided_ns, decided.who, f"proposal.{decided.state}", f"incident:{decided.incident}",
         {"reason": decided.reason, **_told(decided)}
         | audit.change({"state": ProposalState.PROPOSED.value}, {"state": decided.state.value}))


def _told(proposal: Proposal) -> dict[str, Any]:
    return {"proposal": proposal.id, "kind": proposal.kind.value, "name": proposal.name, "title": proposal.title}


def document(proposal: Proposal) -> str:
    return json.dumps(dataclasses.asdict(proposal), sort_keys=True)


def from_row(row: sqlite3.Row) -> Proposal:
    return dataclasses.replace(from_document(json.loads(row["document"])), id=row["id"])


def from_document(values: dict[str, Any]) -> Proposal:
    """A field that an older gateway did not know keeps its default; one that this one does not know is left out."""
    known = {field.name for field in dataclasses.fields(Proposal)}
    read = {name: value for name, value in values.items() if name in known}
    return Proposal(**(read | {"kind": ProposalKind(values["kind"]), "state": ProposalState(values["state"]),
                               "proof": tuple(values["proof"]), "replay": tuple(values.get("replay", ()))}))
