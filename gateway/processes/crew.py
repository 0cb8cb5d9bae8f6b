"""The supervisor's children: started, reaped, killed and told what `supervision.decide` or the shutdown asks for.

The mutable state of supervision lives here: each Child's life, and on the board the state and gauges of dead children.
"""

import logging
import random
import signal
from collections.abc import Sequence
from typing import Any

from gateway.board import Board, State
from gateway.processes import children, supervision
from gateway.processes.channel import Message, pair
from gateway.processes.children import Child
from gateway.processes.handover import Handover
from gateway.processes.sockets import ListenerSockets

SECOND = 1_000_000_000
BEATS_AGAIN_NS = SECOND
"""A worker that missed ten beats is not counted on, though it may come back."""


class Crew:
    """Workers in the slots 0 to N-1, control in slot N."""

    def __init__(self, board: Board, plan: str, listeners: Sequence[ListenerSockets], admin: ListenerSockets,
                 parent: int, log: logging.Logger, config: str = "",
                 options: dict[str, Any] | None = None) -> None:
        self._board = board
        self._plan = plan
        self._config = config
        self._options = options or {}
        self._listeners = listeners
        self._admin = admin
        self._parent = parent
        self._log = log
        self.generation = 1
        workers = [Child(slot, f"worker {slot}", children.WORKER) for slot in range(board.workers)]
        self.children = [*workers, Child(board.workers, "control", children.CONTROL)]

    @property
    def workers(self) -> list[Child]:
        return self.children[:-1]

    def living(self) -> list[Child]:
        return [child for child in self.children if child.life]

    def start(self, child: Child, now: int) -> bool:
        """False when the machine has no process or descriptor left for it; then it is tried again later."""
        row = self._board.slot(child.slot)
        row["state"], row["heartbeat_ns"], row["started_ns"], row["restarts"] = State.STARTING, 0, now, child.starts
        child.since, child.starts = now, child.starts + 1
        child.last_served = child.last_served or now
        try:
            child.life = self._spawn(child)
        except OSError as error:
            self._log.error("%s cannot be started: %s; trying again later", child.name, error)
            self._bury(child, now)
            return False
        row["pid"] = child.life.pid
        return True

    def _spawn(self, child: Child) -> children.Life:
        ours, theirs = pair()
        handover = self._handover(child, theirs.fileno())
        try:
            return children.spawn(child.module, handover.to_argument(), handover.descriptors(), ours)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()

    def _handover(self, child: Child, channel: int) -> Handover:
        opened = self._listeners if child.is_worker else [self._admin]
        sockets = tuple((listener.index, listener.of(child.slot).fileno()) for listener in opened)
        return Handover(child.slot, self._parent, self._board.fd, channel, self._plan, self.generation, sockets,
                        self._config, self._options)

    def reap(self, child: Child, now: int, *, expected: bool) -> None:
        """Collect a child that has ended."""
        assert child.life
        pid, code, lived = child.life.pid, child.life.reap(), now - child.since
        child.life = None
        self._bury(child, now)
        if not expected:
            wait = (child.due - now) / SECOND
            self._log.warning("%s (process %d) %s after %.1f s; it is started again in %.1f s", child.name, pid,
                              children.reason(code), lived / SECOND, wait)

    def _bury(self, child: Child, now: int) -> None:
        """Set when its successor starts, and clear what it left on the board that is no longer so."""
        child.backoff = child.backoff.after_death(now - child.since)
        child.since, child.due = now, now + child.backoff.delay_ns(random.random())  # noqa: S311  jitter, not a secret
        self._board.slot(child.slot)["state"] = State.DEAD
        self._board.clear_gauges(child.slot)
        for owner in self.workers:
            if owner.lent_to == child.slot:
                owner.lent_to = None

    def seen(self, now: int) -> list[supervision.Seen]:
        return [self._see(child, now) for child in self.children]

    def _see(self, child: Child, now: int) -> supervision.Seen:
        row = self._board.slot(child.slot)
        heartbeat, alive = row["heartbeat_ns"], child.life is not None
        ready = alive and row["state"] == State.READY and now - heartbeat < BEATS_AGAIN_NS
        if ready:
            child.last_served = heartbeat
        return supervision.Seen(
            child.slot, child.is_worker, alive, ready, alive and row["state"] == State.DRAINING, heartbeat,
            child.since, child.due, child.last_served, child.lent_to,
        )

    def act(self, action: supervision.Action, now: int) -> None:
        child = self.children[action.slot]
        match action:
            case supervision.Start():
                self.start(child, now)
            case supervision.Kill(_, silent):
                self._condemn(child, silent)
            case supervision.Lend(_, to):
                self._log.warning("%s does not accept; worker %d serves its sockets meanwhile", child.name, to)
                self.lend(child, to)
            case supervision.Release(slot, to):
                self._log.info("%s is ready again; worker %d gives its sockets back", child.name, to)
                self.tell(self.children[to], {"do": "release", "slot": slot})
                child.lent_to = None

    def _condemn(self, child: Child, silent: int) -> None:
        """Kill it, once: the kernel may take its time with a process that waits for a disk."""
        if child.life and not child.life.condemned:
            self._log.error("%s has been silent for %.1f s; killing it", child.name, silent / SECOND)
            child.life.condemned = True
            self.kill(child)

    def lend(self, child: Child, to: int) -> None:
        sockets = [listener.of(child.slot).fileno() for listener in self._listeners]
        message: Message = {"do": "adopt", "slot": child.slot, "listeners": [each.index for each in self._listeners]}
        if self.tell(self.children[to], message, sockets):
            child.lent_to = to

    def tell(self, child: Child, message: Message, descriptors: Sequence[int] = ()) -> bool:
        """False if the child cannot be told; its death or silence is dealt with when it is seen."""
        return child.life is not None and child.life.channel.send(message, descriptors)

    def kill(self, child: Child) -> None:
        if child.life:
            child.life.signal(signal.SIGKILL)

    def __repr__(self) -> str:
        return f"<Crew {self.children}>"
