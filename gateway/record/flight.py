"""Flight records as columns: the layout of the board as a numpy type, and what the numbers in it stand for.

A record names routes, endpoints and texts by the numbers they have on the board of one boot. Whoever keeps records
keeps with them what these numbers meant: `Meanings`, of those that occur in them alone.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway import _recorder
from gateway.board import LAYOUT, NO_ROUTE, OFFSETS, SIZE, Board
from gateway.model.decisions import Decision, Safeguard

Records = npt.NDArray[np.void]

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "other")
NO_ROW = _recorder.NO_ROW
SECTIONS = {"route": "routes", "upstream": "upstreams", "endpoint": "endpoints", "limit": "limits"}
TEXTS = ("host", "agent")
INCIDENT_BIT = 8                        # of the word of an isolation: flags are below
PATH_CUT, SHADOW, FELL_BACK, NAMED_CLIENT = 1, 2, 4, 8   # _recorder.RecordFlags
ISOLATIONS = (Safeguard.ISOLATION, Safeguard.CLIENT_ISOLATION)
"""What they observe is their word: the number of the incident, 0 without one, above eight flags."""
OF_UPSTREAM = (Safeguard.UPSTREAM_CONCURRENCY, Safeguard.BREAKER, Safeguard.EJECTION)
KINDS = {8: "<u8", 4: "<u4", 2: "<u2", 1: "u1"}

RECORD = np.dtype([(each.name, KINDS[each.size], (each.count,)) if each.count > 1 else (each.name, KINDS[each.size])
                   for each in LAYOUT["Record"]])
assert RECORD.itemsize == _recorder.RECORD_BYTES


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the numbers in some records stand for; `utc_offset` makes UTC of the monotonic clock, in ns."""

    utc_offset: int = 0
    rows: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)
    incidents: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Which was open then, by section and row."""

    def to_json(self) -> str:
        return json.dumps({"utc_offset": self.utc_offset, "rows": self.rows, "texts": self.texts,
                           "incidents": self.incidents})

    @classmethod
    def from_json(cls, text: str) -> "Meanings":
        """Raises ValueError, KeyError or TypeError on anything else."""
        found = json.loads(text)
        rows = {section: _numbered(names) for section, names in found["rows"].items()}
        incidents = {section: {int(row): int(number) for row, number in numbers.items()}
                     for section, numbers in found.get("incidents", {}).items()}
        return cls(int(found["utc_offset"]), rows, _numbered(found["texts"]), incidents)

    def name(self, section: str, row: int) -> str:
        """Empty where there is none."""
        name = self.rows.get(section, {}).get(row, "")
        return "" if row == NO_ROW or name == NO_ROUTE else name


def _numbered(names: Mapping[str, str]) -> dict[int, str]:
    return {int(number): str(name) for number, name in names.items()}


def records_of(raw: bytes) -> Records:
    """Whole records, one after the other, with nothing behind the end of a path or version."""
    records = np.frombuffer(raw, RECORD).copy()
    for name in ("path", "version"):
        texts = records[name]
        texts[np.arange(texts.shape[1]) >= records[f"{name}_size"][:, None]] = 0
    return records


def meanings(board: Board, worker: int, records: Records, utc_offset: int) -> Meanings:
    """Of what occurs in these records of a worker."""
    rows = {}
    for column, section in SECTIONS.items():
        names = list(board.names(section))
        rows[section] = {int(row): names[row] for row in np.unique(records[column]) if row < len(names)}
    incidents = {section: {row: number for row in rows[section] if (
        number := board.control(section, row)["isolation"] >> INCIDENT_BIT)} for section in ("routes", "upstreams")}
    numbers = np.unique(np.concatenate([records[column] for column in TEXTS]))
    return Meanings(utc_offset, rows, {int(each): interned(board, worker, int(each)) for each in numbers if each},
                    incidents)


def interned(board: Board, worker: int, number: int) -> str:
    """The text of a number (from 1) in a worker's table."""
    table = board.header["interned_at"] + worker * _interned_rows(board) * SIZE["Interned"]
    at = table + (number - 1) * SIZE["Interned"]
    raw = bytes(board.memory[at : at + SIZE["Interned"]])
    size = int.from_bytes(raw[OFFSETS["Interned"]["size"] :][:8], "little")
    return raw[OFFSETS["Interned"]["text"] :][:size].decode("latin-1")


