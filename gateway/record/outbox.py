"""Alerts on their way: written in the transaction that made them true, so that none is lost and none is invented.

Delivery is at least once: an alert is marked after the receiver took it, and a death in between sends it again; so each
carries the same key every time. Per incident and receiver they go out in their order: a resolve never overtakes.
A failed one waits longer each time, and is given up after a day: who has not heard of it by then looks at the status.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.safeguards import SECOND

STATES = ("waiting", "delivered", "given up")
FIRST_WAIT_NS = 2 * SECOND
LONGEST_WAIT_NS = 300 * SECOND
GIVE_UP_NS = 24 * 3600 * SECOND
FAULT_MAX = 300
DUE = """SELECT * FROM outbox AS mine WHERE state = 'waiting' AND due_ns <= ? AND NOT EXISTS (
    SELECT 1 FROM outbox AS before WHERE before.state = 'waiting' AND before.number < mine.number
    AND before.incident = mine.incident AND before.receiver = mine.receiver) ORDER BY number LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Alert:
    """To be told to `receiver`. `kind`: trigger | update | resolve; `document`: JSON of what is told, as it is now."""

    receiver: str
    kind: str
    document: str
    at_ns: int
    due_ns: int


@dataclass(frozen=True, slots=True)
class Waiting:
    number: int
    incident: int
    alert: Alert
    attempts: int


def put(connection: sqlite3.Connection, number: int, alerts: Sequence[Alert]) -> None:
    connection.executemany(
        "INSERT INTO outbox (incident, receiver, kind, document, at_ns, due_ns, attempts, fault, state) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, '', 'waiting')",
        [(number, each.receiver, each.kind, each.document, each.at_ns, each.due_ns) for each in alerts])


def failed(connection: sqlite3.Connection, waiting: Waiting, fault: str, now: int) -> bool:
    """Put off; False where it is given up."""
    again = now < waiting.alert.at_ns + GIVE_UP_NS
    connection.execute("UPDATE outbox SET state = ?, attempts = ?, due_ns = ?, fault = ? WHERE number = ?",
                       ("waiting" if again else "given up", waiting.attempts + 1, now + wait(waiting.attempts),
                        fault[:FAULT_MAX], waiting.number))
    return again


def wait(attempts: int) -> int:
    """2 s, 4 s, 8 s … up to five minutes."""
    return int(min(FIRST_WAIT_NS << min(attempts, 16), LONGEST_WAIT_NS))


def from_row(row: sqlite3.Row) -> Waiting:
    alert = Alert(row["receiver"], row["kind"], row["document"], row["at_ns"], row["due_ns"])
    return Waiting(row["number"], row["incident"], alert, row["attempts"])
