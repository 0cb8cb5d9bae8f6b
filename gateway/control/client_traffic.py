"""The clients that send the most: who they are, and what each did second by second for a quarter of an hour.

Fed with every flight record, off the request path. Space-Saving finds who is heavy, in a table that begins anew each
minute, so that who was heavy an hour ago makes room; the TRACKED heaviest have windows, as routes have. Bounded: ROOM
counters, TRACKED x SECONDS x 8 bytes (460 KB), and of one reading the KEYS_MOST heaviest clients, so that a million
addresses cost no more than some thousand. Nothing of it is kept on disk.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.control import evidence
from gateway.detect import surges
from gateway.detect.heavy import SpaceSaving
from gateway.model.signal import Signal
from gateway.record import flight
from gateway.record.flight import Records

ROOM, TRACKED = 256, 64
SECONDS = 900
KEYS_MOST = 1000
MINUTE, LOOK_EVERY = 60, 1
REQUESTS, FAILED = 0, 1
NAMED = 1 << 128


class ClientTraffic:
    """Mutable state: the table of this minute, whom it tracks in which column, and their seconds. A column of none has
    the key 0, which is no client (a Unix socket has no address)."""

    def __init__(self) -> None:
        self._table = SpaceSaving(ROOM)
        self._columns: dict[int, int] = {}
        self._ring = np.zeros((SECONDS, TRACKED, 2), np.uint32)
        self._total = np.zeros((SECONDS, 2), np.int64)
        self._now = np.zeros((TRACKED, 2), np.int64)
        self._now_total = np.zeros(2, np.int64)
        self._second = self._first = self._minute = self._looked = 0

    def take(self, records: Records, worker: int) -> None:
        """Records of a worker, all of them, in their order."""
        known = records[(records["client_high"] != 0) | (records["client_low"] != 0)]
        bad = evidence.failed(known)
        self._now_total += len(known), int(bad.sum())
        for key, count, failed in _counted(known, bad):
            self._table.add(key, count)
            if (column := self._columns.get(key)) is not None:
                self._now[column] += count, failed

    def __call__(self, now: int) -> list[Signal]:
        """The second that ends, and who surges. `now`: UTC ns."""
        self._end_second(now // 10**9)
        if self._second - self._looked >= LOOK_EVERY or self._second < self._looked:
            self._looked = self._second
            self._track()
        return surges.surges(self._heard(), self._windows(self._total[:, REQUESTS]), now)

    def _end_second(self, second: int) -> None:
        if not 0 <= second - self._second < SECONDS:
            self._first, self._second = second - 1, second - 1
            self._ring[...] = 0
            self._total[...] = 0
        for skipped in range(self._second + 1, second):
            self._ring[skipped % SECONDS], self._total[skipped % SECONDS] = 0, 0
        self._ring[second % SECONDS], self._total[second % SECONDS] = self._now, self._now_total
        self._now[...], self._now_total[...], self._second = 0, 0, second

    def _track(self) -> None:
        """Whoever is heavier now than the quietest that is tracked takes its column."""
        quiet = self._sums(MINUTE)[:, REQUESTS]
        for each in self._table.top(TRACKED):
            if each.key in self._columns:
                continue
            column = len(self._columns) if len(self._columns) < TRACKED else int(quiet.argmin())
            if len(self._columns) == TRACKED:
                if each.count - each.error <= quiet[column]:
                    return
                self._columns = {key: at for key, at in self._columns.items() if at != column}
            self._columns[each.key] = column
            self._ring[:, column] = 0
            quiet[column] = int(each.count)
        if self._second // MINUTE != self._minute:
            self._minute, self._table = self._second // MINUTE, SpaceSaving(ROOM)

    def _sums(self, seconds: int) -> NDArray[np.int64]:
        span = min(seconds, self._second - self._first)
        return np.asarray(self._ring[self._rows(span)].sum(axis=0, dtype=np.int64))

    def _rows(self, span: int) -> list[int]:
        """The oldest first."""
        return [(self._second - back) % SECONDS for back in range(span - 1, -1, -1)]

    def _windows(self, ring: NDArray[Any]) -> list[int]:
        """A column by windows of SPAN seconds, whole ones only."""
        span = min(SECONDS, self._second - self._first) // surges.SPAN * surges.SPAN
        return ring[self._rows(span)].reshape(-1, surges.SPAN).sum(axis=1).tolist() if span else []

    def _heard(self) -> Iterator[surges.Heard]:
        """Only those that sent enough for a surge."""
        lately = self._sums(surges.SPAN)[:, REQUESTS]
        for key, column in self._columns.items():
            if lately[column] >= surges.LEAST:
                yield surges.Heard(_shown(key), self._windows(self._ring[:, column, REQUESTS]))

    def snapshot(self, most: int = TRACKED) -> list[dict[str, Any]]:
        """Those that sent anything in the last minute, the heaviest first."""
        minute, lately = self._sums(MINUTE), self._sums(surges.SPAN)
        span = [(self._second - back) % SECONDS for back in range(min(MINUTE, self._second - self._first))]
        every = max(int(self._total[span, REQUESTS].sum()), 1)
        found: list[dict[str, Any]] = [
            {"client": _shown(key), "requests": int(minute[column, REQUESTS]), "failed": int(minute[column, FAILED]),
             "share": round(float(minute[column, REQUESTS]) / every, 4),
             "per_second": round(float(lately[column, REQUESTS]) / surges.SPAN, 2)}
            for key, column in self._columns.items() if minute[column, REQUESTS]]
        return sorted(found, key=lambda each: (-each["requests"], each["client"]))[:most]

    def __repr__(self) -> str:
        return f"<ClientTraffic of {len(self._columns)} clients>"


def _counted(records: Records, bad: NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """(client as one number, requests, failed) of the KEYS_MOST heaviest clients in these records. A client is what the
    config knows clients by: its address, or NAMED and the hash of something else."""
    if not len(records):
        return
    _, first, code = np.unique(records["client_key"], return_index=True, return_inverse=True)
    count, failed = np.bincount(code), np.bincount(code, weights=bad)
    chosen = np.argsort(-count, kind="stable")[:KEYS_MOST]
    for one, requests, failures in zip(records[first[chosen]], count[chosen].tolist(), failed[chosen].tolist(),
                                       strict=True):
        named = int(one["flags"]) & flight.NAMED_CLIENT
        key = NAMED | int(one["client_key"]) if named else int(one["client_high"]) << 64 | int(one["client_low"])
        yield key, requests, int(failures)


def _shown(key: int) -> str:
    """As `client:…` takes it."""
    if key & NAMED:
        return f"#{key ^ NAMED:016x}"
    return flight.client(key >> 64, key & 2**64 - 1)
