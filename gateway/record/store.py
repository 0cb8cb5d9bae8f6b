"""The store: what must outlive the processes and be looked up later. One SQLite file, used by control alone
(and by the supervisor once, before it starts control: what stands is in force from the first request on).

Rules:
- write-ahead log and `synchronous=FULL`: what a method has returned from is on the disk;
- every write is one transaction together with its audit entry, so that nothing happens without a trace;
- a fault is a NotStored with the status to answer: 507 the disk is full, 503 anything else that may pass. The caller
  goes on: traffic never depends on the store;
- a corrupt file is moved aside, loudly, and a new one begun: the past is then in the file beside it.
"""

import contextlib
import dataclasses
import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.model.action import Action
from gateway.model.change import Change, ChangeKind
from gateway.model.incident import Entry, Incident
from gateway.model.override import Override
from gateway.model.proposal import Proposal
from gateway.model.report import Maintenance, Report
from gateway.model.signal import SignalKind
from gateway.record import (
    actions,
    audit,
    drills,
    incidents,
    migrations,
    outbox,
    overrides,
    post_mortems,
    probations,
    proposals,
)
from gateway.record.outbox import Alert, Waiting
from gateway.record.probations import ProbationRow
from gateway.record.revision import Revision, utc_text

NAME = "store.sqlite"
LAST = 2**62                            # a number that none comes after
COMMUNITY_REPORTS_NS = 7 * 86_400 * 10**9
BUSY_SECONDS = 0.5                      # control beats every 0.25 s, and is replaced after 5 s
COLUMNS = [field.name for field in dataclasses.fields(Revision)]
SHORT = [f"'' AS {name}" if name in ("text", "plan", "diff") else f'"{name}"' for name in COLUMNS]
CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class NotStored(Exception):
    """Nothing was changed. `status`: what to answer; the message says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Store:
    """Open with `open_store`. Methods raise NotStored."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    # Revisions

    def add_revision(self, revision: Revision, *, rolled_back: bool = False) -> None:
        """Record what is served from now on. Does nothing if it is recorded already (it is repeated after a crash)."""
        with self._transaction() as connection:
            known = connection.execute("SELECT state FROM revisions WHERE number = ?", (revision.number,)).fetchone()
            if known is not None and known["state"] == "active":
                return
            before = connection.execute("SELECT number, content FROM revisions WHERE state = 'active'").fetchone()
            was = "rolled back" if rolled_back else "superseded"
            connection.execute("UPDATE revisions SET state = ? WHERE state = 'active'", (was,))
            values = dataclasses.asdict(revision)
            names = ", ".join(f'"{name}"' for name in COLUMNS)
            marks = ", ".join(f":{name}" for name in COLUMNS)
            connection.execute(f"INSERT OR REPLACE INTO revisions ({names}, state) VALUES ({marks}, 'active')", values)  # noqa: S608
            target = f"revision:{revision.number}"
            after = {"number": revision.number, "content": revision.content}
            self._note(revision.at_ns, revision.who, f"config.{revision.how}", target,
                       {"reason": revision.reason, "note": revision.note, "commit": revision.commit}
                       | audit.change(dict(before) if before else None, after))

    def revisions(self, limit: int = 50, before: int = LAST) -> list[tuple[Revision, str]]:
        """(revision without its long texts, state), the latest first; those before a number."""
        rows = self._read(f"SELECT {', '.join(SHORT)}, state FROM revisions WHERE number < ? "  # noqa: S608
                          "ORDER BY number DESC LIMIT ?", before, limit)
        return [(_revision(row), row["state"]) for row in rows]

    def revision(self, number: int) -> Revision | None:
        rows = self._read("SELECT * FROM revisions WHERE number = ?", number)
        return _revision(rows[0]) if rows else None

    def before(self, current: Revision) -> Revision | None:
        """What `rollback` without a number means: the revision that was served before this one. A rollback is seen as
        the revision it went back to, so that rolling back twice goes back two steps."""
        rows = self._read("SELECT * FROM revisions WHERE number < ? AND digest != ? AND how != 'rollback' "
                          "ORDER BY number DESC LIMIT 1", current.base or current.number, current.digest)
        return _revision(rows[0]) if rows else None

    def highest(self) -> int:
        """The largest revision number so far, or 0."""
        return int(self._read("SELECT coalesce(max(number), 0) AS highest FROM revisions")[0]["highest"])

    # Probations

    def save_probation(self, row: ProbationRow, who: str = incidents.BY_ITSELF) -> None:
        """Record how the probation of a revision stands."""
        with self._transaction() as connection:
            probations.save(connection, self._note, row, who)

    def probation(self, revision: int) -> ProbationRow | None:
        rows = self._read(probations.LISTED, revision, revision)
        return probations.from_row(rows[0]) if rows else None

    def probations(self, first: int, last: int) -> dict[int, ProbationRow]:
        """By revision, of those from `first` to `last`."""
        return {row["revision"]: probations.from_row(row) for row in self._read(probations.LISTED, first, last)}

    # Overrides

    def put_override(self, made: Override) -> Override:
        """Record an override, with its new id; one of the same kind and target that stands is replaced."""
        with self._transaction() as connection:
            return overrides.put(connection, self._note, made)

    def end_override(self, standing: Override, how: str, *, at_ns: int, who: str, **detail: Any) -> Override:
        """Record that one `released` or `expired`."""
        with self._transaction() as connection:
            return overrides.end(connection, self._note, standing, how, at_ns, who, detail)

    def standing_overrides(self) -> list[Override]:
        """Those that have not ended, or whose end is not recorded yet, in the order they were made."""
        return [overrides.from_row(row) for row in self._read("SELECT * FROM overrides WHERE ended = '' ORDER BY id")]

    def list_overrides(self, kind: str, limit: int = 50, before: int = LAST) -> list[Override]:
        """Of one kind, ended or not, the latest first; those before an id."""
        rows = self._read("SELECT * FROM overrides WHERE kind = ? AND id < ? ORDER BY id DESC LIMIT ?", kind, before,
                          limit)
        return [overrides.from_row(row) for row in rows]

    def override(self, number: int) -> Override | None:
        rows = self._read("SELECT * FROM overrides WHERE id = ?", number)
        return overrides.from_row(rows[0]) if rows else None

    # Incidents

    def open_incident(self, opened: Incident, entry: Entry, alerts: Sequence[Alert] = ()) -> Incident:
        """Record a new incident, its first line and its alerts, in one transaction; returns it with its id."""
        with self._transaction() as connection:
            stored = incidents.insert(connection, opened)
            incidents.add_entry(connection, stored.id, entry)
            outbox.put(connection, stored.id, alerts)
            self._note(entry.at_ns, entry.who, "incident.open", f"incident:{stored.id}",
                       {"title": stored.title} | audit.change(None, incidents.standing(stored)))
            return stored

    def save_incident(self, incident: Incident, entries: Sequence[Entry] = (), alerts: Sequence[Alert] = (),
                      done: Sequence[Action] = ()) -> tuple[Action, ...]:
        """Record how an incident is now, what happened, who is to be told and what is to be done, in one transaction.
        What a person did, and each change of state, goes into the audit too. Returns the actions with their ids."""
        with self._transaction() as connection:
            before = incidents.update(connection, incident)
            for entry in entries:
                incidents.add_entry(connection, incident.id, entry)
                if entry.who != incidents.BY_ITSELF or before.state != incident.state:
                    self._note(entry.at_ns, entry.who, f"incident.{entry.kind}", f"incident:{incident.id}",
                               {"reason": entry.words}
                               | audit.change(incidents.standing(before), incidents.standing(incident)))
            outbox.put(connection, incident.id, alerts)
            return actions.save(connection, self._note, done)

    def standing_actions(self) -> list[Action]:
        """Those in force, or whose end is not recorded yet."""
        return [actions.from_row(row) for row in self._read(actions.STANDING)]

    def actions_of(self, number: int) -> list[Action]:
        """All that was planned and done about an incident, in the order it was planned."""
        return [actions.from_row(row) for row in self._read(actions.OF_INCIDENT, number)]

    def incident(self, number: int) -> Incident | None:
        rows = self._read("SELECT * FROM incidents WHERE id = ?", number)
        return incidents.from_row(rows[0]) if rows else None

    def incidents(self, limit: int = 50, before: int = LAST) -> list[Incident]:
        """The latest first; those before an id."""
        rows = self._read("SELECT * FROM incidents WHERE id < ? ORDER BY id DESC LIMIT ?", before, limit)
        return [incidents.from_row(row) for row in rows]

    def recent_incidents(self, since_ns: int) -> list[Incident]:
        """Those that are open, or were resolved at `since_ns` or later and may relapse; the oldest first."""
        rows = self._read(incidents.RECENT, -incidents.RECENT_MOST)
        found = [incidents.from_row(row) for row in reversed(rows)]
        return [each for each in found if each.is_open or each.times.get("resolved", 0) >= since_ns]

    def timeline(self, number: int) -> list[Entry]:
        """Of an incident, in its order."""
        rows = self._read("SELECT at_ns, who, kind, words FROM timeline WHERE incident = ? ORDER BY at_ns, number",
                          number)
        return [Entry(*row) for row in rows]

    def installation(self) -> str:
        """The name of this store, which no other has."""
        return str(self._read("SELECT name FROM installation")[0]["name"])

    # Post-mortems

    def without_post_mortem(self, limit: int = 20) -> list[Incident]:
        """Incidents that are over and have none yet for this end of theirs; the latest first."""
        return [incidents.from_row(row) for row in self._read(post_mortems.WANTED, limit)]

    def save_post_mortem(self, record: dict[str, Any], resolved_ns: int, at_ns: int, who: str, what: str) -> None:
        """`what`: draft | tune | edit | sign."""
        with self._transaction() as connection:
            post_mortems.save(connection, self._note, record, resolved_ns, at_ns, who, what)

    def post_mortem(self, number: int) -> dict[str, Any] | None:
        rows = self._read(post_mortems.OF_INCIDENT, number)
        return dict(json.loads(rows[0]["document"])) if rows else None

    def post_mortems(self, limit: int = 200) -> list[dict[str, Any]]:
        """Those that are not closed first, then the latest."""
        return [dict(json.loads(row["document"])) for row in self._read(post_mortems.NOT_CLOSED_FIRST, limit)]

    # Proposals

    def add_proposals(self, drafted: Sequence[Proposal]) -> list[Proposal]:
        """Those that are new, with their ids; an incident is not proposed the same twice."""
        with self._transaction() as connection:
            return proposals.insert(connection, self._note, drafted)

    def decide_proposal(self, decided: Proposal) -> None:
        """Raises KeyError for one that is not there or was decided already."""
        with self._transaction() as connection:
            proposals.decide(connection, self._note, decided)

    def proposals_of(self, number: int) -> list[Proposal]:
        return [proposals.from_row(row) for row in self._read(proposals.OF_INCIDENT, number)]
    # Drills

    def add_drill(self, run: dict[str, Any], at_ns: int, who: str) -> int:
        """Keep what a drill saw. Its number."""
        with self._transaction() as connection:
            number = drills.add(connection, run, at_ns, who)
            self._note(at_ns, who, "drill.run", f"drill:{number}",
                       {"reason": run["about"]} | audit.change(None, {
                           "scenario": run["scenario"], "passed": run["passed"], "incident": run["incident"]}))
            return number

    def drills(self, limit: int = 50, before: int = LAST) -> list[dict[str, Any]]:
        """The latest first; those before a number."""
        return [drills.from_row(row) for row in self._read(drills.LISTED, before, limit)]

    # The outbox

    def due_alerts(self, now: int, limit: int = 32) -> list[Waiting]:
        """Those to be sent now, in order; none whose forerunner to the same receiver on the same incident waits."""
        return [outbox.from_row(row) for row in self._read(outbox.DUE, now, limit)]

    def alert_delivered(self, number: int) -> None:
        with self._transaction() as connection:
            connection.execute("UPDATE outbox SET state = 'delivered', fault = '' WHERE number = ?", (number,))

    def alert_failed(self, waiting: Waiting, fault: str, now: int) -> bool:
        """Try it again later; False where it was given up."""
        with self._transaction() as connection:
            return outbox.failed(connection, waiting, fault, now)

    def outbox(self) -> dict[str, int]:
        """How many alerts are in each state."""
        counted = self._read("SELECT state, count(*) AS many FROM outbox GROUP BY state")
        return dict.fromkeys(outbox.STATES, 0) | {row["state"]: row["many"] for row in counted}

    # What people say

    def add_change(self, change: Change, who: str) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT INTO changes (kind, at_ns, words, scope, reference) VALUES (?, ?, ?, ?, ?)",
                               (change.kind, change.at_ns, change.words, json.dumps(change.scope), change.reference))
            self._note(change.at_ns, who, f"change.{change.kind}", change.reference,
                       {"reason": change.words} | audit.change(None, {"scope": dict(change.scope)}))

    def changes(self, first_ns: int, last_ns: int) -> list[Change]:
        rows = self._read("SELECT * FROM changes WHERE at_ns BETWEEN ? AND ? ORDER BY number DESC LIMIT 1000",
                          first_ns, last_ns)
        scopes = [tuple((name, value) for name, value in json.loads(row["scope"])) for row in rows]
        return [Change(ChangeKind(row["kind"]), row["at_ns"], row["words"], scope, row["reference"])
                for row, scope in zip(rows, scopes, strict=True)]

    def add_report(self, report: Report) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT INTO reports (kind, target, at_ns, who, words) VALUES (?, ?, ?, ?, ?)",
                               (report.kind, report.target, report.at_ns, report.who, report.words))
            if report.kind is SignalKind.COMMUNITY_REPORT:      # anybody may say anything, so not into the audit
                connection.execute("DELETE FROM reports WHERE kind = ? AND at_ns < ?",
                                   (report.kind, report.at_ns - COMMUNITY_REPORTS_NS))
                return
            self._note(report.at_ns, report.who, "report", report.target,
                       {"reason": report.words} | audit.change(None, {"kind": report.kind.value}))

    def reports(self, since_ns: int) -> list[Report]:
        rows = self._read("SELECT * FROM reports WHERE at_ns >= ? ORDER BY number DESC LIMIT 1000", since_ns)
        return [Report(SignalKind(row["kind"]), row["target"], row["at_ns"], row["who"], row["words"]) for row in rows]

    def add_maintenance(self, window: Maintenance) -> Maintenance:
        with self._transaction() as connection:
            added = connection.execute(
                "INSERT INTO maintenance (target, reason, who, at_ns, expires_ns) VALUES (?, ?, ?, ?, ?)",
                (window.target, window.reason, window.who, window.at_ns, window.expires_ns))
            self._note(window.at_ns, window.who, "maintenance.begin", window.target,
                       {"reason": window.reason} | audit.change(None, {"expires": utc_text(window.expires_ns)}))
            return dataclasses.replace(window, id=added.lastrowid or 0)

    def end_maintenance(self, number: int, at_ns: int, who: str, reason: str = "") -> bool:
        """False where there is none of this number that goes on."""
        with self._transaction() as connection:
            going_on = connection.execute("SELECT * FROM maintenance WHERE id = ? AND expires_ns > ?",
                                          (number, at_ns)).fetchone()
            if going_on is None:
                return False
            connection.execute("UPDATE maintenance SET expires_ns = ? WHERE id = ?", (at_ns, number))
            self._note(at_ns, who, "maintenance.end", going_on["target"],
                       {"maintenance": number, "reason": reason} | audit.change(
                           {"expires": utc_text(going_on["expires_ns"])}, {"expires": utc_text(at_ns)}))
            return True

    def maintenance(self, now: int) -> list[Maintenance]:
        """Those that go on now."""
        rows = self._read("SELECT * FROM maintenance WHERE at_ns <= ? AND expires_ns > ? ORDER BY id LIMIT 1000",
                          now, now)
        return [Maintenance(**row) for row in map(dict, rows)]

    # Audit

    def note(self, at_ns: int, who: str, what: str, target: str, detail: dict[str, Any]) -> None:
        """An audit entry for something that is not kept in a table of its own."""
        with self._transaction():
            self._note(at_ns, who, what, target, detail)

    def audit(self, limit: int = 100, before: int = LAST) -> list[audit.Entry]:
        """The latest entries, the latest first; those before a number."""
        rows = self._read("SELECT * FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?", before, limit)
        return [audit.Entry(*row) for row in rows]

    def verify(self) -> int | None:
        """The number of the first audit entry that was tampered with, or None."""
        return verified(self.path).first_broken

    def close(self) -> None:
        self._connection.close()

    def _note(self, at_ns: int, who: str, what: str, target: str, detail: dict[str, Any]) -> None:
        """Seal one more entry; to be called within a transaction."""
        last = self._connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        number, previous = (last["number"] + 1, last["hash"]) if last else (1, audit.GENESIS)
        entry = audit.seal(number, at_ns, who, what, target, json.dumps(detail, sort_keys=True), previous)
        self._connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", dataclasses.astuple(entry))

    def _read(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._reported():
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reported():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _fault(error, self.path) from error

    def __repr__(self) -> str:
        return f"<Store {self.path}>"


def open_store(folder: Path, at_ns: int, log: logging.Logger) -> Store:
    """The store of a state folder, made if absent, a corrupt one moved aside. Raises NotStored; `at_ns` is UTC."""
    path = folder / NAME
    try:
        try:
            return Store(_connect(path, at_ns), path)
        except sqlite3.DatabaseError as error:
            if not _is_corrupt(error):
                raise
            log.error("the store is corrupt (%s); its past is in %s, a new one is begun", error,
                      _move_aside(path, at_ns))
            return Store(_connect(path, at_ns), path)
    except sqlite3.Error as error:
        raise _fault(error, path) from error
    except OSError as error:
        raise NotStored(503, f"{path} cannot be opened: {error.strerror}; make the state folder writable") from error
    except migrations.NewerStoreError as error:
        raise NotStored(503, str(error)) from error


def verified(path: Path, noted: str = "") -> audit.Verdict:
    """Is the audit chain in this file whole? Read beside whoever writes it. Raises NotStored."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True,
                                                timeout=BUSY_SECONDS)) as connection:
            rows = connection.execute("SELECT * FROM audit ORDER BY number")
            return audit.follow((audit.Entry(*row) for row in rows), noted)
    except sqlite3.Error as error:
        raise _fault(error, path) from error


def _connect(path: Path, at_ns: int) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")
        if (verdict := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise _corrupt(verdict)
        migrations.migrate(connection, at_ns)
    except BaseException:
        connection.close()
        raise
    return connection


def _corrupt(verdict: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(verdict)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _is_corrupt(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPT


def _move_aside(path: Path, at_ns: int) -> Path:
    """With its log files, which belong to it and would be replayed into the new one."""
    aside = path.with_name(f"{path.name}.corrupt-{at_ns}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _fault(error: sqlite3.Error, path: Path) -> NotStored:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NotStored(507, f"the disk of {path} is full; free some space, then ask again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return NotStored(503, f"{path} is locked by another program; end it, then ask again")
    return NotStored(503, f"{path} cannot be used: {error}")


def _revision(row: sqlite3.Row) -> Revision:
    values = {name: row[name] for name in COLUMNS}
    return Revision(**(values | {"dirty": bool(values["dirty"])}))
