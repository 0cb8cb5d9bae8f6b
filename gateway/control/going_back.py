"""Actions about the config: no word of the board, but a revision that is served, or not.

A level like all others: while a roll-back is in force and the revision that it is about is served, it is gone back;
once a person or a test that failed has undone it, that revision is applied again. So it is never done twice, whoever
died in the midst of it.
"""

import asyncio
import logging

from gateway.config.problems import ConfigError
from gateway.control.refused import Refused
from gateway.control.reloading import Reloader
from gateway.control.responding import Responder
from gateway.model.action import Action, ActionState
from gateway.record.revision import Revision
from gateway.record.store import NotStored

NOTE = "action"


class GoingBack:
    """Mutable state: the change that is under way, if one is, and the actions whose change was refused."""

    def __init__(self, reloader: Reloader, log: logging.Logger) -> None:
        self._reloader = reloader
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._refused: set[tuple[int, int]] = set()

    def turn(self, responder: Responder) -> None:
        """Start what is to be changed; one at a time. Raises NotStored."""
        if self._task is not None and not self._task.done():
            return
        for action in responder.about_the_config():
            wanted = wants(action, self._reloader.active.revision)
            if wanted and (action.id, wanted) not in self._refused:
                self._task = asyncio.get_running_loop().create_task(self._change(action, wanted))
                return

    async def _change(self, action: Action, wanted: int) -> None:
        try:
            await self._reloader.roll_back(wanted, action.who, f"{NOTE} {action.id}: {action.reason}")
        except (ConfigError, Refused, NotStored) as error:
            self._refused.add((action.id, wanted))
            self._log.error("%s was refused: %s", action, error)

    def __repr__(self) -> str:
        return f"<GoingBack {self._task}>"


def wants(action: Action, served: Revision) -> int:
    """The number of the revision to be served in the place of this one; 0: it is as it should be."""
    suspect = int(action.target.partition(":")[2])
    if action.in_force:
        return action.value if served.number == suspect else 0
    ours = served.base == action.value and served.note.startswith(f"{NOTE} {action.id}:")
    return suspect if action.state is ActionState.UNDONE and ours else 0
