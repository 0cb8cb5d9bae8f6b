"""What those who watch are told: a snapshot first, then what changes; nobody holds the others up."""
import asyncio
import logging
from typing import Any

import pytest

from gateway.admin import live
from gateway.admin.live import Live
from gateway.control.refused import Refused


class World:
    """Values that a test changes."""

    def __init__(self) -> None:
        self.seconds = 0
        self.incidents: list[str] = []
        self.live = Live({"traffic": self._traffic, "incidents": lambda: self.incidents}, logging.getLogger("test"))

    def _traffic(self) -> dict[str, int]:
        self.seconds += 1
        return {"at": self.seconds}


def cut_nobody() -> None:
    raise AssertionError("nobody is behind")


def told(queue: "asyncio.Queue[Any]") -> list[tuple[str, str]]:
    found = []
    while not queue.empty():
        event = queue.get_nowait()
        found.append((event.kind, event.data))
    return found


def test_traffic_is_told_each_second_and_the_rest_when_it_has_changed() -> None:
    world = World()
    listener = world.live.listen(cut_nobody)
    world.live.turn()
    world.live.turn()
    world.incidents = ["slow"]
    world.live.turn()
    assert told(listener.queue) == [("traffic", '{"at":1}'), ("incidents", "[]"), ("traffic", '{"at":2}'),
                                    ("traffic", '{"at":3}'), ("incidents", '["slow"]')]


def test_who_comes_is_told_all_that_is_kept_and_who_comes_back_what_was_missed() -> None:
    world = World()
    for _ in range(3):
        world.live.turn()
    everything = list(world.live.since(""))
    assert [each.kind for each in everything] == ["traffic", "incidents", "traffic", "traffic"]
    seen = f"{world.live.name}-{everything[2].number}"
    assert [each.data for each in world.live.since(seen)] == ['{"at":3}']
    assert list(world.live.since("another-4")) == everything


def test_the_past_is_bounded() -> None:
    world = World()
    for _ in range(live.KEPT_SECONDS + 50):
        world.live.turn()
    assert len(list(world.live.since(""))) == live.KEPT_SECONDS + 1


def test_who_is_too_far_behind_is_cut_off_and_counted_and_the_others_hear_on() -> None:
    world, cut = World(), []
    behind = world.live.listen(lambda: cut.append(True))
    for turn in range(live.QUEUE_MOST + 2):
        if turn == live.QUEUE_MOST:
            reads_on = world.live.listen(cut_nobody)
        world.live.turn()
    assert cut == [True]
    assert behind.queue.qsize() == live.QUEUE_MOST
    assert len(told(reads_on.queue)) == 2
    assert world.live.snapshot() == {"listeners": 1, "refused": 0, "cut_off": 1, "fault": ""}


def test_listeners_are_bounded_and_refused_ones_counted() -> None:
    world = World()
    listeners = [world.live.listen(cut_nobody) for _ in range(live.LISTENERS_MOST)]
    with pytest.raises(Refused, match="close one"):
        world.live.listen(cut_nobody)
    world.live.leave(listeners[0])
    world.live.listen(cut_nobody)
    assert world.live.snapshot()["refused"] == 1


def test_a_source_that_fails_is_shown_and_tried_again() -> None:
    world = World()
    world.incidents = [object()]  # type: ignore[list-item]
    world.live.try_turn()
    assert "not JSON serializable" in world.live.snapshot()["fault"]
    world.incidents = []
    world.live.try_turn()
    assert world.live.snapshot()["fault"] == ""


def test_everybody_is_sent_home_at_the_end_even_with_a_full_queue() -> None:
    world = World()
    listener = world.live.listen(cut_nobody)
    for _ in range(live.QUEUE_MOST - 1):
        world.live.turn()
    world.live.close()
    last = None
    while not listener.queue.empty():
        last = listener.queue.get_nowait()
    assert last is None
