"""Faults of drills: only where they are enabled, noted, bounded, found again by a successor, and over in time."""
import logging
import time
from pathlib import Path

import pytest

from gateway.board import Board, Capacity
from gateway.control.injecting import Injector
from gateway.control.refused import Refused
from gateway.isolate.isolation import UnknownTargetError
from gateway.model.injection import STANDING_MOST, Injection, InjectionKind
from gateway.record.injections import InjectionFile
from gateway.record.store import Store, open_store

LOG = logging.getLogger("test")
MINUTE = 60 * 10**9
REFUSE = Injection(InjectionKind.STATUS, upstream="api")


class Scene:
    def __init__(self, folder: Path) -> None:
        self.board = Board.create(Capacity.room_for(1, 4, 4), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["orders"], [("api", "127.0.0.1:9001")], 1, upstreams=["api"])
        self.folder = folder
        self.enabled = True
        self.store: Store = open_store(folder, time.time_ns(), LOG)
        self.injector = self.successor()

    def successor(self) -> Injector:
        made = Injector(self.board, self.folder, lambda: self.store, lambda: self.enabled, LOG)
        made.resume()
        return made

    def written(self) -> list[Injection]:
        return InjectionFile(self.folder).read()

    def noted(self) -> list[str]:
        return [each.what for each in reversed(self.store.audit())]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_fault_is_noted_written_and_told_to_the_workers(scene: Scene) -> None:
    made = scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    assert scene.written() == [made]
    assert scene.board.header["faults"] == 1
    assert scene.noted() == ["fault.inject"]
    assert 59 * 10**9 < made.until - time.monotonic_ns() <= MINUTE


def test_nothing_can_be_injected_where_drills_are_disabled(scene: Scene) -> None:
    scene.enabled = False
    with pytest.raises(Refused, match="drills: enabled") as refused:
        scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    assert refused.value.status == 409
    assert scene.board.header["faults"] == 0


def test_a_fault_needs_a_place_that_there_is(scene: Scene) -> None:
    with pytest.raises(UnknownTargetError):
        scene.injector.inject(Injection(InjectionKind.STATUS, route="nowhere"), MINUTE, "a drill", "ann")


def test_what_is_stopped_stands_no_more_and_is_stopped_once(scene: Scene) -> None:
    made = scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    scene.injector.stop(made.id, "ann", "seen enough")
    assert scene.written() == []
    assert scene.board.header["faults"] == 2
    with pytest.raises(Refused):
        scene.injector.stop(made.id, "ann")


def test_a_successor_can_stop_what_stands(scene: Scene) -> None:
    made = scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    heir = scene.successor()
    assert heir.standing() == [made]
    heir.stop(made.id, "ann")
    assert scene.noted() == ["fault.inject", "fault.stopped"]


def test_what_expires_is_noted_and_taken_from_the_file(scene: Scene) -> None:
    made = scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    scene.injector.turn(made.until - 1)
    assert scene.written() == [made]
    scene.injector.turn(made.until)
    assert scene.written() == []
    assert scene.noted() == ["fault.inject", "fault.expired"]


def test_disabling_drills_ends_what_stands(scene: Scene) -> None:
    scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    scene.enabled = False
    scene.injector.turn(time.monotonic_ns())
    assert scene.injector.standing() == []


def test_only_so_many_stand_at_a_time(scene: Scene) -> None:
    for _ in range(STANDING_MOST):
        scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
    with pytest.raises(Refused, match="already"):
        scene.injector.inject(REFUSE, MINUTE, "a drill", "ann")
