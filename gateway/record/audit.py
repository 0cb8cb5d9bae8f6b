"""The audit chain: who did what and when, each entry sealed with the SHA-256 of the one before it.

Whoever changes, removes or inserts an entry must make all later hashes anew; a hash noted elsewhere then tells. The
chain begins at GENESIS, so that the first entry cannot be cut off unseen either.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

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


def seal(number: int, at_ns: int, who: str, what: str, target: str, detail: str, previous: str) -> Entry:
    """The entry with its hash over everything else in it."""
    return Entry(number, at_ns, who, what, target, detail, previous,
                 _hash(number, at_ns, who, what, target, detail, previous))


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def first_broken(entries: Iterable[Entry]) -> int | None:
    """The number of the first entry that does not follow from the one before, or None; entries in their order."""
    previous, expected = GENESIS, 1
    for entry in entries:
        sealed = seal(expected, entry.at_ns, entry.who, entry.what, entry.target, entry.detail, previous)
        if sealed != entry:
            return expected
        previous, expected = entry.hash, expected + 1
    return None
