"""Learning from the stored windows in a niced child, once at the start of control: begun, and asked whether it is done.

It is killed after CHILD_SECONDS, and dies with control. Where it fails the detectors go on with what there is.
"""

import dataclasses
import json
import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.detect.watched import Watch
from gateway.record.window_store import NAME as WINDOWS

CHILD_SECONDS = 1800.0
MODULE = "gateway.processes.learner"


class LearningChild:
    """Mutable state: the child, and since when it runs."""

    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._folder = folder
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._since = 0.0

    def begin(self, watches: Sequence[Watch]) -> None:
        """Nothing to do where nothing is stored yet."""
        if not (self._folder / WINDOWS).exists():
            return
        asked = self._folder / "learn.json"
        try:
            asked.write_text(json.dumps([dataclasses.asdict(each) for each in watches]))
            self._child = subprocess.Popen([sys.executable, "-m", MODULE, str(self._folder), str(asked)],  # noqa: S603
                                           stdin=subprocess.DEVNULL)
        except OSError as error:
            self._log.error("the detectors cannot learn from the stored windows: %s", error)
        self._since = time.monotonic()

    def is_done(self) -> bool:
        if self._child is None:
            return True
        if self._child.poll() is None:
            if time.monotonic() - self._since > CHILD_SECONDS:
                self._child.kill()
            return False
        if self._child.returncode:
            self._log.error("learning from the stored windows ended with %d", self._child.returncode)
        self._child = None
        return True
