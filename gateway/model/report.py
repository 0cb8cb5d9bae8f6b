"""What people say: that something looks wrong, and when something is worked on."""

from dataclasses import dataclass

from gateway.model.signal import REPORTS, SignalKind

WORDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Report:
    """`target`: a route or another target; `who`: by what right, or a hash of the client: one is counted once."""

    kind: SignalKind
    target: str
    at_ns: int
    who: str
    words: str = ""

    def __post_init__(self) -> None:
        if self.kind not in REPORTS:
            raise ValueError(f"{self.kind} is nothing that people say; write {', '.join(sorted(REPORTS))}")


@dataclass(frozen=True, slots=True)
class Maintenance:
    """While it lasts, no incident is opened for what only concerns its target. `id` is the store's."""

    target: str
    reason: str
    who: str
    at_ns: int
    expires_ns: int
    id: int = 0
