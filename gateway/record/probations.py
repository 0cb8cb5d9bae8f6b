"""The probations of revisions: a row each, with its evidence as JSON. What came of it is said before it is done.

The functions work within a transaction of the store, which the caller opens.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.record import audit
from gateway.record.revision import utc_text

Note = Callable[[int, str, str, str, dict[str, Any]], None]
LISTED = "SELECT * FROM probations WHERE revision BETWEEN ? AND ? ORDER BY revision DESC"


class ProbationState(StrEnum):
    RUNNING = "on probation"
    KEPT = "kept"
    ROLLED_BACK = "rolled back"
    REPORTED = "worse, and kept"
    """In shadow mode."""
    ENDED = "ended early"
    """Another revision took its place."""


@dataclass(frozen=True, slots=True)
class ProbationRow:
    """Of a `revision` beside another one. `verdict`: the last one, in words; `proven`: False where it was passed, or
    goes on, for want of traffic; `evidence`: as resolve.probation has it, as plain data. Times are UTC ns."""

    revision: int
    beside: int
    began_ns: int
    at_ns: int
    state: ProbationState = ProbationState.RUNNING
    verdict: str = ""
    proven: bool = True
    evidence: dict[str, Any] = field(default_factory=dict)

    def brief(self) -> dict[str, Any]:
        return {"revision": self.revision, "beside": self.beside, "state": self.state.value, "verdict": self.verdict,
                "proven": self.proven, "began": utc_text(self.began_ns), "at": utc_text(self.at_ns)}


def save(connection: sqlite3.Connection, note: Note, row: ProbationRow, who: str) -> None:
    """Record how it is now; each change of its state or step goes into the audit."""
    known = connection.execute("SELECT * FROM probations WHERE revision = ?", (row.revision,)).fetchone()
    values = dataclasses.asdict(row)
    document = json.dumps(values.pop("evidence"), sort_keys=True)
    connection.execute(
        "INSERT OR REPLACE INTO probations (revision, beside, began_ns, at_ns, state, verdict, proven, document) "
        "VALUES (:revision, :beside, :began_ns, :at_ns, :state, :verdict, :proven, :document)",
        values | {"document": document})
    before = from_row(known) if known else None
    if before is None or _standing(before) != _standing(row):
        note(row.at_ns, who, "config.probation", f"revision:{row.revision}",
             {"beside": row.beside, "reason": row.verdict, "proven": row.proven}
             | audit.change(_standing(before) if before else None, _standing(row)))


def _standing(row: ProbationRow) -> dict[str, Any]:
    return {"state": row.state.value, "step": int(row.evidence.get("step", 0))}


def from_row(row: sqlite3.Row) -> ProbationRow:
    return ProbationRow(row["revision"], row["beside"], row["began_ns"], row["at_ns"], ProbationState(row["state"]),
                        row["verdict"], bool(row["proven"]), json.loads(row["document"]))
