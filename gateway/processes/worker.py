"""A worker: the data plane on one event loop, its commands from the supervisor, its beat on the board.

Its life, top to bottom: bind life to the parent's, map the board, read the plan, open the sockets, say ready, beat and
tick every 100 ms, obey commands one at a time, drain, end. It imports neither pydantic, aiohttp, yaml nor
prometheus_client: a start takes well under 300 ms, so a killed worker is back within one second.
"""

import asyncio
import gc
import itertools
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import setproctitle
import uvloop

from gateway.board import Board, Row, State, WorkerBoard
from gateway.dataplane.serve import DataPlane
from gateway.processes import parent
from gateway.processes.channel import Channel, ClosedError, Message
from gateway.processes.follower import Follower
from gateway.processes.handover import Handover
from gateway.record import logs
from gateway.record.active import Active, ActiveFile
from gateway.routing import plan as plans

BEAT_SECONDS = 0.1
BEATS_PER_SNAPSHOT = 5                  # a snapshot walks every upstream: not ten times a second
# A request makes no reference cycles, so collections find next to nothing and only cost pauses: a young collection
# after this many net allocations instead of 700, an old one a thousand times less often. Never off altogether: an
# exception with its frames is a cycle, and a worker lives for months.
GC_THRESHOLDS = (20_000, 20, 50)
ENDINGS = ("stop", "leave")             # with the whole gateway, its queues emptied; or alone, its queues left


class Beat:
    """Every 100 ms: the heartbeat, gauges and the loop's lag on the board, and the data plane's tick."""

    def __init__(self, loop: asyncio.AbstractEventLoop, slot: Row, plane: DataPlane,
                 adopted: Callable[[], int], follow: Callable[[], None]) -> None:
        self._loop = loop
        self._slot = slot
        self._plane = plane
        self._adopted = adopted
        self._follow = follow
        self._beats = 0

    def start(self) -> None:
        self._loop.call_later(BEAT_SECONDS, self.start)  # first, so that a fault below ends one tick, not the heart
        now = time.monotonic_ns()
        self._slot["heartbeat_ns"] = now
        self._slot["adopted"] = self._adopted()
        self._beats += 1
        if self._beats % BEATS_PER_SNAPSHOT == 0:
            self._write_gauges(self._plane.snapshot())
        self._plane.tick(now)
        self._slot["loop_lag_us"] = self._plane.overload.lag // 1000
        self._slot["worst_lag_us"] = self._plane.worst_lag_ns // 1000
        self._slot["shed_rank"] = self._plane.overload.cut.threshold
        self._follow()

    def _write_gauges(self, snapshot: dict[str, Any]) -> None:
        self._slot["connections"] = int(snapshot["connections"])
        self._slot["active"] = int(snapshot["active"])


