"""What every route, upstream and endpoint did: ten-second ticks for 35 days, hours for a year. A database of its own.

A tick of all series is one row of the journal, in one transaction: that is all that is written while time passes, and
all that a crash can lose is the tick under way. Whole hours are folded from the journal into one blob per series and
day (24 bytes x 8640) and one per series and thirty days, in place, a few series at a time, so that no turn takes long.

Bounded: ticks older than 35 days go, then, while it is larger than it may be, the least active series.
A tick in which the gateway was down holds no series at all: `GATEWAY` is in every tick, so that a gap can be told.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.record.ticks import SECONDS, TICK, TICKS_A_DAY, Ticks, hour_of

NAME = "windows.sqlite"
GATEWAY = "gateway"
"""The series of all requests together; written in every tick."""
KEEP_DAYS = 35
KEEP_HOURS_DAYS = 366
DAY, HOUR = 86_400, 3_600
TICKS_AN_HOUR = HOUR // SECONDS
HOURS_A_MONTH = 30 * 24
ENTRY = np.dtype([("series", "<u4"), ("tick", TICK)])
PRUNE_TO = 0.9
MAX_SERIES = 100_000

TABLES = (
    "CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE IF NOT EXISTS journal (at INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS days (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, day INTEGER NOT NULL,
        requests INTEGER NOT NULL DEFAULT 0, ticks BLOB NOT NULL, UNIQUE (series, day)) STRICT""",
    """CREATE TABLE IF NOT EXISTS months (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, month INTEGER NOT NULL,
        hours BLOB NOT NULL, UNIQUE (series, month)) STRICT""",
    "CREATE TABLE IF NOT EXISTS folding (hour INTEGER PRIMARY KEY, series INTEGER NOT NULL) STRICT",
)


@dataclass(frozen=True, slots=True)
class Usage:
    """For status. `dropped`: days of a series that went because the database was full, since it was opened."""

    bytes: int
    max_bytes: int
    series: int
    dropped: int


@dataclass(frozen=True, slots=True, eq=False)
class _Hour:
    """The journal of an hour while it is folded: what is of `series[i]` lies from `first[i]` to `first[i + 1]`."""

    hour: int
    series: NDArray[np.uint32]
    first: NDArray[np.intp]
    at: NDArray[np.int64]
    ticks: Ticks

    def of(self, series: int) -> tuple[NDArray[np.int64], Ticks]:
        place = int(np.searchsorted(self.series, series))
        part = slice(self.first[place], self.first[place + 1])
        return self.at[part], self.ticks[part]


