"""What a proposed config would have decided about the requests of late: the replay report that a proposal carries.

Reads the flight recorder's segments, so it is for a child of control. All rehearsals of one incident together may take
PATIENCE_S; what is left then says that it was not replayed.
"""

import time
from pathlib import Path

from gateway.config import replay, replay_lines
from gateway.model.safeguards import SECOND
from gateway.record.spool import FOLDER
from gateway.routing.plan import Plan

BEFORE_NS = 300 * SECOND
SPAN_MOST_NS = 3600 * SECOND
PATIENCE_S = 10.0


class Rehearsal:
    """Of the incident that began at `onset`; `now`: both UTC ns. Mutable state: none but its deadline."""

    def __init__(self, folder: Path, onset: int, now: int) -> None:
        """`folder`: the state folder."""
        self._folder = folder / FOLDER
        self._since = max(onset - BEFORE_NS, now - SPAN_MOST_NS)
        self._deadline = time.monotonic() + PATIENCE_S

    def __call__(self, old: Plan, new: Plan) -> tuple[str, ...]:
        """The report, a line each; or why there is none."""
        try:
            self._check_time()
            report = replay.replay_recording(old, new, self._folder, self._since, lambda size: self._check_time())
        except (OSError, ValueError) as error:
            return (f"not replayed: {error}; try `gateway replay`",)
        return tuple(replay_lines.lines(report))

    def _check_time(self) -> None:
        """Raises TimeoutError."""
        if time.monotonic() > self._deadline:
            raise TimeoutError(f"the replays of this incident took more than {PATIENCE_S:.0f} s")
