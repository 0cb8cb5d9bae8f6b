"""A child of control that thinks longer than a turn may: begun with a question, and asked each turn whether it is done.

Question and answer are files of the state folder, JSON each; the child renames its answer into place. It is killed
after its time, and dies with control. One at a time.
"""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


class NicedChild:
    """Mutable state: the child, and since when it runs."""

    def __init__(self, folder: Path, module: str, seconds: float, log: logging.Logger) -> None:
        """`module`: is run with FOLDER QUESTION ANSWER."""
        self._folder = folder
        self._module = module
        self._seconds = seconds
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._since = 0.0

    def begin(self, question: str) -> None:
        try:
            self._file("answer").unlink(missing_ok=True)
            self._file("question").write_text(question)
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", self._module, str(self._folder), str(self._file("question")),
                 str(self._file("answer"))], stdin=subprocess.DEVNULL)
        except OSError as error:
            self._log.error("%s cannot be started: %s", self._module, error)
        self._since = time.monotonic()

    def answer(self) -> dict[str, Any] | None:
        """None while it thinks; empty where it came to nothing."""
        if self._child is not None and self._child.poll() is None:
            if time.monotonic() - self._since > self._seconds:
                self._child.kill()
            return None
        code, self._child = self._child.returncode if self._child else 0, None
        try:
            return dict(json.loads(self._file("answer").read_text()))
        except (OSError, ValueError, TypeError) as error:
            self._log.error("%s ended with %d and no answer: %s", self._module, code, error)
            return {}

    def _file(self, kind: str) -> Path:
        return self._folder / f"{self._module.rpartition('.')[2]}-{kind}.json"

    def __repr__(self) -> str:
        return f"<NicedChild {self._module}>"
