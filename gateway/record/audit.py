"""The audit chain: who did what and when, each entry sealed with the SHA-256 of the one before it.

Whoever changes, removes or inserts an entry must make all later hashes anew; a hash noted elsewhere then tells, also
of entries that were cut off at the end. The chain begins at GENESIS, so that the first entry cannot be cut off unseen.

The detail of a change says its `reason`, and what was `before` and `after` it, where there was something.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """`what` is a verb (config.apply, isolate, …), `target` what it was done to, `detail` JSON text."""

    number: int
    at_ns: int
    who: str
    what: str
    target: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first_broken`: the number of the first entry that does not follow from the one before, None if the chain is
    whole. `has_noted`: whether the chain goes through the hash that was asked for; None where none was."""

    entries: int
    last_hash: str
    first_broken: int | None
    has_noted: bool | None = None

    @property
    def is_sound(self) -> bool:
        return self.first_broken is None and self.has_noted is not False


def seal(number: int, at_ns: int, who: str, what: str, target: str, detail: str, previous: str) -> Entry:
    """The entry with its hash over everything else in it."""
    return Entry(number, at_ns, who, what, target, detail, previous,
                 _hash(number, at_ns, who, what, target, detail, previous))


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def follow(entries: Iterable[Entry], noted: str = "") -> Verdict:
    """Along the chain, entries in their order; `noted`: a hash that it went through once."""
    previous, number, broken, met = GENESIS, 0, None, noted == GENESIS
    for number, entry in enumerate(entries, 1):
        if broken is None and entry != seal(number, entry.at_ns, entry.who, entry.what, entry.target, entry.detail,
                                            previous):
            broken = number
        previous = entry.hash
        met = met or (broken is None and previous == noted)
    return Verdict(number, previous, broken, met if noted else None)


def change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """`before` and `after` for a detail; of two, only the members that differ."""
    if before is None or after is None:
        return {"before": before, "after": after}
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {"before": {name: before.get(name) for name in differing},
            "after": {name: after.get(name) for name in differing}}
