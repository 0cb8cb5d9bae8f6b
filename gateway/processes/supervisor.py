"""The supervisor: owns the listening sockets and the board; starts, watches and restarts the others.

A small loop: wait for a signal, a child's end or word, or 100 ms; look; decide; act. Nothing in it waits for a child.

Shutting down (SIGTERM or SIGINT), in this order:
1. not ready: health answers 503, but connections are still accepted for `drain.delay`;
2. sockets without a living worker are lent to one, and no new connection is let in; handshakes under way have
   SETTLE_NS, a long round trip, to complete;
3. our own descriptors are closed; workers accept what waits, close, finish what is in flight within `drain.timeout`;
4. control ends last, so that the drain can be watched. A second signal ends everything at once.
"""

import dataclasses
import enum
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import setproctitle

from gateway.board import CLIENT_LINES, RECORDER_BYTES, Board, Capacity, State
from gateway.control import overrides, plan_on_board
from gateway.model.safeguards import WHOLE
from gateway.processes import sockets, supervision
from gateway.processes.channel import ClosedError
from gateway.processes.children import Child
from gateway.processes.crew import SECOND, Crew
from gateway.processes.sockets import ListenerSockets
from gateway.processes.state_folder import StateFolder
from gateway.record.active import Active, ActiveFile
from gateway.record.store import NotStored, open_store
from gateway.record.tokens import TokenFile
from gateway.routing.plan import Plan

TURN_SECONDS = 0.1
ABSENCE_NS = 2 * SECOND                 # the loop itself was stopped, if a turn took longer than this
HOPELESS_DEATHS = 3                     # of one child before any was ever ready: nothing will come of more
SETTLE_NS = SECOND // 5
GRACE_NS = 2 * SECOND                   # beyond drain.timeout, for a worker's own clean end
CONTROL_GRACE_NS = 2 * SECOND


class Phase(enum.Enum):
    SERVING = "serving"
    UNREADY = "unready"                 # drain.delay: still accepting
    CLOSED = "closed"                   # no SYN is answered any more, accepting goes on
    DRAINING = "draining"
    ENDING = "ending"                   # workers are gone, control is asked to end


ENDING = (Phase.CLOSED, Phase.DRAINING, Phase.ENDING)


