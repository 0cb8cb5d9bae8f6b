"""Looking through flight records: filters, newest first, and what was looked at.

Whoever is answered is told over which span, how large a share of the requests is kept there, and what was lost. The
work is bounded: after RECORDS_MOST records it ends, and says how far it came.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.model.decisions import Decision
from gateway.model.target import HASH
from gateway.record import flight, segments
from gateway.record.flight import FELL_BACK, METHODS, NAMED_CLIENT, Meanings, Records
from gateway.record.segments import FLIGHT, Block

FLAGS = {"true": True, "false": False}
RECORDS_MOST = 2_000_000
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters, each empty for any. `status`: `503` or a class such as `5xx`; `fallback`: whether one answered, true or
    false; times in UTC ns, `before` exclusive."""

    route: str = ""
    upstream: str = ""
    endpoint: str = ""
    status: str = ""
    method: str = ""
    decision: str = ""
    client: str = ""
    path: str = ""
    request_id: str = ""
    fallback: str = ""
    since_ns: int = 0
    before_ns: int = 2**63


@dataclass(slots=True)
class Looked:
    """What a search went through. `stands_for`: the weights of what it went through, summed."""

    records: int = 0
    stands_for: float = 0.0
    torn: int = 0
    oldest_ns: int = 0
    newest_ns: int = 0
    complete: bool = True
    found: list[dict[str, Any]] = field(default_factory=list)

    def snapshot(self) -> dict[str, Any]:
        share = self.records / self.stands_for if self.stands_for else 1.0
        return {"records": self.records, "share_kept": round(share, 4), "torn_files": self.torn,
                "oldest_ns": self.oldest_ns, "newest_ns": self.newest_ns, "complete": self.complete}


def check(wanted: Wanted) -> None:
    """Raises ValueError with what to write instead."""
    status_range(wanted.status)
    if wanted.method and wanted.method not in METHODS:
        raise ValueError(f"method {wanted.method[:20]!r} is not one of {', '.join(METHODS)}")
    if wanted.decision:
        decision_of(wanted.decision)
    if wanted.client and not HASH.fullmatch(wanted.client):
        ipaddress.ip_address(wanted.client)
    if wanted.fallback not in ("", *FLAGS):
        raise ValueError(f"fallback {wanted.fallback[:20]!r} is neither true nor false")
    if wanted.request_id and not _is_id(wanted.request_id):
        raise ValueError("a request id is 32 hexadecimal digits")


def status_range(text: str) -> tuple[int, int]:
    """First and last status. Raises ValueError."""
    if not text:
        return 0, 999
    if len(text) == 3 and text[0] in "12345" and text[1:].lower() == "xx":
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    if text.isdecimal() and len(text) <= 3:
        return int(text), int(text)
    raise ValueError(f"status {text[:20]!r} is neither a number nor a class; write 503 or 5xx")


def decision_of(text: str) -> Decision:
    try:
        return Decision[text.upper()]
    except KeyError:
        listed = ", ".join(each.name.lower() for each in Decision)
        raise ValueError(f"decision {text[:20]!r} is not one of {listed}") from None


def look(folder: Path, wanted: Wanted, limit: int) -> Looked:
    """Up to `limit` documents, the newest first. Raises ValueError for a filter that cannot be."""
    check(wanted)
    looked = Looked()
    for block in newest_first(folder, wanted, looked):
        _look_at(block, wanted, limit, looked)
        if len(looked.found) >= limit or looked.records >= RECORDS_MOST:
            looked.complete = looked.records < RECORDS_MOST
            break
    looked.found.sort(key=lambda each: int(each["at_ns"]), reverse=True)
    del looked.found[limit:]
    return looked


def newest_first(folder: Path, wanted: Wanted, looked: Looked) -> Iterator[Block]:
    files = segments.paths(folder, FLIGHT)
    for path, following in zip(reversed(files), [None, *reversed(files)], strict=False):
        if int(path.stem) >= wanted.before_ns:
            continue
        if following is not None and int(following.stem) < wanted.since_ns:
            return
        kept = list(segments.blocks(path))
        looked.torn += kept.count(None)
        yield from (each for each in reversed(kept)
                    if each is not None and each.last_ns >= wanted.since_ns and each.first_ns < wanted.before_ns)


def _look_at(block: Block, wanted: Wanted, limit: int, looked: Looked) -> None:
    looked.records += len(block.records)
    looked.stands_for += float(block.weights.sum())
    looked.newest_ns = max(looked.newest_ns, block.last_ns)
    looked.oldest_ns = min(looked.oldest_ns or block.first_ns, block.first_ns)
    matching = np.flatnonzero(matches(block.records, block.meanings, wanted))
    for index in matching[::-1][: limit]:
        looked.found.append(flight.document(block.records[index], block.meanings, block.weights[index]))


def matches(records: Records, told: Meanings, wanted: Wanted) -> Mask:
    """Which records pass all filters."""
    at = records["started_ns"] + np.uint64(told.utc_offset)
    first, last = status_range(wanted.status)
    mask: Mask = ((at >= wanted.since_ns) & (at < wanted.before_ns)
                  & (records["status"] >= first) & (records["status"] <= last))
    for column, section in (("route", "routes"), ("upstream", "upstreams")):
        if name := getattr(wanted, column):
            mask &= np.isin(records[column], [row for row, each in told.rows[section].items() if each == name])
    if wanted.endpoint:
        rows = [row for row, each in told.rows["endpoints"].items()
                if wanted.endpoint in (each, each.partition(" ")[2])]
        mask &= np.isin(records["endpoint"], rows)
    if wanted.method:
        mask &= records["method"] == METHODS.index(wanted.method)
    if wanted.decision:
        mask &= records["decision"] == decision_of(wanted.decision)
    if wanted.fallback:
        mask &= ((records["flags"] & FELL_BACK) != 0) == FLAGS[wanted.fallback]
    return mask & _of_whom(records, wanted)


def _of_whom(records: Records, wanted: Wanted) -> Mask:
    mask: Mask = np.ones(len(records), np.bool_)
    if wanted.client.startswith("#"):
        mask &= (records["client_key"] == int(wanted.client[1:], 16)) & ((records["flags"] & NAMED_CLIENT) != 0)
    elif wanted.client:
        address = ipaddress.ip_address(wanted.client)
        number = int(address) if address.version == 6 else 0xFFFF << 32 | int(address)
        mask &= (records["client_high"] == number >> 64) & (records["client_low"] == number & (2**64 - 1))
    if wanted.request_id:
        mask &= ((records["request_id_high"] == int(wanted.request_id[:16], 16))
                 & (records["request_id_low"] == int(wanted.request_id[16:], 16)))
    if wanted.path:
        prefix = np.frombuffer(wanted.path.encode("latin-1", "replace")[:96], "u1")
        mask &= (records["path"][:, : len(prefix)] == prefix).all(axis=1)
    return mask


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(each in "0123456789abcdef" for each in text)
