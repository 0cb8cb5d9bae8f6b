"""Recalling an incident in one niced child: begun, and asked each turn whether it is done.

It is killed after CHILD_SECONDS, and dies with control. Where it fails there is no memory of the incident, which is
better than no post-mortem.
"""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

from gateway.control import recalling
from gateway.control.recalling import Memory, Question

CHILD_SECONDS = 30.0
MODULE = "gateway.processes.historian"


class ChildHistorian:
    """Mutable state: the child, and since when it runs. One at a time."""

    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._folder = folder
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._since = 0.0

    def begin(self, question: Question) -> None:
        try:
            self._answer.unlink(missing_ok=True)
            self._question.write_text(question.to_json())
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", MODULE, str(self._folder), str(self._question), str(self._answer)],
                stdin=subprocess.DEVNULL)
        except OSError as error:
            self._log.error("what an incident cost cannot be looked up: %s", error)
        self._since = time.monotonic()

    def memory(self) -> Memory | None:
        """None while it is being recalled."""
        if self._child is not None and self._child.poll() is None:
            if time.monotonic() - self._since > CHILD_SECONDS:
                self._child.kill()
            return None
        code, self._child = self._child.returncode if self._child else 0, None
        try:
            return recalling.from_document(json.loads(self._answer.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.error("recalling an incident ended with %d and no answer: %s", code, error)
            return Memory()

    @property
    def _question(self) -> Path:
        return self._folder / "recall.json"

    @property
    def _answer(self) -> Path:
        return self._folder / "recalled.json"
