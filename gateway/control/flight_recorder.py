"""Control's side of the flight recorder: reads the rings a few times a second, keeps what the config asks for.

Each turn is short: at 20,000 requests/s and five turns a second 4,000 records, which numpy moves in a few milliseconds.
It never waits for anything but the disk that it writes to, and no worker waits for it.
"""

import asyncio
import logging
import time
from pathlib import Path

from gateway.board import Board
from gateway.control.reloading import Reloader
from gateway.record.spool import Spool

TURN_SECONDS = 0.2
NANOSECONDS = 10**9


class FlightRecorder:
    """Mutable state: the spool, and for which revision it was bounded."""

    def __init__(self, board: Board, state: Path, reloader: Reloader, log: logging.Logger) -> None:
        self.spool = Spool(board, state, log)
        self._reloader = reloader
        self._bounded_for = -1
        self._last = time.monotonic_ns()

    def turn(self, now_ns: int) -> None:
        """Read what is new, under the config that is served."""
        revision = self._reloader.active.revision.number
        if revision != self._bounded_for:
            wanted = self._reloader.active.plan.recorder
            self.spool.bound(wanted.disk, wanted.rate)
            self._bounded_for = revision
        self.spool.turn(now_ns, (now_ns - self._last) / NANOSECONDS)
        self._last = now_ns

    async def watch(self) -> None:
        """Until cancelled; what waits is written then."""
        try:
            while True:
                await asyncio.sleep(TURN_SECONDS)
                self.turn(time.monotonic_ns())
        finally:
            self.spool.close(time.monotonic_ns())
