"""Overrides in the store's tables: one stands for a kind and target at a time. Each write is sealed into the audit.

The functions work within a transaction of the store, which the caller opens.
"""

import dataclasses
import sqlite3
from collections.abc import Callable
from typing import Any

from gateway.model.override import ISOLATION, Override
from gateway.record import audit
from gateway.record.revision import utc_text

COLUMNS = [field.name for field in dataclasses.fields(Override)]
VERBS = {ISOLATION: "isolate"}          # of the audit; anything else is forced
RELEASED, EXPIRED, REPLACED = "released", "expired", "replaced"
Note = Callable[[int, str, str, str, dict[str, Any]], None]


def put(connection: sqlite3.Connection, note: Note, made: Override) -> Override:
    """Record it in the place of the one that stands for its kind and target, if any."""
    before = standing(connection, made.kind, made.target)
    if before is not None:
        _close(connection, before, REPLACED, made.at_ns)
    names = [name for name in COLUMNS if name != "id"]
    added = connection.execute(f"INSERT INTO overrides ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608
                               [getattr(made, name) for name in names])
    assert added.lastrowid is not None
    stored = dataclasses.replace(made, id=added.lastrowid)
    note(made.at_ns, made.who, VERBS.get(made.kind, "force"), made.target,
         {"id": stored.id, "kind": made.kind, "value": made.value, "reason": made.reason, "note": made.note,
          "expires": utc_text(made.expires_ns), "replaces": before.id if before else None}
         | audit.change(_standing(before) if before else None, _standing(made)))
    return stored


def end(connection: sqlite3.Connection, note: Note, standing: Override, how: str, at_ns: int, who: str,
        detail: dict[str, Any]) -> Override:
    """Record its end: `released` by somebody, or `expired`."""
    ended = _close(connection, standing, how, at_ns)
    note(at_ns, who, "release" if how == RELEASED else "expire", standing.target,
         {"id": standing.id, "kind": standing.kind} | detail | audit.change(_standing(standing), None))
    return ended


def standing(connection: sqlite3.Connection, kind: str, target: str) -> Override | None:
    row = connection.execute("SELECT * FROM overrides WHERE kind = ? AND target = ? AND ended = ''",
                             (kind, target)).fetchone()
    return from_row(row) if row else None


def from_row(row: sqlite3.Row) -> Override:
    return Override(**{name: row[name] for name in COLUMNS})


def _standing(each: Override) -> dict[str, Any]:
    """What is in force, why and how long, for the audit."""
    return {"value": each.value, "reason": each.reason, "who": each.who, "expires": utc_text(each.expires_ns)}


def _close(connection: sqlite3.Connection, standing: Override, how: str, at_ns: int) -> Override:
    connection.execute("UPDATE overrides SET ended = ?, ended_ns = ? WHERE id = ?", (how, at_ns, standing.id))
    return dataclasses.replace(standing, ended=how, ended_ns=at_ns)
