"""Recalling an incident in a niced child. Where that fails there is no memory of the incident, which is better than no
post-mortem."""

import logging
from pathlib import Path

from gateway.control import recalling
from gateway.control.niced_child import NicedChild
from gateway.control.recalling import Memory, Question

CHILD_SECONDS = 30.0
MODULE = "gateway.processes.historian"


class ChildHistorian:
    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._child = NicedChild(folder, MODULE, CHILD_SECONDS, log)

    def begin(self, question: Question) -> None:
        self._child.begin(question.to_json())

    def memory(self) -> Memory | None:
        """None while it is being recalled."""
        found = self._child.answer()
        if found is None:
            return None
        return recalling.from_document(found) if found else Memory()