class Supervisor:
    """Mutable state: `phase` and its deadline, the signals received, and all of `crew`."""

    def __init__(self, plan: Plan, board: Board, listeners: Sequence[ListenerSockets], admin: ListenerSockets,
                 folder: StateFolder, log: logging.Logger, config: str, options: dict[str, Any]) -> None:
        self._plan = plan
        self._board = board
        self._listeners = listeners
        self._admin = admin
        self._log = log
        self.crew = Crew(board, str(folder.active), listeners, admin, os.getpid(), log, config, options)
        self.phase = Phase.SERVING
        self._deadline = 0
        self._exit: int | None = None
        self._was_ready = False
        self._received: list[signal.Signals] = []
        self._watching_since = self._last_turn = time.monotonic_ns()
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Serve until told to end; returns the exit code."""
        self._catch_signals()
        for child in self.crew.children:
            self._start(supervision.Start(child.slot), time.monotonic_ns())
        while self._exit is None:
            self._wait()
            self._turn(time.monotonic_ns())
        self._end()
        return self._exit

    def _end(self) -> None:
        """Leave nothing behind: no child, no socket file."""
        for child in self.crew.living():
            self.crew.kill(child)
            self.crew.reap(child, time.monotonic_ns(), expected=True)
        for listener in (*self._listeners, self._admin):
            listener.refuse_new()
            listener.close()
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for end in self._wakeups:
            end.close()

    def _catch_signals(self) -> None:
        """Signals wake the loop through a descriptor and are dealt with in its turn."""
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        self._wakeups = (woken, waker)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(woken, selectors.EVENT_READ)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note_signal)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._received.append(signal.Signals(number))

    def _wait(self) -> None:
        for key, _ in self._selector.select(TURN_SECONDS):
            if key.fileobj is self._wakeups[0]:
                self._wakeups[0].recv(4096)
            elif key.data is not None:
                self._hear(key.data)

    def _hear(self, child: Child) -> None:
        """A child's end or word. What it says ("ready", "draining") is on the board: being woken is the point."""
        now = time.monotonic_ns()
        if child.life is None:
            return
        if _has_ended(child.life.pidfd):
            self._selector.unregister(child.life.pidfd)
            self._forget_channel(child)
            self.crew.reap(child, now, expected=self.phase in ENDING)
            return
        try:
            while child.life.channel.receive() is not None:
                continue
        except ClosedError:
            self._forget_channel(child)

    def _forget_channel(self, child: Child) -> None:
        assert child.life
        if child.life.channel.fileno() in self._selector.get_map():
            self._selector.unregister(child.life.channel)

    def _start(self, action: supervision.Start, now: int) -> None:
        self.crew.act(action, now)
        child = self.crew.children[action.slot]
        if child.life:
            self._selector.register(child.life.pidfd, selectors.EVENT_READ, child)
            self._selector.register(child.life.channel, selectors.EVENT_READ, child)

    def _turn(self, now: int) -> None:
        if now - self._last_turn > ABSENCE_NS:
            self._watching_since = now
        self._last_turn = now
        while self._received:
            self._obey(self._received.pop(0), now)
        seen = self.crew.seen(now)
        self._greet(seen)
        if self.phase in (Phase.SERVING, Phase.UNREADY):
            self._supervise(seen, now)
        if self.phase is not Phase.SERVING:
            self._shut_down(now)

    def _supervise(self, seen: list[supervision.Seen], now: int) -> None:
        if self._is_hopeless():
            self._log.error("no worker could start; see its last lines above")
            self._exit = 1
            return
        for action in supervision.decide(seen, now, self._watching_since):
            if isinstance(action, supervision.Start):
                self._start(action, now)
            else:
                self.crew.act(action, now)

    def _is_hopeless(self) -> bool:
        return not self._was_ready and any(
            worker.backoff.early_deaths >= HOPELESS_DEATHS for worker in self.crew.workers
        )

    def _greet(self, seen: list[supervision.Seen]) -> None:
        if not self._was_ready and all(child.ready for child in seen if child.is_worker):
            self._was_ready = True
            bound = ", ".join(listener.bound for listener in self._listeners)
            self._log.info("ready: %s listening on %s, admin on %s", _workers(len(self.crew.workers)), bound,
                           self._admin.bound)

    def _obey(self, number: signal.Signals, now: int) -> None:
        if number == signal.SIGHUP:
            self._board.header["asked"] += 1            # control does it, now or when it is back
        elif self.phase is Phase.SERVING:
            self._begin_shutdown(number, now)
        else:
            self._log.warning("%s again: ending at once", number.name)
            self._exit = 1

    def _begin_shutdown(self, number: signal.Signals, now: int) -> None:
        self._log.info("%s: draining for up to %g s", number.name, self._plan.drain.timeout / SECOND)
        self._board.header["draining"] = 1
        for worker in self.crew.workers:
            self.crew.tell(worker, {"do": "drain"})
        self.phase, self._deadline = Phase.UNREADY, now + self._plan.drain.delay

    def _shut_down(self, now: int) -> None:
        """Take the next step of the shutdown once its time has come."""
        if self.phase is Phase.UNREADY and now >= self._deadline:
            self._close_the_door()
            self.phase, self._deadline = Phase.CLOSED, now + SETTLE_NS
        if self.phase is Phase.CLOSED and now >= self._deadline:
            self._stop_accepting()
            self.phase, self._deadline = Phase.DRAINING, now + self._plan.drain.timeout + GRACE_NS
        if self.phase is Phase.DRAINING and self._workers_gone(now):
            self._end_control()
            self.phase, self._deadline = Phase.ENDING, now + CONTROL_GRACE_NS
        if self.phase is Phase.ENDING and (not self.crew.living() or now >= self._deadline):
            self._log.info("ended")
            self._exit = 0

    def _close_the_door(self) -> None:
        self._lend_unserved()
        for listener in self._listeners:
            listener.refuse_new()

    def _stop_accepting(self) -> None:
        for listener in self._listeners:
            listener.close()
        for worker in self.crew.workers:
            self.crew.tell(worker, {"do": "stop"})

    def _lend_unserved(self) -> None:
        """Who waits at a dead worker's socket is accepted by a living one."""
        serving = [worker for worker in self.crew.workers if self._serves(worker)]
        for worker in self.crew.workers:
            if worker not in serving and worker.lent_to is None and serving:
                self.crew.lend(worker, serving[0].slot)

    def _serves(self, worker: Child) -> bool:
        return worker.life is not None and self._board.slot(worker.slot)["state"] == State.READY

    def _workers_gone(self, now: int) -> bool:
        living = [worker for worker in self.crew.workers if worker.life]
        if living and now >= self._deadline:
            self._log.error("%s did not end in time; killing", ", ".join(worker.name for worker in living))
            for worker in living:
                self.crew.kill(worker)
        return not living

    def _end_control(self) -> None:
        control = self.crew.children[-1]
        if control.life:
            control.life.signal(signal.SIGTERM)

    def __repr__(self) -> str:
        return f"<Supervisor {self.phase.value}: {self.crew}>"


