"""What stands by hand, from the journal to the board, through deaths, faults and the end of its time."""
import logging
from pathlib import Path

import pytest

from gateway.board import Board, Capacity
from gateway.control import overrides as by_hand
from gateway.control.overrides import Moment, Overrides
from gateway.control.refused import Refused
from gateway.isolate import isolation
from gateway.model.override import BREAKER, ISOLATION, Override
from gateway.model.safeguards import SECOND
from gateway.record.store import NotStored, Store, open_store

LOG = logging.getLogger("test")
START = Moment(1_700_000_000 * SECOND, 500 * SECOND)
MINUTE = 60 * SECOND


def later(nanoseconds: int) -> Moment:
    return Moment(START.utc + nanoseconds, START.monotonic + nanoseconds)


class Scene:
    """A board with route r and upstream u, a store in a folder, and control, which can die and come back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = self.new_board()
        self.store = open_store(folder, 1, LOG)
        self.control = self.start_control()

    @staticmethod
    def new_board() -> Board:
        board = Board.create(Capacity.room_for(2, 1, 1), boot_ns=1, boot_utc_ns=1)
        board.name_rows(["r"], [("u", "h:1")], 1, upstreams=["u"])
        return board

    def start_control(self) -> Overrides:
        return Overrides(self.board, lambda: self.store, LOG)

    def until(self) -> int:
        return self.board.control("routes", self.board.names("routes")["r"])["isolated_until"]

    def isolate(self, target: str = "route:r", at: Moment = START, **more: object) -> Override:
        return self.control.isolate(target, "leaks data", "loopback", at, **more)  # type: ignore[arg-type]

    def audit(self) -> list[tuple[str, str]]:
        return [(entry.what, entry.target) for entry in reversed(self.store.audit())]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_an_isolation_is_journalled_then_in_force_then_answered(scene: Scene) -> None:
    seen = []

    class Watching(Store):
        def put_override(self, made: Override) -> Override:
            stored = super().put_override(made)
            seen.append(scene.until())
            return stored

    scene.store = Watching(scene.store._connection, scene.store.path)
    made = scene.isolate(note="ana")
    assert seen == [0], "nothing is in force that is not on the disk"
    assert scene.until() == START.monotonic + 30 * MINUTE
    assert scene.store.standing_overrides() == [made]
    entry = scene.store.audit()[0]
    assert (entry.what, entry.target, entry.who) == ("isolate", "route:r", "loopback")
    assert '"note": "ana"' in entry.detail
    assert '"reason": "leaks data"' in entry.detail


def test_a_death_between_the_journal_and_the_board_is_made_good_by_the_successor(scene: Scene) -> None:
    scene.store.put_override(isolation.isolate("route:r", "why", "loopback", START.utc, MINUTE))
    scene.start_control().turn(later(10 * SECOND))
    assert scene.until() == START.monotonic + MINUTE


def test_a_release_that_died_before_the_board_is_made_good_too(scene: Scene) -> None:
    made = scene.isolate()
    scene.store.end_override(made, "released", at_ns=START.utc, who="loopback")
    scene.start_control().turn(later(SECOND))
    assert scene.until() == 0


def test_an_isolation_survives_control_and_ends_with_its_time(scene: Scene) -> None:
    scene.isolate(ttl=MINUTE)
    scene.control = scene.start_control()
    scene.control.turn(later(30 * SECOND))
    assert scene.until() == START.monotonic + MINUTE
    assert [each.target for each in scene.control.standing(ISOLATION, later(30 * SECOND))] == ["route:r"]
    assert scene.control.standing(ISOLATION, later(MINUTE)) == []
    scene.control.turn(later(MINUTE))
    assert scene.until() == 0
    assert scene.audit() == [("isolate", "route:r"), ("expire", "route:r")]
    assert scene.store.audit()[0].at_ns == START.utc + MINUTE
    assert scene.store.verify() is None


def test_what_expired_while_control_was_dead_is_recorded_when_it_is_back(scene: Scene) -> None:
    made = scene.isolate(ttl=MINUTE)
    scene.start_control().turn(later(10 * MINUTE))
    ended = scene.store.override(made.id)
    assert ended is not None
    assert (ended.ended, ended.ended_ns) == ("expired", START.utc + MINUTE)


def test_a_new_board_is_written_from_the_store_for_what_is_left_of_the_time(scene: Scene) -> None:
    scene.isolate(ttl=MINUTE)
    scene.isolate("client:192.0.2.7", ttl=MINUTE)
    scene.board = scene.new_board()
    by_hand.restore(scene.board, scene.store, Moment(START.utc + 20 * SECOND, 3 * SECOND), LOG)
    assert scene.until() == 3 * SECOND + 40 * SECOND
    assert scene.board.header["clients_used"] == 1


def test_one_that_is_released_is_over_at_once(scene: Scene) -> None:
    made = scene.isolate()
    ended = scene.control.release(ISOLATION, made.id, "loopback", later(SECOND), note="ben", reason="fixed\n it")
    assert (ended.ended, scene.until()) == ("released", 0)
    assert '"reason": "fixed it"' in scene.store.audit()[0].detail
    with pytest.raises(Refused, match=f"isolation {made.id} is not in force") as caught:
        scene.control.release(ISOLATION, made.id, "loopback", later(SECOND))
    assert caught.value.status == 404


def test_isolating_again_takes_the_place_of_the_first(scene: Scene) -> None:
    first = scene.isolate()
    second = scene.isolate(at=later(SECOND), ttl=MINUTE)
    assert scene.until() == START.monotonic + SECOND + MINUTE
    assert scene.control.standing(ISOLATION, later(SECOND)) == [second]
    replaced = scene.store.override(first.id)
    assert replaced is not None
    assert replaced.ended == "replaced"
    assert f'"replaces": {first.id}' in scene.store.audit()[0].detail


def test_isolating_again_after_the_end_is_recorded_as_an_end_and_a_beginning(scene: Scene) -> None:
    scene.isolate(ttl=MINUTE)
    scene.isolate(at=later(2 * MINUTE))
    assert [what for what, _ in scene.audit()] == ["isolate", "expire", "isolate"]


def test_a_breaker_is_forced_and_left_to_itself_again(scene: Scene) -> None:
    scene.control.force("u", "open", "deploy", "loopback", START)
    word = scene.board.control("upstreams", 0)
    assert (word["forced"], word["forced_until"]) == (1, START.monotonic + 30 * MINUTE)
    scene.isolate("upstream:u")                         # beside it, not in its place
    assert len(scene.control.standing(BREAKER, START)) == 1
    scene.control.lift("u", "loopback", later(SECOND))
    assert (word["forced_until"], word["isolated_until"]) == (0, START.monotonic + 30 * MINUTE)
    with pytest.raises(Refused, match="is not forced"):
        scene.control.lift("u", "loopback", later(SECOND))
    assert scene.audit() == [("force", "upstream:u"), ("isolate", "upstream:u"), ("release", "upstream:u")]


def test_what_does_not_exist_is_refused_and_leaves_no_trace(scene: Scene) -> None:
    with pytest.raises(isolation.UnknownTargetError, match="known here: r"):
        scene.isolate("route:x")
    with pytest.raises(isolation.UnknownTargetError, match="there is no upstream:x"):
        scene.control.force("x", "open", "why", "loopback", START)
    assert scene.audit() == []


def test_what_cannot_be_stored_is_not_in_force(scene: Scene) -> None:
    scene.control.turn(START)
    scene.store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(NotStored):
        scene.isolate()
    assert scene.until() == 0


def test_while_the_store_cannot_be_read_the_board_is_left_as_it_is(scene: Scene) -> None:
    scene.isolate()

    def unreadable() -> Store:
        raise NotStored(503, "locked")

    control = Overrides(scene.board, unreadable, LOG)
    control.try_turn()
    assert (control.fault, scene.until()) == ("locked", START.monotonic + 30 * MINUTE)


def test_an_end_that_cannot_be_recorded_is_an_end_all_the_same(scene: Scene) -> None:
    scene.isolate(ttl=MINUTE)
    scene.store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(NotStored):
        scene.control.turn(later(MINUTE))
    assert scene.until() == 0
    scene.store._connection.execute("PRAGMA query_only = OFF")
    scene.control.turn(later(MINUTE + SECOND))
    assert scene.audit()[-1] == ("expire", "route:r")


def test_there_is_room_for_so_many_and_the_ones_refused_are_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.board.header["clients"] = 2
    for number in (1, 2):
        scene.isolate(f"client:192.0.2.{number}")
    with pytest.raises(Refused, match="no room for more; release some") as caught:
        scene.isolate("client:192.0.2.3")
    assert (caught.value.status, scene.board.header["overrides_full"]) == (409, 1)
    scene.isolate("client:192.0.2.2", at=later(SECOND))  # takes its predecessor's place
    monkeypatch.setattr(by_hand, "MOST", 2)
    with pytest.raises(Refused):
        scene.isolate("route:r")
    assert scene.board.header["overrides_full"] == 2
