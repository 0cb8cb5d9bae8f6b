"""A revision: one config as it was applied. A value; `config.revisions` makes it, the store keeps it for ever.

Numbers only grow, over restarts too. The number of the revision that is served is also the generation on the board.
"""

import dataclasses
import datetime
import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Revision:
    """`text`: the config as written; `plan`: what it compiled to, as JSON; both are enough to serve it again.

    `content`: SHA-256 of `text`; `digest`: of the plan; `at_ns`: UTC; `who`: by what right, `note`: what that person
    called themselves, `reason`: why, as they said; `how`: boot | file | signal | apply | rollback; `base`: the revision
    that a rollback went back to, else 0; `diff`: against the revision served before. `commit` is empty where the file
    is not in a git work tree.
    """

    number: int
    content: str
    text: str
    digest: str
    plan: str
    at_ns: int
    who: str = ""
    note: str = ""
    how: str = "boot"
    base: int = 0
    commit: str = ""
    author: str = ""
    dirty: bool = False
    diff: str = ""
    reason: str = ""

    def brief(self) -> dict[str, Any]:
        """All but the long texts, for lists; the time as RFC 3339."""
        values = dataclasses.asdict(self)
        for name in ("text", "plan", "diff", "at_ns"):
            del values[name]
        return values | {"at": utc_text(self.at_ns)}

    def __repr__(self) -> str:
        return f"<Revision {self.number} {self.content[:12]} by {self.how}>"


def content_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def utc_text(at_ns: int) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.datetime.fromtimestamp(at_ns // 1_000_000_000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
