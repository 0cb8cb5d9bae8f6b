"""An incident that a fault has caused, followed over the admin API as anybody could: which one it is, how far it is."""

import dataclasses
import time
from datetime import datetime
from typing import Any

from gateway.cli.asking import ask
from gateway.model.incident import State

STATES = tuple(State)
PATIENCE_S = 30.0
Document = dict[str, Any]


@dataclasses.dataclass
class Followed:
    """What began when (UTC seconds), and the incident that it became, once there is one. `about`: a part of the name of
    a target in its scope."""

    about: str
    began: float = dataclasses.field(default_factory=time.time)
    incident: Document = dataclasses.field(default_factory=dict)

    @property
    def number(self) -> int:
        return int(self.incident.get("id", 0))

    def is_it(self, brief: Document) -> bool:
        """Opened since, or opened again, for what it is about."""
        if self.number:
            return bool(self.number == brief["id"])
        detected = brief["times"].get("detected")
        return (detected is not None and utc_seconds(detected) >= self.began
                and any(self.about in target for target in brief["scope"]))

    def reached(self, state: str) -> bool:
        return state in self.incident.get("times", {})

    def seconds_to(self, state: str, since: float | None = None) -> float | None:
        """From its beginning, or another moment; None where it was not reached."""
        at = self.incident.get("times", {}).get(state)
        return None if at is None else utc_seconds(at) - (self.began if since is None else since)


def latest(admin: str) -> list[Document]:
    """The incidents of late, in short, the oldest first."""
    found: list[Document] = patiently(admin, "/v1/incidents?all=true&limit=50")["incidents"]
    return found[::-1]


def whole(admin: str, number: int) -> Document:
    """One, with its timeline."""
    found: Document = patiently(admin, f"/v1/incidents/{number}")
    return found


def patiently(admin: str, path: str, body: Document | None = None, method: str | None = None) -> Any:
    """As `ask`. Control may be replaced meanwhile: whoever follows an incident asks again, for a while."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask(admin, path, body, method)
        except SystemExit:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.5)


def utc_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