def _has_ended(pidfd: int) -> bool:
    return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def start(active: Active, log: logging.Logger, config: str = "", options: dict[str, Any] | None = None) -> int:
    """Run the gateway in this process until it is told to end; returns the exit code. `config` and `options`: Handover.

    Raises sockets.ListenError, state_folder.InUseError, board.BoardFullError, tokens.TokensError or OSError before
    anything is started.
    """
    plan = active.plan
    folder = StateFolder(Path(plan.state_dir))
    folder.lock()
    workers = plan.workers or len(os.sched_getaffinity(0))
    active, rest = _beside(active, ActiveFile(folder.path), log)
    board = _make_board(active, rest, workers)
    admin = sockets.listen_admin(plan.admin, bool(TokenFile(folder.path).tokens()))
    listeners = [sockets.listen(index, each.address, workers) for index, each in enumerate(plan.listeners)]
    _restore_overrides(board, folder.path, log)
    ActiveFile(folder.path).write(active)
    setproctitle.setproctitle("gateway: supervisor")
    return Supervisor(plan, board, listeners, admin, folder, log, config, options or {}).run()


def _restore_overrides(board: Board, folder: Path, log: logging.Logger) -> None:
    """What stands by hand is in force from the first request on. A store that cannot be read is control's to report."""
    try:
        store = open_store(folder, time.time_ns(), log)
    except NotStored as error:
        log.error("what stood by hand is not in force yet: %s", error)
        return
    overrides.restore(board, store, overrides.now(), log)
    store.close()


def _beside(active: Active, file: ActiveFile, log: logging.Logger) -> tuple[Active, Plan | None]:
    """The plan of the clients that a revision on probation does not go to yet; all have that if there is none."""
    if not active.is_divided:
        return active, None
    try:
        good = file.read_good()
        if good.revision.number == active.beside:
            return active, good.plan
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("the last known good revision cannot be read: %s", error)
    return dataclasses.replace(active, share=WHOLE), None


def _make_board(active: Active, rest: Plan | None, workers: int) -> Board:
    plan, number = active.plan, active.revision.number
    routes = [route.name for route in plan.routes]
    limits = [(route.name, limit.name) for route in plan.routes for limit in route.limits]
    endpoints = [(upstream.name, endpoint.address) for upstream in plan.upstreams for endpoint in upstream.endpoints]
    capacity = Capacity.room_for(workers, len(routes), len(endpoints), len(plan.upstreams), len(limits),
                                 client_lines=CLIENT_LINES, recorder_bytes=RECORDER_BYTES)
    board = Board.create(capacity, boot_ns=time.monotonic_ns(), boot_utc_ns=time.time_ns())
    plan_on_board.name_rows(board, plan, number)
    if rest is not None:
        plan_on_board.name_rows(board, rest, active.beside)
        plan_on_board.name_spare_rows(board, rest, plan, number)
    plan_on_board.write_upstreams(board, plan, rest)
    plan_on_board.say_what_is_served(board, active)
    board.header["highest"] = number
    return board
