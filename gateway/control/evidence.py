"""The evidence of an incident: what the flight recorder's rings hold from before its onset to now, frozen as columns.

Read in a child of control, never in its turns. What the rings have lost already is counted and said.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway import _recorder
from gateway.analyse.table import UNKNOWN, Table, narrow
from gateway.board import INTERNED, LAYOUT, OFFSETS, SIZE, Board
from gateway.model.decisions import Decision
from gateway.record import flight
from gateway.record.flight import NAMED_CLIENT
from gateway.routing.trie import METHOD_BITS

MOST = 100_000
"""Records of each half, the latest kept: what an attribution does in a tenth of a second."""
NO_ROW = 2**32 - 1
NOTHING = "-"
METHODS = (*METHOD_BITS, "other")
COLUMNS = ("upstream", "route", "method", "client", "endpoint", "agent", "version", "revision", "size", "worker")
"""The widest first: of two that hold the same requests the first is named. The status is not among them: it says that a
request failed, not where."""

RECORD = np.dtype({
    "names": [field.name for field in LAYOUT["Record"]],
    "formats": [f"S{field.count}" if field.count > 1 else f"<u{field.size}" for field in LAYOUT["Record"]],
    "offsets": [OFFSETS["Record"][field.name] for field in LAYOUT["Record"]],
    "itemsize": SIZE["Record"],
})
BY_SAFEGUARDS = np.array([Decision.ISOLATED, Decision.LIMITED, Decision.SHED, Decision.SATURATED, Decision.OPEN])
BY_POLICY = np.array([Decision.ISOLATED, Decision.LIMITED])
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`records` in the order of their times, and who wrote each; `lost`: overwritten before they were read."""

    records: NDArray[np.void]
    worker: NDArray[np.uint16]
    lost: int

    def where(self, chosen: Flags) -> "Evidence":
        """The chosen records only."""
        return Evidence(self.records[chosen], self.worker[chosen], self.lost)


def freeze(board: Board, since: int, until: int) -> Evidence:
    """Requests that began from `since` to `until` (monotonic ns), of all workers."""
    found, workers, lost = [], [], 0
    for worker in range(board.workers):
        ring = board.ring(worker)
        after = max(0, ring["next"] - ring["records"])
        raw, _, torn = _recorder.read(board.memory, ring.at, after, ring["records"]) if ring["records"] else ([], 0, 0)
        records = np.frombuffer(b"".join(raw), RECORD)
        inside = (records["started_ns"] >= since) & (records["started_ns"] < until)
        lost += torn if len(records) and records["started_ns"][0] > since else 0
        found.append(records[inside])
        workers.append(np.full(int(inside.sum()), worker, np.uint16))
    records, worker_of = np.concatenate(found), np.concatenate(workers)
    order = np.argsort(records["started_ns"], kind="stable")
    return Evidence(records[order], worker_of[order], lost)


def asked(evidence: Evidence) -> Evidence:
    """Without what an open breaker turned away: that follows from failures, and says nothing of where they are. All of
    it where nothing else failed."""
    turned_away = evidence.records["decision"] == Decision.OPEN
    if not turned_away.any() or not (failed(evidence.records) & ~turned_away).any():
        return evidence
    return Evidence(evidence.records[~turned_away], evidence.worker[~turned_away], evidence.lost)


def failed(records: NDArray[np.void]) -> Flags:
    """5xx, no answer though the client waited, or turned away by a safeguard."""
    status, decision = records["status"], records["decision"]
    unanswered = (status == 0) & (decision != Decision.GONE)
    return np.asarray((status >= 500) | unanswered | (np.isin(decision, BY_SAFEGUARDS) & ~shadowed(records)))


def denied(records: NDArray[np.void]) -> Flags:
    """By the gateway's own rules, whatever the upstream would have said."""
    return np.asarray(np.isin(records["decision"], BY_POLICY) & ~shadowed(records))


def refused(records: NDArray[np.void]) -> Flags:
    """An ordinary no: no route, a wrong method, a body above the bound. The client's fault, unless a config has just
    changed what is refused."""
    return np.asarray(records["decision"] == Decision.REFUSED)


def shadowed(records: NDArray[np.void]) -> Flags:
    """What a safeguard in shadow would have denied, and let pass."""
    return np.asarray((records["flags"] & flight.SHADOW) != 0)


def local(records: NDArray[np.void]) -> Flags:
    """Connects, resets and time-outs: no answer of the upstream."""
    return np.asarray(np.isin(records["decision"], [Decision.ERROR, Decision.TIMEOUT]) |
                      ((records["status"] == 0) & (records["decision"] != Decision.GONE)))


def table(board: Board, evidence: Evidence, bad: Flags, onset: int) -> Table:
    """Both halves, those of the incident first, each at most MOST rows: the latest before, the first ones since."""
    since = np.flatnonzero(evidence.records["started_ns"] >= onset)[:MOST]
    before = np.flatnonzero(evidence.records["started_ns"] < onset)[-MOST:]
    rows = np.concatenate([since, before])
    records = evidence.records[rows]
    coded = [_coded(column) for column in _texts(board, records, evidence.worker[rows])]
    return Table(COLUMNS, tuple(values for _, values in coded), tuple(codes for codes, _ in coded),
                 np.ones(len(rows)), bad[rows].astype(np.float64), len(since))


