"""The whole admin API as control builds it, over a board and a state folder that the test has; no worker runs."""
import logging
import time
from pathlib import Path

from aiohttp import web

from gateway.admin import api
from gateway.board import Board, Capacity
from gateway.config import boot, revisions
from gateway.control.deliberation import Deliberation
from gateway.control.flight_recorder import FlightRecorder
from gateway.control.injecting import Injector
from gateway.control.overrides import Overrides
from gateway.control.recalling import Memory, Question
from gateway.control.reloading import Reloader
from gateway.record.active import ActiveFile
from gateway.record.tokens import TokenFile

LOG = logging.getLogger("test")
CONFIG = """\
version: 1
drills: enabled
listeners: [{address: "127.0.0.1:8080"}]
upstreams:
  api: {endpoints: ["127.0.0.1:9001"]}
routes:
  - name: orders
    match: {path: /orders/**}
    upstream: api
    limits: [{name: all, key: route, rate: 10/s}]
  - {name: rest, match: {path: /**}, respond: {status: 204}}
"""
DELIBERATION: web.AppKey[Deliberation] = web.AppKey("deliberation-of-test", Deliberation)


class ForgetfulHistorian:
    """Is done at once, and remembers nothing."""

    def begin(self, question: Question) -> None:
        pass

    def memory(self) -> Memory:
        return Memory()


class SlowTuner:
    """Is never done."""

    def begin(self, question: str) -> None:
        pass

    def answer(self) -> None:
        return None


def make_board() -> Board:
    return Board.create(Capacity.room_for(1, 4, 4), boot_ns=time.monotonic_ns(), boot_utc_ns=time.time_ns())


def make_app(folder: Path, board: Board | None = None, config: str = CONFIG) -> web.Application:
    """`app[DELIBERATION]` is its deliberation, for turns."""
    board = board or make_board()
    candidate = revisions.from_documents({"gateway.yaml": config.encode()})
    ActiveFile(folder).write(boot.first(candidate, None, time.time_ns()))
    reloader = Reloader(board, folder, "", {}, LOG)
    overrides = Overrides(board, reloader.store, LOG)
    reloader.on_names = overrides.try_turn
    reloader.finish()
    deliberation = Deliberation(board, folder, reloader, None, LOG, historian=ForgetfulHistorian(),
                                tuner=SlowTuner())
    recorder = FlightRecorder(board, folder, reloader, LOG)
    injector = Injector(board, folder, reloader.store, lambda: reloader.active.plan.drills, LOG)
    app = api.make_app(board, reloader, overrides, TokenFile(folder), (), recorder, deliberation, injector)
    app[DELIBERATION] = deliberation
    return app


