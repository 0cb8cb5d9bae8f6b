"""Everything that watches the routes of a plan, by name: anomalies, slow answers, objectives. Ticks in, signals out.

What is remembered of a route is about 20 KB, stays with its name from plan to plan, and is kept as bytes, so that a
restart does not begin to learn anew.
"""

import json
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect.baseline import SECONDS
from gateway.detect.columns import Columns, Numbers
from gateway.detect.objectives import Objectives
from gateway.detect.routes import Condition, RouteDetectors, Ticks
from gateway.detect.slowness import Slowness
from gateway.model.signal import Signal

MINUTE = 60
BYTES_VERSION = 3
OWNERS = ("", "slowness", "objectives", "anomalies", *(f"anomalies.{part}" for part in RouteDetectors.PARTS))

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a plan wants of a route. `false_alarms`: a month, 0 = none are raised; `success`: its objective in parts per
    million, 0 = it has none."""

    name: str
    false_alarms: float = 1.0
    success: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """Ten seconds of every route, in the order of the names.

    `latency`: a high percentile in ms, NaN where nothing was answered; `histograms`: routes x slowness.BUCKETS, None
    where they are not known any more; `late`: answered later than the objective allows.
    """

    requests: Numbers
    errors: Numbers
    latency: Numbers
    histograms: Numbers | None = None
    late: Numbers | float = 0.0


class Minute(Columns):
    """The minute under way. `ticks`: how many of it were seen: part of a minute (after a restart) is not judged as one;
    `latency`: the sum of logarithms, weighed by the requests of each tick."""

    WIDTHS: ClassVar = {}
    ticks: Numbers
    requests: Numbers
    answered: Numbers
    latency: Numbers


@dataclass(frozen=True, slots=True)
class _Ended:
    """A minute, as RouteDetectors.minute wants it."""

    at: float
    requests: Numbers
    latency: Numbers
    frozen: Flags | bool
    lowered: Numbers | float
    whole: NDArray[np.intp]


class Watched:
    """Mutable state: `at`, when the last tick began (UTC seconds, 0: there was none), all that was learned, and the
    minute that has ended with the last tick: it is looked at by `finish`, or else with the next tick."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.at = 0.0
        self.watches = tuple(watches)
        self.success = np.array([each.success for each in watches], dtype=np.float64)
        budgets = np.array([each.false_alarms for each in watches], dtype=np.float64)
        self.anomalies = RouteDetectors([each.name for each in watches], budgets)
        self.slowness, self.objectives = Slowness(len(watches)), Objectives(len(watches))
        self.minute = Minute(len(watches))
        self._ended: _Ended | None = None

    @property
    def names(self) -> list[str]:
        return self.anomalies.names

    def tick(self, at: float, seen: Observed, frozen: Flags | bool = False,
             lowered: Numbers | float = 0.0) -> list[Signal]:
        """The ten seconds that began at `at`, UTC. See RouteDetectors.tick."""
        self.finish()
        slow = self._slow(seen, frozen)
        found = self.anomalies.tick(at, Ticks(seen.requests, seen.errors, slow), frozen, lowered)
        self._minute(at, seen, frozen, lowered)
        self.objectives.tick(at, seen.requests, np.minimum(seen.errors + seen.late, seen.requests))
        self.at = at
        return found + self.objectives.signals(self.names, self.success)

    def _slow(self, seen: Observed, frozen: Flags | bool) -> Numbers:
        if seen.histograms is None:
            return np.zeros(len(self.watches))
        learning = (self.anomalies.slow.watch.alarm == 0) & ~np.asarray(frozen)
        slow = self.slowness.count(seen.histograms)
        moved, share = self.slowness.learn(seen.histograms, learning)
        if moved.size:
            self.anomalies.slow.rebase(moved, share)
        return slow

    def _minute(self, at: float, seen: Observed, frozen: Flags | bool, lowered: Numbers | float) -> None:
        minute, known = self.minute, ~np.isnan(seen.latency)
        if at - self.at != SECONDS or at % MINUTE == 0:
            minute.matrix[...] = 0
        minute.ticks += 1
        minute.requests += seen.requests
        minute.answered += np.where(known, seen.requests, 0.0)
        minute.latency += np.where(known, seen.requests * np.log(np.where(known, seen.latency, 1.0) + 1e-3), 0.0)
        if at % MINUTE < MINUTE - SECONDS:
            return
        answered = np.maximum(minute.answered, 1.0)
        latency = np.where(minute.answered > 0, np.exp(minute.latency / answered), np.nan)
        whole = np.flatnonzero(minute.ticks == MINUTE / SECONDS)
        self._ended = _Ended(at + SECONDS - MINUTE, minute.requests.copy(), latency, frozen, lowered, whole)

    def finish(self) -> None:
        """What a tick left to be done, where there is time: what it finds is in the signals of the next one."""
        ended, self._ended = self._ended, None
        if ended is not None:
            self.anomalies.minute(ended.at, ended.requests, ended.latency, ended.frozen, ended.lowered, ended.whole)

    def conditions(self) -> dict[str, Condition]:
        return dict(zip(self.names, self.anomalies.conditions(), strict=True))

    # Keeping

    def arranged(self, watches: Sequence[Watch]) -> "Watched":
        """For another plan: routes that stay keep what was learned, by name; new ones begin to warm up."""
        self.finish()
        places = {name: index for index, name in enumerate(self.names)}
        order = np.array([places.get(each.name, -1) for each in watches], dtype=np.intp)
        fresh = Watched(watches)
        for name, columns in self._parts():
            fresh._put(name, columns.arranged(order))
        fresh.at = self.at
        return fresh

    def copied(self) -> "Watched":
        return self.arranged(self.watches)

    def _parts(self) -> Iterator[tuple[str, Columns]]:
        """All that is remembered, by attribute, in a fixed order."""
        for owner in OWNERS:
            for name, value in vars(operator.attrgetter(owner)(self) if owner else self).items():
                if isinstance(value, Columns):
                    yield f"{owner}.{name}".lstrip("."), value

    def _put(self, name: str, columns: Columns) -> None:
        owner, _, attribute = name.rpartition(".")
        setattr(operator.attrgetter(owner)(self) if owner else self, attribute, columns)

    def memory(self) -> int:
        """Bytes."""
        return sum(columns.matrix.nbytes for _, columns in self._parts())

    def to_bytes(self) -> bytes:
        self.finish()
        blobs = [columns.to_bytes() for _, columns in self._parts()]
        head = json.dumps({"version": BYTES_VERSION, "at": self.at, "names": self.names,
                           "sizes": [len(blob) for blob in blobs]})
        return head.encode() + b"\n" + b"".join(blobs)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Watched":
        """With every route of then and no budgets or objectives: see `arranged`. Raises ValueError where the bytes are
        damaged or of another version; the caller begins anew then, warming up."""
        names, at, sizes, rest = _head(data)
        found = cls([Watch(name) for name in names])
        found.at = at
        parts = list(found._parts())
        if len(sizes) != len(parts) or sum(sizes) != len(rest):
            raise ValueError("the state of detectors is damaged or of another version")
        begin = 0
        for (name, columns), size in zip(parts, sizes, strict=True):
            read = type(columns).from_bytes(rest[begin:begin + size])
            if len(read) != len(names):
                raise ValueError("the state of detectors is damaged")
            found._put(name, read)
            begin += size
        return found

    def __repr__(self) -> str:
        return f"<Watched {len(self.watches)} routes at {self.at:g}>"


def _head(data: bytes) -> tuple[list[str], float, list[int], bytes]:
    head, _, rest = data.partition(b"\n")
    try:
        said: Any = json.loads(head)
        if said["version"] != BYTES_VERSION:
            raise ValueError
        return [str(name) for name in said["names"]], float(said["at"]), [int(size) for size in said["sizes"]], rest
    except (ValueError, KeyError, TypeError):
        raise ValueError("no state of detectors as this version keeps it") from None
