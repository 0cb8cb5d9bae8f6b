"""Post-mortems in the store: one for each incident, its record as JSON. What people change in it goes into the audit.

The functions work within a transaction of the store, which the caller opens; the files beside the store are copies.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from gateway.record import audit

Record = dict[str, Any]
Note = Callable[[int, str, str, str, dict[str, Any]], None]
AUDITED = ("status", "version", "summary", "lessons", "items", "reviews")
LATEST = 200
"""Incidents that are looked through: it is asked every few seconds, and reads their documents."""
RESOLVED = "json_extract(incidents.document, '$.times.resolved')"
WANTED = (f"SELECT incidents.* FROM incidents LEFT JOIN post_mortems ON incident = id "  # noqa: S608
          f"WHERE incidents.id > (SELECT coalesce(max(id), 0) - {LATEST} FROM incidents) "
          f"AND incidents.state IN ('resolved', 'reviewed') AND {RESOLVED} IS NOT NULL "
          f"AND json_extract(incidents.document, '$.merged_into') = 0 AND coalesce(resolved_ns, 0) != {RESOLVED} "
          "ORDER BY id DESC LIMIT ?")
OF_INCIDENT = "SELECT document FROM post_mortems WHERE incident = ?"
NOT_CLOSED_FIRST = "SELECT document FROM post_mortems ORDER BY status = 'closed', incident DESC LIMIT ?"


def save(connection: sqlite3.Connection, note: Note, record: Record, resolved_ns: int, at_ns: int, who: str,
         what: str) -> None:
    """`what`: draft | tune | edit | sign."""
    before = connection.execute(OF_INCIDENT, (record["id"],)).fetchone()
    connection.execute("INSERT OR REPLACE INTO post_mortems VALUES (?, ?, ?, ?)",
                       (record["id"], resolved_ns, record["status"], json.dumps(record, sort_keys=True)))
    note(at_ns, who, f"post_mortem.{what}", f"incident:{record['id']}",
         audit.change(_audited(json.loads(before["document"])) if before else None, _audited(record)))


def _audited(record: Record) -> Record:
    return {name: record[name] for name in AUDITED}
