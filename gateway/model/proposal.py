"""A proposal: what would keep an incident from coming back, as one frozen value. It waits until a person accepts it or
declines it with a reason; nothing of it is in force before.

    proposed -> accepted | declined
"""

from dataclasses import dataclass
from enum import StrEnum

REASON_MAX = 500


class ProposalKind(StrEnum):
    RULE = "rule"
    """A validation rule; accepted, it is a file beside the config."""
    CONFIG = "config"
    """A change of the config; accepted, it is applied."""
    THRESHOLD = "threshold"
    """The same, of a detector's budget."""
    DRILL = "drill"
    """A recording that the detectors are held to; accepted, it is a file beside the config."""


class ProposalState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Proposal:
    """`title`: one line; `why`: what speaks for it, and what is not known; `name`: of the file that it becomes.

    `body`: the whole text of that file, or of the config as it would be; `diff`: against what is served, for people.
    `proof`: what was checked about it, each a line; `replay`: what it would have decided differently about recorded
    requests, of a change of the config. `base`: the revision that it was drafted against, 0 where that does
    not matter. `who`, `reason`, `decided_ns`: of whoever accepted or declined it. Times are UTC ns.
    """

    incident: int
    kind: ProposalKind
    title: str
    why: str
    name: str
    body: str
    diff: str = ""
    proof: tuple[str, ...] = ()
    base: int = 0
    at_ns: int = 0
    id: int = 0
    state: ProposalState = ProposalState.PROPOSED
    who: str = ""
    reason: str = ""
    decided_ns: int = 0
    replay: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.title}"