def _texts(board: Board, records: NDArray[np.void], worker: NDArray[np.uint16]) -> list[NDArray[np.object_]]:
    """The columns as texts, in the order of COLUMNS."""
    routes, endpoints, upstreams = board.names("routes"), board.names("endpoints"), board.names("upstreams")
    sizes = np.floor(np.log2(records["bytes_in"].astype(np.float64) + 1)).astype(np.int64)
    return [
        _named(records["upstream"], {row: name for name, row in upstreams.items()}, UNKNOWN),
        _named(records["route"], {row: name for name, row in routes.items()}),
        _shown(records["method"], _method), _clients(records),
        _named(records["endpoint"], {row: name.partition(" ")[2] for name, row in endpoints.items()}, UNKNOWN),
        _agents(board, records, worker), _versions(records),
        _shown(records["generation"], str), _shown(sizes, lambda power: f"< {2 ** (power + 1) - 1} bytes"),
        _shown(worker, str),
    ]


def _shown(values: NDArray[np.generic], show: Callable[[Any], str]) -> NDArray[np.object_]:
    known, codes = np.unique(values, return_inverse=True)
    shown = np.array([show(each) or NOTHING for each in known.tolist()] or [NOTHING], dtype=object)
    return np.asarray(shown[codes.reshape(-1)])


def _named(rows: NDArray[np.uint32], names: dict[int, str], otherwise: str = NOTHING) -> NDArray[np.object_]:
    known, codes = np.unique(rows, return_inverse=True)
    shown = np.array([names.get(row, otherwise) for row in known.tolist()] or [otherwise], dtype=object)
    return np.asarray(shown[codes.reshape(-1)])


def _versions(records: NDArray[np.void]) -> NDArray[np.object_]:
    """As the answers say; of a request without an answer that of the endpoint's last answer before it, or the first
    after it; where the endpoint never answered, or was none, the same of the upstream."""
    said = np.array([raw.decode("latin-1") for raw in records["version"].tolist()], dtype=object)
    for place in ("endpoint", "upstream"):
        said = _filled(said, records[place], records["started_ns"])
    return said


def _filled(texts: NDArray[np.object_], of: NDArray[np.uint32], at: NDArray[np.uint64]) -> NDArray[np.object_]:
    order = np.lexsort((at, of))
    group, sorted_texts = of[order], texts[order]
    known, place = sorted_texts != UNKNOWN, np.arange(len(order))
    before = np.maximum.accumulate(np.where(known, place, -1))
    after = np.minimum.accumulate(np.where(known, place, len(order))[::-1])[::-1]
    source = np.where(_same(group, before), before, np.where(_same(group, after), after, place))
    found = np.empty(len(order), dtype=object)
    found[order] = sorted_texts[source]
    return found


def _same(endpoint: NDArray[np.uint32], place: NDArray[np.int64]) -> Flags:
    """Is there such a place, and is it one of the same group?"""
    inside = (place >= 0) & (place < len(endpoint))
    return np.asarray(inside & (endpoint[np.clip(place, 0, max(len(endpoint) - 1, 0))] == endpoint))


def _clients(records: NDArray[np.void]) -> NDArray[np.object_]:
    """By what the config knows clients by: `#` and the hash of that, or the address."""
    named = (records["flags"] & NAMED_CLIENT) != 0
    shown = _addresses(records)
    shown[named] = [f"#{key:016x}" for key in records["client_key"][named].tolist()]
    return shown


def _addresses(records: NDArray[np.void]) -> NDArray[np.object_]:
    pairs = np.stack([records["client_high"], records["client_low"]], axis=1)
    known, codes = np.unique(pairs, axis=0, return_inverse=True)
    shown = np.array([_address(int(high) << 64 | int(low)) for high, low in known] or [NOTHING], dtype=object)
    return np.asarray(shown[codes.reshape(-1)])


def _address(number: int) -> str:
    found = ipaddress.IPv6Address(number)
    return str(found.ipv4_mapped or found)


def _agents(board: Board, records: NDArray[np.void], worker: NDArray[np.uint16]) -> NDArray[np.object_]:
    both = worker.astype(np.uint64) << np.uint64(32) | records["agent"]
    return _shown(both, lambda pair: _interned(board, pair >> 32, pair & NO_ROW))


def _interned(board: Board, worker: int, number: int) -> str:
    """Of a worker's table; its numbers begin at 1."""
    if not 1 <= number <= INTERNED:
        return NOTHING
    at = board.header["interned_at"] + (worker * INTERNED + number - 1) * SIZE["Interned"]
    row = bytes(board.memory[at:at + SIZE["Interned"]])
    size = int.from_bytes(row[8:16], "little")
    return row[16:16 + min(size, SIZE["Interned"] - 16)].decode("latin-1")


def _method(number: int) -> str:
    return METHODS[number] if number < len(METHODS) else NOTHING


def _coded(texts: NDArray[np.object_]) -> tuple[NDArray[np.uint16] | NDArray[np.uint32], tuple[str, ...]]:
    known, codes = np.unique(texts.astype(str), return_inverse=True) if len(texts) else (np.array([NOTHING]), texts)
    return narrow(np.asarray(codes, np.int64).reshape(-1), len(known)), tuple(known.tolist())