class Worker:
    """Obeys the supervisor. Mutable state: the adopted sockets by their owner's slot, and the command queue."""

    def __init__(self, handover: Handover, active: Active, board: Board) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = logs.logger()
        self._handover = handover
        plan = self._plan = active.plan
        self._board = board
        self._slot = board.slot(handover.slot)
        self._channel = Channel.from_fd(handover.channel)
        self._commands: asyncio.Queue[tuple[Message, list[int]]] = asyncio.Queue()
        # Open to the end: the data plane knows a socket by its number, which must not be given to another.
        self._own = [(index, socket.socket(fileno=fd)) for index, fd in handover.sockets]
        self._adopted: dict[int, list[socket.socket]] = {}
        rows = WorkerBoard(board, handover.slot)
        first = self._first(active)
        self._plane = DataPlane(self._loop, first.plan, worker=handover.slot, board=rows, log=self._log,
                                generation=first.revision.number)
        if first is not active:
            self._plane.commit(self._plane.prepare(plan, rows, beside=True), active.revision.number)
        self._follower = Follower(board, handover.slot, self._plane, Path(handover.plan).parent, active,
                                  self._drain_by_itself, self._log)

    def _first(self, active: Active) -> Active:
        """What to serve before `active`: while that is on probation with a part of the clients, the last known good."""
        if not active.is_divided or not self._board.header["beside"]:
            return active
        try:
            good = ActiveFile(Path(self._handover.plan).parent).read_good()
            if good.revision.number == active.beside and good.plan:
                return good
            self._log.error("revision %d is on probation, and %d is not there beside it", active.revision.number,
                            active.beside)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.error("the last known good revision cannot be read: %s", error)
        return active

    async def run(self) -> None:
        """Serve until told to stop, then until drained."""
        Beat(self._loop, self._slot, self._plane, lambda: sum(map(len, self._adopted.values())),
             self._follower.look).start()
        self._loop.add_signal_handler(signal.SIGTERM, self._drain_by_itself)
        self._loop.add_reader(self._channel.fileno(), self._read_commands)
        await self._plane.open(self._own)
        self._become_ready()
        while (command := await self._commands.get())[0]["do"] not in ENDINGS:
            await self._obey(*command)
        if command[0]["do"] == "stop":
            await self._plane.stop_accepting()
        else:
            await self._leave_queues()
        await self._finish()
        self._close()

    def _close(self) -> None:
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        for sock in self._sockets():
            sock.close()

    def _become_ready(self) -> None:
        settle_memory()
        if self._board.header["draining"]:              # started in the midst of `drain.delay`
            self._plane.begin_drain()
        self._follower.look()
        self._slot["ready_ns"] = time.monotonic_ns()
        self._slot["state"] = State.READY
        self._channel.send({"say": "ready"})

    def _read_commands(self) -> None:
        try:
            while (command := self._channel.receive()) is not None:
                self._commands.put_nowait(command)
        except ClosedError:                             # the supervisor has ended; so does everything of it
            self._loop.remove_reader(self._channel.fileno())
            signal.raise_signal(signal.SIGKILL)

    def _drain_by_itself(self) -> None:
        """SIGTERM from outside. Only this worker ends; the supervisor lends its sockets and starts a successor."""
        self._slot["state"] = State.DRAINING
        self._channel.send({"say": "draining"})
        self._commands.put_nowait(({"do": "leave"}, []))

    async def _obey(self, command: Message, descriptors: list[int]) -> None:
        match command["do"]:
            case "adopt":
                await self._adopt(command["slot"], command["listeners"], descriptors)
            case "release":
                await self._release(command["slot"])
            case "drain":                               # still accepting: READY, though health says no
                self._plane.begin_drain()
            case unknown:
                raise ValueError(f"the supervisor sent an unknown command {unknown!r}")

    async def _adopt(self, slot: int, listeners: list[int], descriptors: list[int]) -> None:
        sockets = [socket.socket(fileno=fd) for fd in descriptors]
        self._adopted[slot] = self._adopted.get(slot, []) + sockets
        for index, sock in zip(listeners, sockets, strict=True):
            await self._plane.adopt(index, sock)

    async def _release(self, slot: int) -> None:
        for sock in self._adopted.pop(slot, []):
            await self._plane.release(sock.fileno())
            sock.close()

    def _sockets(self) -> list[socket.socket]:
        return [*(sock for _, sock in self._own), *itertools.chain(*self._adopted.values())]

    async def _leave_queues(self) -> None:
        """Stop accepting; who waits in the accept queues is left to the worker that our sockets are lent to."""
        for sock in self._sockets():
            await self._plane.release(sock.fileno())

    async def _finish(self) -> None:
        self._slot["state"] = State.DRAINING
        self._plane.begin_drain()
        if not await self._plane.finished(self._plan.drain.timeout / plans.SECOND):
            self._log.warning("drain.timeout is over; ended what was still in flight")


def settle_memory() -> None:
    """Keep what was made at the start out of every later collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def raise_file_limit() -> None:
    """Each connection is a descriptor: take all that the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    handover = Handover.from_argument(sys.argv[1])
    parent.die_with(handover.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C reaches the whole group; the supervisor decides
    setproctitle.setproctitle(f"gateway: worker {handover.slot}")
    log = logs.start(f"worker {handover.slot}")
    raise_file_limit()
    board = Board.attach(handover.board)
    active = ActiveFile(Path(handover.plan).parent).read()

    async def serve() -> None:
        await Worker(handover, active, board).run()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())
    except Exception:
        log.exception("the worker cannot go on")
        raise SystemExit(1) from None
    finally:
        logs.stop()


if __name__ == "__main__":
    main()
