"""Control: the admin API, on one event loop, niced so that it never takes a processor from a worker that wants it.

The data plane never waits for it: it may be killed or stopped at any moment, and comes back with nothing lost, since
all it shows is on the board. Detection, incidents and config changes join it here.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import setproctitle
import uvloop
from aiohttp import web

from gateway.admin import api, serving
from gateway.board import Board, Row, State
from gateway.config import compile_public
from gateway.control.analysing import ChildAnalyst
from gateway.control.deliberation import Deliberation
from gateway.control.delivering import Delivery
from gateway.control.flight_recorder import FlightRecorder
from gateway.control.injecting import Injector
from gateway.control.overrides import Overrides
from gateway.control.reloading import Reloader
from gateway.dataplane.trusted import TrustedProxies
from gateway.model import address
from gateway.processes import parent
from gateway.processes.channel import Channel, ClosedError
from gateway.processes.handover import Handover
from gateway.public.site import PublicSite
from gateway.record import logs
from gateway.record.tokens import TokenFile
from gateway.routing.plan import Plan

NICE = 10
BEAT_SECONDS = 0.25


class Control:
    def __init__(self, handover: Handover, board: Board) -> None:
        self._loop = asyncio.get_running_loop()
        self._handover = handover
        self._board = board
        self._slot: Row = board.slot(handover.slot)
        self._channel = Channel.from_fd(handover.channel)
        self._ended = asyncio.Event()
        folder = self._folder = Path(handover.plan).parent
        self._reloader = Reloader(board, folder, handover.config, handover.options, logs.logger())
        self._overrides = Overrides(board, self._reloader.store, logs.logger())
        self._reloader.on_names = self._overrides.try_turn
        self._recorder = FlightRecorder(board, folder, self._reloader, logs.logger())
        self._injector = Injector(board, folder, self._reloader.store, lambda: self._reloader.active.plan.drills,
                                  logs.logger())
        self._deliberation = Deliberation(board, folder, self._reloader,
                                          ChildAnalyst(board, folder, self._reloader.store, logs.logger()),
                                          logs.logger(), self._overrides.try_turn, clients=self._recorder.clients)
        self._overrides.incidents = self._deliberation.incidents.numbers
        self._recorder.readers.append(self._deliberation.proving.arms.take)
        self._overrides.actions = self._deliberation.responder.in_force
        self._public = PublicSite(self._reloader, self._deliberation, self._client_of, _key(board))
        self._delivery = Delivery(self._reloader.store, lambda: self._reloader.active.plan.alerts, logs.logger())

    async def run(self) -> None:
        """Serve until SIGTERM."""
        self._beat()
        self._loop.add_signal_handler(signal.SIGTERM, self._ended.set)
        self._loop.add_reader(self._channel.fileno(), self._hear)
        self._reloader.finish()
        self._injector.resume()
        plan = self._reloader.active.plan
        app = api.make_app(self._board, self._reloader, self._overrides, TokenFile(self._folder), _names(plan),
                           self._recorder, self._deliberation, self._injector)
        door = serving.Door()
        await door.open(app, socket.socket(fileno=self._handover.sockets[0][1]))
        public = await self._serve_public()
        self._become_ready()
        watching = [asyncio.create_task(each.watch()) for each in (
            self._reloader, self._overrides, self._recorder, self._deliberation, self._delivery, self._injector)]
        for task in watching:
            task.add_done_callback(lambda _: self._ended.set())
        await self._ended.wait()
        for task in watching:
            if task.done():
                await task                              # it never ends by itself: show why it did
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await asyncio.gather(door.close(), public.cleanup())
        self._close()

    async def _serve_public(self) -> web.AppRunner:
        runner = web.AppRunner(self._public.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        path = Path(compile_public.socket_path(self._reloader.active.plan.state_dir))
        try:
            await web.SockSite(runner, _own_socket(path)).start()
        except OSError as error:
            logs.logger().error("the public cannot be answered at %s: %s", path, error)
        return runner

    def _client_of(self, peer: str, forwarded_for: bytes) -> str:
        return TrustedProxies(self._reloader.active.plan.trusted_proxies).client_of(peer, forwarded_for)

    def _beat(self) -> None:
        self._loop.call_later(BEAT_SECONDS, self._beat)
        self._slot["heartbeat_ns"] = time.monotonic_ns()

    def _become_ready(self) -> None:
        self._slot["ready_ns"] = time.monotonic_ns()
        self._slot["state"] = State.READY
        self._channel.send({"say": "ready"})

    def _close(self) -> None:
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()

    def _hear(self) -> None:
        """The supervisor has nothing to say to control yet but its own end."""
        try:
            while self._channel.receive() is not None:
                continue
        except ClosedError:
            self._loop.remove_reader(self._channel.fileno())
            signal.raise_signal(signal.SIGKILL)


def _names(plan: Plan) -> list[str]:
    """What a Host header may say of the admin address: its own host, and the names that the config gives it."""
    return [*plan.admin_hosts, address.parse(plan.admin).host]


def _own_socket(path: Path) -> socket.socket:
    """That only this user can open; one that a predecessor left is replaced. Raises OSError."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    path.chmod(0o600)
    return made


def _key(board: Board) -> bytes:
    """By which clients are told apart for as long as this gateway runs."""
    return b"".join(board.header[seed].to_bytes(8, "big") for seed in ("seed0", "seed1"))


def main() -> None:
    handover = Handover.from_argument(sys.argv[1])
    parent.die_with(handover.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setproctitle.setproctitle("gateway: control")
    os.nice(NICE)
    log = logs.start("control")
    board = Board.attach(handover.board)

    async def serve() -> None:
        await Control(handover, board).run()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())
    except Exception:
        log.exception("control cannot go on")
        raise SystemExit(1) from None
    finally:
        logs.stop()


if __name__ == "__main__":
    main()