class WindowStore:
    """Times are UTC seconds. Raises sqlite3.Error; the caller goes on without it. It may be used in several threads,
    by one at a time."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._connection = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
        # A tick may be lost with the machine, never with the process: NORMAL is enough, and spares the disk.
        for setting in ("page_size=8192", "auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL"):
            self._connection.execute(f"PRAGMA {setting}")
        for table in TABLES:
            self._connection.execute(table)
        self._ids: dict[str, int] = dict(self._connection.execute("SELECT name, id FROM series"))
        self._dropped = 0
        self._held: _Hour | None = None

    def append(self, at: int, ticks: Mapping[str, Ticks]) -> None:
        """The ten seconds that began at `at`; series without a request may be left out. Again is not twice."""
        at -= at % SECONDS
        if self._held is not None and at < self._held.hour + HOUR:
            self._held = None
        with self._transaction():
            self._name(ticks)
            entries = np.zeros(len(ticks), dtype=ENTRY)
            entries["series"] = [self._ids.get(name, 0) for name in ticks]
            entries["tick"] = np.frombuffer(b"".join(tick.tobytes() for tick in ticks.values()), TICK)
            entries = entries[entries["series"] > 0]
            self._connection.execute("INSERT OR REPLACE INTO journal VALUES (?, ?)", (at, entries.tobytes()))

    def fold(self, now: int, most: int = 200) -> int:
        """Move up to `most` series of the oldest whole hour out of the journal; how many were moved."""
        oldest = self._connection.execute("SELECT min(at) FROM journal").fetchone()[0]
        if oldest is None or (hour := oldest - oldest % HOUR) + HOUR > now - now % SECONDS:
            return 0
        row = self._connection.execute("SELECT series FROM folding WHERE hour = ?", (hour,)).fetchone()
        done = int(row[0]) if row else 0
        held = self._held = self._held if self._held and self._held.hour == hour else self._sorted(hour)
        batch = held.series[held.series > done][:most]
        with self._transaction():
            for series in batch:
                self._fold_series(int(series), hour, *held.of(series))
            if len(batch) < most:
                self._connection.execute("DELETE FROM journal WHERE at >= ? AND at < ?", (hour, hour + HOUR))
                self._connection.execute("DELETE FROM folding WHERE hour <= ?", (hour,))
                self._held = None
            else:
                self._connection.execute("INSERT OR REPLACE INTO folding VALUES (?, ?)", (hour, int(batch[-1])))
        return len(batch)

    def _sorted(self, hour: int) -> "_Hour":
        at, entries = self._journal(hour, hour + HOUR)
        order = np.argsort(entries["series"], kind="stable")
        series, first = np.unique(entries["series"][order], return_index=True)
        return _Hour(hour, series, np.append(first, len(order)), at[order], entries["tick"][order])

    def _fold_series(self, series: int, hour: int, at: NDArray[np.int64], ticks: Ticks) -> None:
        whole = np.zeros(TICKS_AN_HOUR, dtype=TICK)
        whole[(at - hour) // SECONDS] = ticks
        day = hour // DAY
        row = self._blob("days", "day", "ticks", series, day, TICKS_A_DAY)
        self._write("days", "ticks", row, (hour % DAY) // SECONDS, whole)
        requests = int(ticks["requests"].sum(dtype=np.uint64))
        self._connection.execute("UPDATE days SET requests = requests + ? WHERE id = ?", (requests, row))
        month, index = divmod(hour // HOUR, HOURS_A_MONTH)
        row = self._blob("months", "month", "hours", series, month, HOURS_A_MONTH)
        self._write("months", "hours", row, index, hour_of(ticks))

    def _blob(self, table: str, when: str, column: str, series: int, number: int, length: int) -> int:
        self._connection.execute(
            f"INSERT OR IGNORE INTO {table} (series, {when}, {column}) VALUES (?, ?, zeroblob(?))",  # noqa: S608
            (series, number, length * TICK.itemsize))
        found = self._connection.execute(f"SELECT id FROM {table} WHERE series = ? AND {when} = ?",  # noqa: S608
                                         (series, number)).fetchone()
        return int(found[0])

    def _write(self, table: str, column: str, row: int, first: int, ticks: Ticks) -> None:
        with self._connection.blobopen(table, column, row) as blob:
            blob.seek(first * TICK.itemsize)
            blob.write(ticks.tobytes())

    def read(self, series: str, first: int, last: int) -> Ticks:
        """The ticks of `series` from `first` up to but without `last`; zeros where there is nothing."""
        first, last = first - first % SECONDS, last - last % SECONDS
        answer = np.zeros(max(0, (last - first) // SECONDS), dtype=TICK)
        number = self._ids.get(series)
        if number is None or not len(answer):
            return answer
        for day in range(first // DAY, (last - 1) // DAY + 1):
            self._copy_day(answer, number, day, first)
        at, entries = self._journal(first, last)
        mine = entries["series"] == number
        answer[(at[mine] - first) // SECONDS] = entries["tick"][mine]
        return answer

    def _copy_day(self, answer: Ticks, series: int, day: int, first: int) -> None:
        row = self._connection.execute("SELECT id FROM days WHERE series = ? AND day = ?", (series, day)).fetchone()
        if row is None:
            return
        offset = (day * DAY - first) // SECONDS
        begin, end = max(0, offset), min(len(answer), offset + TICKS_A_DAY)
        with self._connection.blobopen("days", "ticks", row[0], readonly=True) as blob:
            blob.seek((begin - offset) * TICK.itemsize)
            answer[begin:end] = np.frombuffer(blob.read((end - begin) * TICK.itemsize), dtype=TICK)

    def read_hours(self, series: str, first: int, last: int) -> Ticks:
        """The same by the hour, for as long as a year."""
        first, last = first - first % HOUR, last - last % HOUR
        answer = np.zeros(max(0, (last - first) // HOUR), dtype=TICK)
        rows = self._connection.execute(
            "SELECT month, hours FROM months WHERE series = ?", (self._ids.get(series, 0),)).fetchall()
        for month, hours in rows:
            offset = month * HOURS_A_MONTH - first // HOUR
            begin, end = max(0, offset), min(len(answer), offset + HOURS_A_MONTH)
            if begin < end:
                answer[begin:end] = np.frombuffer(hours, dtype=TICK)[begin - offset : end - offset]
        return answer

    def up(self, first: int, last: int) -> NDArray[np.bool_]:
        """In which ticks the gateway ran: what is missing elsewhere was then not asked for."""
        first, last = first - first % SECONDS, last - last % SECONDS
        ran = self.read(GATEWAY, first, last)["total_p50"] > 0
        at, _ = self._journal(first, last)
        ran[(np.unique(at) - first) // SECONDS] = True
        return np.asarray(ran, dtype=bool)

    def prune(self, now: int) -> int:
        """Forget what is too old, then, if still too large, the least active series; how many of their days went."""
        with self._transaction():
            self._connection.execute("DELETE FROM days WHERE day < ?", (now // DAY - KEEP_DAYS,))
            oldest = (now - KEEP_HOURS_DAYS * DAY) // HOUR // HOURS_A_MONTH
            self._connection.execute("DELETE FROM months WHERE month < ?", (oldest,))
        self._give_back()
        gone = 0
        while self.bytes() > self.max_bytes and (dropped := self._drop_least_active()):
            gone += dropped
        self._dropped += gone
        return gone

    def _drop_least_active(self) -> int:
        """All days of as many of the quietest series as hold a tenth of the bytes."""
        ids = [row[0] for row in self._connection.execute(
            "SELECT series FROM days GROUP BY series ORDER BY sum(requests) / count(*), series")]
        held = self._connection.execute("SELECT count(*) FROM days").fetchone()[0]
        gone = 0
        with self._transaction():
            for series in ids:
                gone += self._connection.execute("DELETE FROM days WHERE series = ?", (series,)).rowcount
                self._connection.execute("DELETE FROM months WHERE series = ?", (series,))
                if gone >= held * (1 - PRUNE_TO):
                    break
        self._give_back()
        return gone

    def _give_back(self) -> None:
        """Free pages to the file system. `execute` would end after the first of them, `executescript` goes on."""
        self._connection.executescript("PRAGMA incremental_vacuum")

    def bytes(self) -> int:
        pages, size = (self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def usage(self) -> Usage:
        return Usage(self.bytes(), self.max_bytes, len(self._ids), self._dropped)

    def series(self) -> list[str]:
        return sorted(self._ids)

    def close(self) -> None:
        self._connection.close()

    def _id(self, name: str) -> int:
        """0 where there are too many series already."""
        self._name([name])
        return self._ids.get(name, 0)

    def _name(self, names: Iterable[str]) -> None:
        """Numbers for those that are new, in one go; those beyond MAX_SERIES get none."""
        new = [name for name in names if name not in self._ids][:max(0, MAX_SERIES - len(self._ids))]
        if not new:
            return
        first = 1 + self._connection.execute("SELECT coalesce(max(id), 0) FROM series").fetchone()[0]
        numbered = list(enumerate(new, first))
        self._connection.executemany("INSERT INTO series (id, name) VALUES (?, ?)", numbered)
        self._ids |= {name: number for number, name in numbered}

    def _journal(self, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.void]]:
        """(tick's time, entry) of every series within these ticks."""
        times, blobs = [], []
        for at, entries in self._connection.execute(
                "SELECT at, entries FROM journal WHERE at >= ? AND at < ? ORDER BY at", (first, last)):
            found = np.frombuffer(entries, dtype=ENTRY)
            times.append(np.full(len(found), at, dtype=np.int64))
            blobs.append(found)
        if not blobs:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=ENTRY)
        return np.concatenate(times), np.concatenate(blobs)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
                self._ids = dict(self._connection.execute("SELECT name, id FROM series"))
            raise

    def __repr__(self) -> str:
        return f"<WindowStore {self.path}>"
