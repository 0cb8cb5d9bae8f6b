"""Recorded requests under a config that is not applied yet, in a niced child: one at a time, for a bounded time."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from gateway.record.spool import FOLDER
from gateway.routing.plan import Plan

CHILD_SECONDS = 25.0
"""Whoever asks waits for 30."""
MODULE = "gateway.processes.replayer"


class Replaying:
    """Mutable state: whether a replay is under way."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER
        self._busy = asyncio.Lock()

    async def replay(self, old: Plan, new: Plan, since_s: int) -> dict[str, Any]:
        """The report as a document; `fault` in it where there is none."""
        async with self._busy:
            asked = json.dumps({"old": old.to_json(), "new": new.to_json()}).encode()
            since = str(time.time_ns() - since_s * 10**9)
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", MODULE, str(self._folder), since, stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE)
            try:
                async with asyncio.timeout(CHILD_SECONDS):
                    answer, _ = await child.communicate(asked)
            except TimeoutError:
                child.kill()
                await child.wait()
                return {"fault": f"the replay took more than {CHILD_SECONDS:.0f} s; ask for a shorter time"}
        if child.returncode:
            return {"fault": f"the replay ended with {child.returncode}; the log says why"}
        found: dict[str, Any] = json.loads(answer)
        return found
