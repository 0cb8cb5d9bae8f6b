"""Who sends the most, found in records as workers write them, in bounded room."""
import collections

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.control import client_traffic
from gateway.control.client_traffic import ClientTraffic
from gateway.model import target
from gateway.record import flight
from gateway.record.flight import RECORD, Records

START = 1_700_000_040                       # a whole minute
MAPPED = 0xFFFF << 32


def records(*sent: tuple[int, int], failed: int = 0) -> Records:
    """Of clients 10.0.0.N; the first `failed` ended with 500."""
    numbers = [number for number, times in sent for _ in range(times)]
    made = np.zeros(len(numbers), RECORD)
    made["client_low"] = [MAPPED | 0x0A000000 | number for number in numbers]
    made["client_key"] = [number * 7919 + 1 for number in numbers]
    made["status"] = 200
    made["status"][:failed] = 500
    return made


class Scene:
    def __init__(self) -> None:
        self.clients, self.now = ClientTraffic(), START
        self.second()

    def second(self, *sent: tuple[int, int], failed: int = 0) -> list[str]:
        self.now += 1
        self.clients.take(records(*sent, failed=failed), 0)
        return [each.target for each in self.clients(self.now * 10**9)]


def test_the_heaviest_are_told_with_their_share_and_what_failed():
    scene = Scene()
    for _ in range(70):
        scene.second((1, 30), (2, 10), failed=5)
    first, second = scene.clients.snapshot()
    assert (first["client"], second["client"]) == ("10.0.0.1", "10.0.0.2")
    assert (first["per_second"], second["per_second"]) == (30, 10)
    assert first["failed"] == first["requests"] // 6
    assert first["share"] == 0.75


def test_a_client_that_is_known_by_a_header_is_told_by_its_hash():
    scene = Scene()
    for _ in range(5):
        made = records((1, 20), (2, 10))
        made["client_low"] = MAPPED | 9                 # behind one proxy
        made["flags"] = flight.NAMED_CLIENT
        scene.clients.take(made, 0)
        scene.second()
    assert [each["client"] for each in scene.clients.snapshot()] == [f"#{number * 7919 + 1:016x}" for number in (1, 2)]
    assert all(target.parse(f"client:{each['client']}") for each in scene.clients.snapshot())


def test_a_client_that_floods_is_a_signal_within_twenty_seconds_until_it_ends():
    scene = Scene()
    for _ in range(200):
        assert scene.second((1, 20), (2, 20)) == []
    seen = [scene.second((1, 20), (2, 20), (3, 200)) for _ in range(40)]
    assert 10 <= seen.index(["client:10.0.0.3"]) <= 20
    assert seen[-1] == ["client:10.0.0.3"]
    later = [scene.second((1, 20), (2, 20)) for _ in range(20)]
    assert later[-1] == []


def test_whoever_becomes_heavy_takes_the_place_of_the_quietest():
    scene = Scene()
    for _ in range(10):
        scene.second(*((number, 2) for number in range(1, client_traffic.TRACKED + 20)))
    for _ in range(70):
        scene.second((200, 50))
    found = scene.clients.snapshot()
    assert found[0]["client"] == "10.0.0.200"
    assert len(found) <= client_traffic.TRACKED


def test_a_million_addresses_take_bounded_room_and_hide_nobody():
    scene = Scene()
    for second in range(20):
        scene.second((1, 300), *((10 + second * 3000 + each, 1) for each in range(3000)))
    assert scene.clients.snapshot()[0]["client"] == "10.0.0.1"
    assert len(scene.clients.snapshot()) <= client_traffic.TRACKED


def test_a_stop_of_control_begins_anew_and_a_short_gap_is_silence():
    scene = Scene()
    for _ in range(30):
        scene.second((1, 20))
    scene.now += 5
    scene.second((1, 20))
    assert scene.clients.snapshot()[0]["per_second"] < 20
    scene.now += 2000
    scene.second((1, 20))
    assert scene.clients.snapshot()[0]["requests"] == 20


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 9)), max_size=6), min_size=6, max_size=50))
def test_few_clients_are_counted_exactly_once_they_are_tracked(seconds: list[list[tuple[int, int]]]):
    scene = Scene()
    for _ in range(6):
        scene.second(*((number, 1) for number in range(1, 9)))              # all are tracked by now
    scene.now += client_traffic.SECONDS // 2                                # what they sent is out of the last minute
    truth = collections.Counter[str]()
    for sent in seconds:
        scene.second(*sent)
        for number, times in sent:
            truth[f"10.0.0.{number}"] += times
    assert {each["client"]: each["requests"] for each in scene.clients.snapshot()} == {
        client: times for client, times in truth.items() if times}
