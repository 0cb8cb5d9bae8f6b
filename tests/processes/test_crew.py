"""The crew with real but harmless children: what a death leaves on the board, and a start that the machine refuses."""
import contextlib
import logging
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.board import Board, Capacity, State
from gateway.processes import children, sockets, supervision
from gateway.processes.channel import Channel
from gateway.processes.crew import SECOND, Crew

LOG = logging.getLogger("test")


@contextlib.contextmanager
def make_crew() -> Iterator[tuple[Crew, Board]]:
    """Two workers and control on a fresh board, none started."""
    board = Board.create(Capacity.room_for(2, 1, 1), boot_ns=0, boot_utc_ns=0)
    board.name_rows(("orders",), (("orders", "a:1"),), generation=1)
    listener, admin = sockets.listen(0, "127.0.0.1:0", 2), sockets.listen_admin("127.0.0.1:0")
    crew = Crew(board, "/nowhere", [listener], admin, os.getpid(), LOG)
    try:
        yield crew, board
    finally:
        for child in crew.living():
            crew.kill(child)
            crew.reap(child, time.monotonic_ns(), expected=True)
        listener.close()
        admin.close()


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children that only wait to be killed, in the place of our mains."""
    def spawn_sleeper(module: str, argument: str, descriptors: tuple[int, ...], channel: Channel) -> children.Life:
        process = subprocess.Popen(["sleep", "60"], pass_fds=descriptors)
        return children.Life(process, os.pidfd_open(process.pid), channel)

    monkeypatch.setattr(children, "spawn", spawn_sleeper)


def test_a_death_clears_gauges_keeps_counters_and_sets_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    with make_crew() as (crew, board):
        worker = crew.workers[1]
        assert crew.start(worker, now=SECOND)
        assert board.slot(1)["state"] == State.STARTING
        board.slot(1)["connections"], board.endpoint(1, 0)["requests"] = 7, 9
        crew.kill(worker)
        crew.reap(worker, now=2 * SECOND, expected=True)
        assert (board.slot(1)["state"], board.slot(1)["connections"]) == (State.DEAD, 0)
        assert board.endpoint(1, 0)["requests"] == 9
        assert (worker.life, worker.due) == (None, 2 * SECOND)


def test_sockets_lent_to_a_worker_that_dies_can_be_lent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    with make_crew() as (crew, _):
        borrower, owner = crew.workers
        crew.start(borrower, now=0)
        crew.lend(owner, to=borrower.slot)
        assert owner.lent_to == borrower.slot
        crew.kill(borrower)
        crew.reap(borrower, now=1, expected=True)
        assert owner.lent_to is None


def test_a_start_that_the_machine_refuses_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> children.Life:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(children, "spawn", refuse)
    with make_crew() as (crew, board):
        worker = crew.workers[0]
        before = os.listdir("/proc/self/fd")
        for _ in range(3):
            assert crew.start(worker, now=SECOND) is False
        assert worker.due > SECOND
        assert board.slot(0)["state"] == State.DEAD
        assert os.listdir("/proc/self/fd") == before


def test_a_silent_child_is_killed_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    stand_in(monkeypatch)
    with make_crew() as (crew, _):
        crew.start(crew.workers[0], now=0)
        for _ in range(5):
            crew.act(supervision.Kill(0, 5 * SECOND), now=SECOND)
        assert caplog.messages == ["worker 0 has been silent for 5.0 s; killing it"]
        life = crew.workers[0].life
        assert life
        assert life.reap() == -9
        crew.workers[0].life = None


@pytest.mark.parametrize(("code", "words"), [(0, "ended with exit code 0"), (-9, "was killed by SIGKILL")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert children.reason(code) == words


def test_children_are_found_without_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the folder where the gateway is started must not pass for a module of ours."""
    (tmp_path / "json.py").write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    with make_crew() as (crew, _):
        worker = crew.workers[0]
        assert crew.start(worker, now=0)
        assert worker.life
        code = worker.life.reap()
        worker.life = None
        assert code == 1                                # there is no plan at /nowhere: it got past all imports
