"""Faults that drills inject: noted in the audit, written for the workers, ended by a stop, by their expiry, or with the
config's `drills: enabled`.

    asked -> checked -> audit -> the file `faults` -> the board's word moves -> each worker reads it within 100 ms

The deadline is monotonic and in the file, and each worker compares it itself: a fault ends though this process is dead.
One that starts in its place reads the file, so that it can still be stopped.
"""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.board import Board
from gateway.control.places import Places
from gateway.control.refused import Refused
from gateway.isolate import isolation
from gateway.model.injection import STANDING_MOST, Injection
from gateway.model.override import REASON_MAX, one_line
from gateway.model.target import Target
from gateway.record import audit
from gateway.record.injections import InjectionFile
from gateway.record.store import NotStored, Store

TURN_SECONDS = 1.0
BY_ITSELF = "gateway"


class Injector:
    """Mutable state: what stands, by id."""

    def __init__(self, board: Board, folder: Path, store: Callable[[], Store], enabled: Callable[[], bool],
                 log: logging.Logger) -> None:
        self._board = board
        self._file = InjectionFile(folder)
        self._store = store
        self._enabled = enabled
        self._log = log
        self._places = Places(board)
        self._standing: dict[int, Injection] = {}
        self._last = 0

    def resume(self) -> None:
        """At the start: what a predecessor left."""
        if self._board.header["faults"]:
            try:
                self._standing = {each.id: each for each in self._file.read()}
            except (OSError, ValueError) as error:
                self._log.error("the faults of drills cannot be read: %s", error)
        self._last = self._board.header["faults"]

    def inject(self, wanted: Injection, ttl: int, reason: str, who: str) -> Injection:
        """For `ttl` ns from now. Raises Refused, NotStored, or UnknownTargetError for a name that is not there."""
        if not self._enabled():
            raise Refused(409, "drills are disabled here; write `drills: enabled` into the config and apply it")
        if len(self.standing()) >= STANDING_MOST:
            raise Refused(409, f"{STANDING_MOST} faults stand already; stop one with DELETE /v1/faults/ID")
        self._check_known(wanted)
        made = dataclasses.replace(wanted, id=self._next(), until=time.monotonic_ns() + ttl)
        self._note(who, "fault.inject", made, reason=one_line(reason)[:REASON_MAX], seconds=ttl // 10**9,
                   **audit.change(None, {"fault": str(made)}))
        self._write({**self._standing, made.id: made})
        self._log.warning("a drill injects %s for %d s (%s)", made, ttl // 10**9, one_line(reason))
        return made

    def stop(self, number: int, who: str, reason: str = "") -> Injection:
        """Raises Refused where it does not stand, or NotStored."""
        found = self._standing.get(number)
        if found is None:
            raise Refused(404, f"there is no fault {number}; GET /v1/faults lists what stands")
        self._end(found, who, "stopped", one_line(reason)[:REASON_MAX])
        return found

    def standing(self) -> list[Injection]:
        now = time.monotonic_ns()
        return [each for each in self._standing.values() if each.until > now]

    @property
    def is_enabled(self) -> bool:
        return self._enabled()

    async def watch(self) -> None:
        """For ever: note what has expired, and end everything once drills are disabled."""
        while True:
            try:
                self.turn(time.monotonic_ns())
            except (NotStored, Refused) as error:
                self._log.error("the end of a drill's fault is not recorded yet: %s", error)
            await asyncio.sleep(TURN_SECONDS)

    def turn(self, now: int) -> None:
        """`now`: monotonic ns. Raises NotStored or Refused; the next turn tries again."""
        for each in list(self._standing.values()):
            if each.until <= now:
                self._end(each, BY_ITSELF, "expired", "")
            elif not self._enabled():
                self._end(each, BY_ITSELF, "stopped", "drills are disabled now")

    def _end(self, injection: Injection, who: str, how: str, reason: str) -> None:
        """Off first: a store that fails must not keep a fault alive."""
        if injection.id in self._standing:
            left = {number: each for number, each in self._standing.items() if number != injection.id}
            self._write(left)
        self._log.warning("the injected %s is over: %s", injection, how)
        self._note(who, f"fault.{how}", injection, reason=reason, **audit.change({"fault": str(injection)}, None))

    def _write(self, standing: dict[int, Injection]) -> None:
        try:
            self._file.write(standing.values())
        except OSError as error:
            raise Refused(507, f"the state folder cannot be written: {error.strerror}") from error
        self._standing = standing
        self._board.header["faults"] += 1

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _note(self, who: str, what: str, injection: Injection, **detail: Any) -> None:
        self._store().note(time.time_ns(), who, what, f"fault:{injection.id}", detail)

    def _check_known(self, injection: Injection) -> None:
        for kind, name in injection.scope.items():
            isolation.check_known(Target(kind, name), self._places.names(kind))

    def __repr__(self) -> str:
        return f"<Injector {[str(each) for each in self._standing.values()]}>"
