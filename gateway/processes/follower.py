"""How a worker follows the plan: it looks at some words of the board, and does what they ask.

    proposed    a number: prepare what the file `proposed` holds, then show the number as `prepared`, or as `unfit`
    generation  the number that all should serve: flip to it, to what was prepared, else to what `active` holds
    faults      a number that moves with what drills inject: read the file `faults`

Each beat looks at them. The first request after a change looks too, so that no request meets the old plan once the
word is written; it takes only what is prepared, since a request must not wait for the disk.

Nothing is sent, so nothing can be lost with a process: whoever starts in between reads the same words. A worker that
cannot follow says so by `lost`: it must not serve yesterday's plan for long.

A revision on probation is served beside another one, whose number is the word `beside`; when that is 0 again, the
newer one is for all clients.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from gateway.board import Board, WorkerBoard
from gateway.dataplane.serve import DataPlane
from gateway.dataplane.succession import Prepared
from gateway.record.active import Active, ActiveFile
from gateway.record.injections import InjectionFile

FAULTS = (OSError, ValueError, KeyError, TypeError)


class Follower:
    """Mutable state: what was prepared, and the number that is served, which is also on the board."""

    def __init__(self, board: Board, slot: int, plane: DataPlane, folder: Path, serves: Active,
                 lost: Callable[[], None], log: logging.Logger) -> None:
        self._board = board
        self._worker = slot
        self._slot = board.slot(slot)
        self._plane = plane
        self._file = ActiveFile(folder)
        self._lost = lost
        self._log = log
        self._prepared: tuple[Active, Prepared] | None = None
        self._injections, self._faults = InjectionFile(folder), 0
        self._show(serves)
        plane.heed(self._take_prepared)

    def look(self) -> None:
        """Do what the board asks, if anything."""
        header = self._board.header
        if header["generation"] > self._slot["generation"]:
            self._flip(header["generation"])
        elif self._plane.divided and not header["beside"]:
            self._unite()
        proposed = header["proposed"]
        if not proposed:
            self._prepared = None
        elif proposed > max(self._slot["generation"], self._slot["prepared"], self._slot["unfit"]):
            self._prepare(proposed)
        if header["faults"] != self._faults:
            self._inject(header["faults"])

    def _inject(self, number: int) -> None:
        self._faults = number
        try:
            self._plane.inject(self._injections.read())
        except (OSError, ValueError) as error:
            self._plane.inject(())
            self._log.error("cannot inject the faults of a drill: %s", error)

    def _prepare(self, number: int) -> None:
        try:
            self._prepared = self._made(self._file.read_proposed(), number)
        except FAULTS as error:
            self._log.error("cannot prepare revision %d: %s", number, error)
            self._slot["unfit"] = number
        else:
            self._slot["prepared"] = number

    def _made(self, active: Active, at_least: int) -> tuple[Active, Prepared]:
        if active.revision.number < at_least:
            raise ValueError(f"found revision {active.revision.number} instead")
        rows, rest = WorkerBoard(self._board, self._worker), self._plane.divided or self._slot["generation"]
        beside = active.is_divided and active.beside == rest
        return active, self._plane.prepare(active.plan, rows, beside=beside)

    def _unite(self) -> None:
        try:
            self._plane.unite()
        except FAULTS as error:
            self._log.error("cannot serve revision %d alone: %s; leaving to a successor", self._slot["generation"],
                            error)
            self._lost()

    def _take_prepared(self) -> None:
        """For a request that found the word ahead."""
        if self._prepared and self._prepared[0].revision.number == self._board.header["generation"]:
            self._commit(*self._prepared)

    def _flip(self, number: int) -> None:
        self._take_prepared()
        if self._slot["generation"] == number:
            return
        try:
            self._commit(*self._made(self._file.read(), number))
        except FAULTS as error:
            self._log.error("cannot follow to revision %d: %s; leaving to a successor", number, error)
            self._lost()

    def _commit(self, active: Active, prepared: Prepared) -> None:
        self._prepared = None
        self._plane.commit(prepared, active.revision.number)
        self._show(active)

    def _show(self, active: Active) -> None:
        self._slot["digest"] = int(active.revision.digest[:16], 16)
        self._slot["generation"] = active.revision.number

    def __repr__(self) -> str:
        return f"<Follower of {self._file}: serves {self._slot['generation']}>"