def _interned_rows(board: Board) -> int:
    return (board.header["rings_at"] - board.header["interned_at"]) // SIZE["Interned"] // board.workers


def document(record: np.void, told: Meanings, weight: float = 1.0) -> dict[str, Any]:
    """One record for people and scripts. `weight`: how many like it it stands for."""
    limit = told.name("limits", int(record["limit"]))
    shown: dict[str, Any] = {
        "at_ns": int(record["started_ns"]) + told.utc_offset,
        "route": told.name("routes", int(record["route"])),
        "upstream": told.name("upstreams", int(record["upstream"])),
        "endpoint": told.name("endpoints", int(record["endpoint"])).partition(" ")[2],
        "method": method(int(record["method"])), "path": path(record), "status": int(record["status"]),
        "decision": Decision(int(record["decision"])).name.lower(),
        "safeguard": Safeguard(int(record["safeguard"])).name.lower(),
        "limit": limit.rpartition(" ")[2], "observed": int(record["observed"]), "threshold": int(record["threshold"]),
        "incident": incident(record, told),
        "shadow": bool(record["flags"] & SHADOW), "fallback": bool(record["flags"] & FELL_BACK),
        "attempts": int(record["attempts"]),
        "total_ms": int(record["total_us"]) / 1000, "ttfb_ms": _ms(int(record["ttfb_us"])),
        "own_ms": int(record["own_us"]) / 1000,
        "bytes_in": int(record["bytes_in"]), "bytes_out": int(record["bytes_out"]),
        "client": client(int(record["client_high"]), int(record["client_low"])), "client_key": client_key(record),
        "host": told.texts.get(int(record["host"]), ""), "agent": told.texts.get(int(record["agent"]), ""),
        "protocol": f"HTTP/1.{int(record['protocol']) & 1}", "tls": bool(record["protocol"] & 2),
        "revision": int(record["generation"]),
        "version": bytes(record["version"])[: int(record["version_size"])].decode("latin-1"),
        "request_id": f"{int(record['request_id_high']):016x}{int(record['request_id_low']):016x}",
        "weight": round(float(weight), 3),
    }
    if not record["request_id_high"] and not record["request_id_low"]:
        shown["request_id"] = ""
    return shown


def incident(record: np.void, told: Meanings) -> int:
    """The one on whose account it was refused, or that was open on what refused it; 0 for none."""
    safeguard = int(record["safeguard"])
    if safeguard in ISOLATIONS:
        return int(record["observed"]) >> INCIDENT_BIT
    if not safeguard or record["flags"] & SHADOW:
        return 0
    column = "upstream" if safeguard in OF_UPSTREAM else "route"
    return told.incidents.get(SECTIONS[column], {}).get(int(record[column]), 0)


def path(record: np.void) -> str:
    cut = "…" if record["flags"] & PATH_CUT else ""
    return bytes(record["path"])[: int(record["path_size"])].decode("latin-1") + cut


def method(number: int) -> str:
    return METHODS[number] if number < len(METHODS) else ""


def client(high: int, low: int) -> str:
    """An address as people write it; empty for none (a Unix socket)."""
    if not high and not low:
        return ""
    address = ipaddress.IPv6Address(high << 64 | low)
    return str(address.ipv4_mapped or address)


def client_key(record: np.void) -> str:
    """What stands for the value of `clients.key` that the request had, as `client:#…` takes it; empty for none."""
    return f"#{int(record['client_key']):016x}" if record["flags"] & NAMED_CLIENT else ""


def _ms(us: int) -> float | None:
    return None if us == NO_ROW else us / 1000
