"""What the supervisor hands a child at its start: the descriptors that it inherits, and where the plan is."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Handover:
    """`sockets`: (listener's index in the plan, descriptor); control gets the admin address's as (0, descriptor).

    `config`: the file that control watches, empty with --upstream; `options`: what the command line says instead of it.
    """

    slot: int
    parent: int
    board: int
    channel: int
    plan: str
    generation: int
    sockets: tuple[tuple[int, int], ...]
    config: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def descriptors(self) -> tuple[int, ...]:
        """All that must stay open across the exec."""
        return (self.board, self.channel, *(fd for _, fd in self.sockets))

    def to_argument(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_argument(cls, text: str) -> "Handover":
        values = json.loads(text)
        values["sockets"] = tuple((index, fd) for index, fd in values["sockets"])
        return cls(**values)
