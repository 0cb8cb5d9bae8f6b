"""The drills that were run, in the store: what was seen and whether it was passed. The latest KEPT; older ones go.

The functions work within a transaction of the store, which the caller opens.
"""

import json
import sqlite3
from typing import Any

KEPT = 500
LISTED = "SELECT * FROM drills WHERE number < ? ORDER BY number DESC LIMIT ?"


def add(connection: sqlite3.Connection, run: dict[str, Any], at_ns: int, who: str) -> int:
    """Its number."""
    number = connection.execute("INSERT INTO drills (at_ns, who, document) VALUES (?, ?, ?)",
                                (at_ns, who, json.dumps(run, sort_keys=True))).lastrowid
    assert number is not None
    connection.execute("DELETE FROM drills WHERE number <= ?", (number - KEPT,))
    return number


def from_row(row: sqlite3.Row) -> dict[str, Any]:
    """With `id`, `at_ns` and `who`."""
    return {"id": row["number"], "at_ns": row["at_ns"], "who": row["who"], **json.loads(row["document"])}
