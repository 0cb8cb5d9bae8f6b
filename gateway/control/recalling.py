"""What the windows and the recorder hold of an incident that is over, and what would keep it from coming back: for its
post-mortem and proposals. Of one that is open only its correction is drafted. Done in a child of control.

Nothing is kept of it here: a database or a segment that is gone is an empty series, and the record says so.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.config import proposing
from gateway.control import evidence
from gateway.control.rehearsing import Rehearsal
from gateway.model.incident import Incident
from gateway.model.proposal import Proposal
from gateway.prevent.case import SECOND, Applied, Case, Clients, Promise, Series
from gateway.record import incidents, proposals, segments
from gateway.record.flight import FELL_BACK
from gateway.record.segments import FLIGHT, Block
from gateway.record.spool import FOLDER
from gateway.record.ticks import SECONDS, Ticks, microseconds
from gateway.record.window_store import GATEWAY, NAME, WindowStore

BEFORE, AFTER = 600, 120
LONGEST = 7 * 86_400
"""Seconds; of an incident that lasted longer the first week is looked at."""
ROUTES_MOST = 50
CLIENTS_MOST = 200_000
HOUR, MONTH = 3600, 30 * 86_400


@dataclass(frozen=True, slots=True)
class Question:
    """`routes`: name and objective (parts per million, 0 for none) of those affected; none: the gateway as a whole.
    `served`: the config's text now, empty where there is none, and the number of its revision."""

    incident: Incident
    routes: tuple[tuple[str, int], ...] = ()
    applied: Applied | None = None
    served: str = ""
    revision: int = 0

    @property
    def onset_ns(self) -> int:
        return Case(self.incident).onset_ns

    @property
    def over_ns(self) -> int:
        return Case(self.incident).over_ns

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self) | {"incident": json.loads(incidents.document(self.incident))})

    @classmethod
    def from_json(cls, text: str) -> "Question":
        values = json.loads(text)
        return cls(incidents.from_document(values["incident"]),
                   tuple((name, success) for name, success in values["routes"]),
                   Applied(**values["applied"]) if values["applied"] else None, values["served"], values["revision"])


@dataclass(frozen=True, slots=True)
class Memory:
    series: tuple[Series, ...] = ()
    promises: tuple[Promise, ...] = ()
    clients: Clients | None = None
    proposals: tuple[Proposal, ...] = ()


def think(folder: Path, question: Question, now: int) -> Memory:
    """What is known of it, and what is drafted from that. `now`: UTC ns. Raises sqlite3.Error, OSError."""
    found = Memory() if question.incident.is_open else recall(folder, question)
    case = Case(question.incident, series=found.series, applied=question.applied)
    drafted = _drafted(case, question, Rehearsal(folder, question.onset_ns, now))
    return dataclasses.replace(found, proposals=tuple(dataclasses.replace(each, at_ns=now) for each in drafted))


def _drafted(case: Case, question: Question, rehearsal: Rehearsal) -> list[Proposal]:
    if question.incident.is_open:
        return proposing.corrections(case, question.served, question.revision, rehearsal)
    routes = tuple(name for name, _ in question.routes)
    return proposing.proposals(case, routes, question.served, question.revision, rehearsal)


def recall(folder: Path, question: Question) -> Memory:
    """`folder`: the state folder. Raises sqlite3.Error, OSError."""
    windows = WindowStore(folder / NAME, 0)
    try:
        targets = [f"route:{name}" for name, _ in question.routes[:ROUTES_MOST]] or [GATEWAY]
        promises = tuple(Promise(name, success, _month(windows, name, question.over_ns // SECOND))
                         for name, success in question.routes[:ROUTES_MOST] if success)
        return Memory(tuple(_series(windows, each, question) for each in targets), promises,
                      _clients(folder / FOLDER, question))
    finally:
        windows.close()


def _series(windows: WindowStore, target: str, question: Question) -> Series:
    onset, over = question.onset_ns // SECOND, question.over_ns // SECOND
    first = (onset - BEFORE) // SECONDS * SECONDS
    ticks = windows.read(target, first, min(over, onset + LONGEST) + AFTER + SECONDS)
    return series(target, first, ticks)


def series(target: str, first: int, ticks: Ticks) -> Series:
    p99 = microseconds(ticks["total_p99"]) / 1000
    requests, errors, refused = (tuple(map(int, ticks[name])) for name in ("requests", "errors", "refused"))
    return Series(target, first, SECONDS, requests, errors, refused,
                  tuple(None if np.isnan(each) else round(float(each), 2) for each in p99))


def _month(windows: WindowStore, route: str, until: int) -> int:
    """Requests of the last thirty days; what is not folded into hours yet is read tick by tick."""
    hour = until - until % HOUR - HOUR
    hours = windows.read_hours(f"route:{route}", until - MONTH, hour)
    return int(hours["requests"].sum(dtype=np.int64)
               + windows.read(f"route:{route}", hour, until)["requests"].sum(dtype=np.int64))


def _clients(folder: Path, question: Question) -> Clients | None:
    """None where the recorder holds nothing of that time. Beyond CLIENTS_MOST clients are not counted any more."""
    failed: set[int] = set()
    seen: set[int] = set()
    records, stands_for, fallback = 0, 0.0, 0.0
    for block in blocks(folder, question.onset_ns, question.over_ns + SECOND):
        mine = _of(block, question)
        found, weights = block.records[mine], block.weights[mine]
        records, stands_for = records + len(found), stands_for + float(weights.sum())
        fallback += float(weights[(found["flags"] & FELL_BACK) != 0].sum())
        for known, flags in ((seen, np.ones(len(found), bool)), (failed, evidence.failed(found))):
            if len(known) < CLIENTS_MOST:
                known |= _addresses(found[flags])
    if not records:
        return None
    return Clients(len(failed), len(seen), round(fallback), min(1.0, records / stands_for if stands_for else 1.0))


def _of(block: Block, question: Question) -> NDArray[np.bool_]:
    """Records of the affected routes from the onset to the end."""
    started = block.records["started_ns"] + np.uint64(block.meanings.utc_offset)
    inside = (started >= question.onset_ns) & (started <= question.over_ns)
    if question.routes:
        names = {name for name, _ in question.routes}
        rows = [row for row, name in block.meanings.rows.get("routes", {}).items() if name in names]
        inside &= np.isin(block.records["route"], rows)
    return np.asarray(inside)


def _addresses(records: NDArray[np.void]) -> set[int]:
    pairs = np.unique(np.stack([records["client_high"], records["client_low"]], axis=1), axis=0)
    return {int(high) << 64 | int(low) for high, low in pairs}


def blocks(folder: Path, since_ns: int, until_ns: int) -> Iterator[Block]:
    """Whole blocks of the recorder that hold anything of that time (UTC ns), in order; torn ones are left out."""
    files = segments.paths(folder, FLIGHT)
    for path, following in zip(files, [*files[1:], None], strict=False):
        if int(path.stem) >= until_ns or (following is not None and int(following.stem) < since_ns):
            continue
        for block in segments.blocks(path):
            if block is not None and block.last_ns >= since_ns and block.first_ns < until_ns:
                yield block


def from_document(values: dict[str, Any]) -> Memory:
    """Of what a child wrote down with `dataclasses.asdict`."""
    return Memory(tuple(Series(each["target"], each["first"], each["step"], *(tuple(each[name]) for name in (
                      "requests", "errors", "refused", "p99_ms"))) for each in values["series"]),
                  tuple(Promise(**each) for each in values["promises"]),
                  Clients(**values["clients"]) if values["clients"] else None,
                  tuple(map(proposals.from_document, values["proposals"])))
