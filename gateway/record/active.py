"""The file `active` in the state folder: the revision that is to be served, whole at every moment. It is the truth.

Writing is in two steps, so that a full disk is met before anything live is touched: `propose` writes and fsyncs the
file `proposed`, which workers prepare from; `establish` renames it over `active` and fsyncs the folder. A process that
starts at any moment, and the next start after a power cut, read either the old or the new one.

A revision on probation has another one `beside` it, by number: the file `last-known-good`, which workers serve the
clients with that `share` leaves to it. That file follows `active` once no probation is on, and never before.

`set_aside` is the SHA-256 of what stood in the config file when `apply` or `rollback` put something else in its place:
that content is not taken from the disk again until the file changes or a person asks.
"""

import contextlib
import dataclasses
import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.model.safeguards import WHOLE
from gateway.record.revision import Revision
from gateway.routing import plan as plans

FORMAT = 1
ACTIVE, PROPOSED, GOOD = "active", "proposed", "last-known-good"


@dataclass(frozen=True, slots=True)
class Active:
    """`beside`: number of the last-known-good revision while this one is on probation, else 0; `share` of the clients
    have this one, in millionths: the others the one beside it."""

    revision: Revision
    set_aside: str = ""
    beside: int = 0
    share: int = WHOLE

    @property
    def is_divided(self) -> bool:
        return bool(self.beside) and self.share < WHOLE

    @property
    def plan(self) -> plans.Plan:
        """The plan to serve. Raises ValueError, TypeError or KeyError if a much older version wrote it."""
        return _plan(self.revision.plan)

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, "set_aside": self.set_aside,
                           "beside": self.beside, "share": self.share,
                           "revision": dataclasses.asdict(self.revision)})


@functools.lru_cache(maxsize=4)
def _plan(text: str) -> plans.Plan:
    """Read once: it is asked for many times each second, and that of a thousand routes takes 40 ms to read."""
    return plans.from_json(text)


def from_json(text: str) -> Active:
    """Raises ValueError on anything that `to_json` does not write."""
    try:
        document: dict[str, Any] = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        return Active(Revision(**document["revision"]), document["set_aside"], int(document.get("beside", 0)),
                      int(document.get("share", WHOLE)))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an active revision: {error}") from None


class ActiveFile:
    """The files `active` and `proposed` of a state folder. Only one process may write them at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / ACTIVE
        self._proposed = folder / PROPOSED
        self._good = folder / GOOD

    def read(self) -> Active:
        """Raises OSError or ValueError."""
        return from_json(self.path.read_text())

    def read_proposed(self) -> Active:
        """Raises OSError or ValueError."""
        return from_json(self._proposed.read_text())

    def read_good(self) -> Active:
        """The last revision that is known to be good. Raises OSError or ValueError."""
        return from_json(self._good.read_text())

    def keep_good(self, active: Active) -> None:
        """Durable. Raises OSError."""
        self._write(active, self._good)
        self._sync_folder()

    def propose(self, active: Active) -> None:
        """Durable, but not yet true. Raises OSError."""
        self._write(active, self._proposed)

    def _write(self, active: Active, path: Path) -> None:
        """Whole or not at all."""
        fresh = path.with_suffix(".new")
        with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(active.to_json())
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)

    def establish(self) -> None:
        """Make what was proposed true: after this no process will serve anything else. Raises OSError."""
        self._proposed.rename(self.path)
        self._sync_folder()

    def withdraw(self) -> None:
        """Forget what was proposed, if anything."""
        with contextlib.suppress(FileNotFoundError):
            self._proposed.unlink()

    def write(self, active: Active) -> None:
        """Both steps at once, while nobody serves yet. Raises OSError."""
        self.propose(active)
        self.establish()

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __repr__(self) -> str:
        return f"<ActiveFile {self.path}>"
