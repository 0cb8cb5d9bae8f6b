"""Stored windows of some routes as plain arrays, and the production detectors over them: for tuning, and for drills
that hold a later version of the detectors to an incident of the past.

The weeks before teach the profile (`detect.priming`), two days of ticks teach noise and level and raise no alarm, the
rest is judged. So nothing of what a detector remembers is kept, only what it saw.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.control import observing
from gateway.detect import priming
from gateway.detect.watched import Watch, Watched
from gateway.model.signal import ANOMALIES
from gateway.prevent.tuning import LATE_S, Alarm, Labelled, Setting
from gateway.record.ticks import SECONDS, TICK, TICKS_A_DAY, hour_of
from gateway.record.window_store import WindowStore

HOUR, DAY = 3600, 86_400
WEEKS = 33 * DAY
WARM_UP = DAY + HOUR
"""Seconds of ticks before the first alarm: what is primed with a day of hours is a day old, and alarms begin at two."""
UNPRIMED = DAY
"""So much more where there is no such day."""
PRIMED_HOURS = 24
SCHEMA = "windows/1"


@dataclass(frozen=True, slots=True)
class History:
    """`hours`: hours x routes from `oldest` on; `ticks`: ticks x routes from `first` on; `hour_ticks`: in how many
    ticks of each hour the gateway ran, `ran`: in which ticks. Times are UTC seconds."""

    routes: tuple[str, ...]
    oldest: int
    hours: NDArray[np.void]
    hour_ticks: NDArray[np.int64]
    first: int
    ticks: NDArray[np.void]
    ran: NDArray[np.bool_]

    @property
    def judged_from(self) -> int:
        """Before that the detectors raise no alarm."""
        primed = int((self.hour_ticks > HOUR // SECONDS / 2).sum()) >= PRIMED_HOURS
        return self.first + WARM_UP + (0 if primed else UNPRIMED)

    @property
    def last(self) -> int:
        return self.first + len(self.ran) * SECONDS

    def judged_days(self, labelled: Sequence[Labelled]) -> float:
        """Days of one route in which an alarm would be a false one, all routes added up."""
        at = self.first + SECONDS * np.arange(len(self.ran))
        total = 0
        for route in self.routes:
            clean = self.ran & (at >= self.judged_from)
            for each in labelled:
                if route in each.routes:
                    clean &= (at < each.onset) | (at > each.over + LATE_S)
            total += int(clean.sum())
        return total / TICKS_A_DAY

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "routes": list(self.routes), "oldest": self.oldest, "first": self.first,
                **{name: _packed(getattr(self, name)) for name in ("hours", "hour_ticks", "ticks", "ran")}}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "History":
        """Raises ValueError, KeyError or TypeError on anything else."""
        if found["schema"] != SCHEMA:
            raise ValueError(f"windows of another kind: {str(found['schema'])[:40]}")
        routes, many = tuple(map(str, found["routes"])), len(found["routes"])
        return cls(routes, int(found["oldest"]), _unpacked(found["hours"], TICK).reshape(-1, many),
                   _unpacked(found["hour_ticks"], np.dtype(np.int64)), int(found["first"]),
                   _unpacked(found["ticks"], TICK).reshape(-1, many), _unpacked(found["ran"], np.dtype(np.bool_)))


def read(store: WindowStore, routes: Sequence[str], first: int, last: int) -> History:
    """Ticks from `first` to `last` (UTC seconds), and the hours before. Raises sqlite3.Error."""
    first = max(first, _begin(store, first, last))
    first -= first % HOUR
    oldest = first - WEEKS
    names, ran = [f"route:{route}" for route in routes], store.up(oldest, last)
    before = (first - oldest) // SECONDS
    return History(tuple(routes), oldest, np.stack([store.read_hours(name, oldest, first) for name in names], axis=1),
                   ran[:before].reshape(-1, HOUR // SECONDS).sum(axis=1),
                   first, np.stack([store.read(name, first, last) for name in names], axis=1), ran[before:])


def _begin(store: WindowStore, first: int, last: int) -> int:
    """When the gateway ran first in that time."""
    ran = np.flatnonzero(store.up(first, last))
    return first + int(ran[0]) * SECONDS if len(ran) else last


def replay(history: History, budgets: Sequence[int], success: Sequence[int],
           labelled: Sequence[Labelled]) -> list[Setting]:
    """Every budget watches at once, each with columns of its own. Learning rests while an incident goes on, as it does
    live. Minutes for two weeks: a child's work."""
    routes, many = history.routes, len(budgets)
    watched = Watched([Watch(f"{index} {budget}", budget, success[index]) for index in range(len(routes))
                       for budget in budgets])
    wide = np.repeat(np.arange(len(routes)), many)
    hours = history.hours[:, wide]
    priming.prime(watched, history.oldest // HOUR, hours["requests"].astype(float), hours["errors"].astype(float),
                  history.hour_ticks)
    opened = list(_alarms(history, watched, wide, labelled))
    return [Setting(budget, tuple(Alarm(routes[int(name.partition(" ")[0])], at) for name, at in opened
                                  if name.partition(" ")[2] == str(budget))) for budget in budgets]


def _alarms(history: History, watched: Watched, wide: NDArray[np.intp],
            labelled: Sequence[Labelled]) -> Iterator[tuple[str, float]]:
    """(name of the watch, when) of each alarm that opens; one that opens again within LATE_S is the same."""
    last: dict[str, float] = {}
    for index in np.flatnonzero(history.ran):
        at = history.first + int(index) * SECONDS
        frozen = np.array([any(route in each.routes and each.onset <= at <= each.over for each in labelled)
                           for route in history.routes])[wide]
        for signal in watched.tick(at, observing.stored(history.ticks[index][wide]), frozen):
            name, seen = signal.target.removeprefix("route:"), float(at + SECONDS)
            if signal.kind not in ANOMALIES:
                continue
            if seen - last.get(name, -LATE_S) > LATE_S:
                yield name, seen
            last[name] = seen


def hours_of(ticks: NDArray[np.void]) -> NDArray[np.void]:
    """Ticks x routes of whole hours as hours x routes."""
    hours = ticks.reshape(-1, HOUR // SECONDS, ticks.shape[1])
    return np.stack([[hour_of(each[:, route])[0] for route in range(ticks.shape[1])] for each in hours])


def joined(found: History, hours: NDArray[np.void], ran: NDArray[np.int64]) -> tuple[NDArray[np.void],
                                                                                     NDArray[np.int64]]:
    """Its hours and how much of them it ran, with more behind."""
    return np.concatenate([found.hours, hours]), np.concatenate([found.hour_ticks, ran])


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 9)).decode()


def _unpacked(text: str, kind: np.dtype[Any]) -> NDArray[Any]:
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), kind)
    except zlib.error as error:
        raise ValueError(f"damaged: {error}") from None


def to_text(history: History, more: dict[str, Any]) -> str:
    return json.dumps(more | {"windows": history.to_json()}, indent=1) + "\n"
