"""From the rings on the board into files, and back for whoever looks."""
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import _recorder
from gateway.board import Board, Capacity, WorkerBoard
from gateway.model.decisions import Decision
from gateway.record import flight, looking, sampling, segments
from gateway.record.flight import RECORD
from gateway.record.looking import Wanted
from gateway.record.segments import ARRIVALS, FLIGHT, SegmentWriter
from gateway.record.spool import Spool, utc_offset

LOG = logging.getLogger("spool")
SECOND = 10**9
MIB = 2**20


class Scene:
    """A board of two workers whose rings the test writes."""

    def __init__(self, folder: Path, ring_records: int = 1024) -> None:
        self.board = Board.create(Capacity(2, 8, 8, ring_records=ring_records), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["orders", "users"], [("api", "127.0.0.1:9001")], 1, upstreams=["api"],
                             limits=[("orders", "few")])
        self.folder = folder
        self.workers = [WorkerBoard(self.board, worker) for worker in (0, 1)]
        self.now = 100 * SECOND
        self.spool = self.control()

    def control(self) -> Spool:
        """A control that has just begun."""
        spool = Spool(self.board, self.folder, LOG)
        spool.bound(256 * MIB, 1000)
        return spool

    def request(self, route: str = "orders", status: int = 200, path: bytes = b"/x", worker: int = 0,
                **more: Any) -> None:
        record = np.zeros(1, RECORD)
        record["started_ns"], record["status"], record["client_low"] = self.now, status, 0xFFFF << 32 | 0x0A000001
        record["route"], record["limit"] = self.board.names("routes")[route], flight.NO_ROW
        record["upstream"] = record["endpoint"] = flight.NO_ROW
        for name, value in more.items():
            record[name] = value
        _recorder.write(self.workers[worker].ring(), record.tobytes(), path, b"1.2")

    def turn(self) -> None:
        self.now += 2 * SECOND
        self.spool.turn(self.now, 2.0)

    def found(self, **wanted: Any) -> list[str]:
        looked = looking.look(self.spool.folder, Wanted(**wanted), 100)
        return [each["path"] for each in looked.found]


def test_what_was_recorded_is_found_with_its_names(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.request(path=b"/a", host=_recorder.intern(scene.workers[0].interned(), 77, b"api.example.com"))
    scene.request("users", 503, b"/b", worker=1, decision=Decision.OPEN, safeguard=8)
    scene.turn()
    looked = looking.look(scene.spool.folder, Wanted(), 10)
    first = next(each for each in looked.found if each["path"] == "/a")
    assert (first["route"], first["host"], first["client"], first["version"]) == (
        "orders", "api.example.com", "10.0.0.1", "1.2")
    assert abs(first["at_ns"] - (100 * SECOND + utc_offset())) < SECOND
    second = next(each for each in looked.found if each["path"] == "/b")
    assert (second["route"], second["decision"], second["safeguard"]) == ("users", "open", "breaker")
    assert looked.snapshot()["share_kept"] == 1.0
    assert scene.spool.counts.snapshot() == {"read": 2, "kept": 2, "sampled_out": 0, "lost": 0, "unwritten": 0}


def test_filters_leave_what_they_say(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.request(path=b"/orders/1")
    scene.request(path=b"/orders/2", status=502, upstream=0, endpoint=0)
    scene.request("users", path=b"/users/1", flags=flight.FELL_BACK, client_low=0xFFFF << 32 | 0x0A000002)
    scene.request(path=b"/orders/3", decision=Decision.LIMITED, status=429, request_id_high=1, request_id_low=2)
    scene.turn()
    assert scene.found(route="users") == ["/users/1"]
    assert scene.found(status="5xx") == scene.found(endpoint="127.0.0.1:9001") == ["/orders/2"]
    assert scene.found(client="10.0.0.2") == ["/users/1"]
    assert scene.found(fallback="true") == ["/users/1"]
    assert sorted(scene.found(fallback="false")) == ["/orders/1", "/orders/2", "/orders/3"]
    assert scene.found(decision="limited") == scene.found(request_id=f"{1:016x}{2:016x}") == ["/orders/3"]
    assert sorted(scene.found(path="/orders")) == ["/orders/1", "/orders/2", "/orders/3"]
    assert scene.found(since_ns=scene.now + utc_offset()) == []


@pytest.mark.parametrize("wanted", [{"status": "6xx"}, {"status": "abc"}, {"method": "GOT"}, {"decision": "no"},
                                    {"client": "x"}, {"request_id": "1"}, {"fallback": "perhaps"}])
def test_a_filter_that_cannot_be_is_refused(tmp_path: Path, wanted: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        looking.look(tmp_path, Wanted(**wanted), 1)


def test_a_new_control_goes_on_where_the_old_one_was(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.request(path=b"/1")
    scene.turn()
    scene.request(path=b"/2")
    scene.spool = scene.control()
    scene.request(path=b"/3")
    scene.turn()
    assert sorted(scene.found()) == ["/1", "/2", "/3"]


def test_what_a_ring_overwrote_is_counted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, ring_records=4)
    for number in range(10):
        scene.request(path=b"/%d" % number)
    scene.turn()
    assert (scene.spool.counts.lost, sorted(scene.found())) == (6, ["/6", "/7", "/8", "/9"])


def test_nothing_of_an_earlier_longer_path_is_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path, ring_records=1)
    scene.request(path=b"/with/a/secret/in/it")
    scene.request(path=b"/a")
    scene.turn()
    [block] = [each for path in segments.paths(scene.spool.folder, FLIGHT) for each in segments.blocks(path)]
    assert block is not None
    assert b"secret" not in block.records.tobytes()


def test_files_are_for_the_gateways_user_alone(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.request()
    scene.turn()
    assert {path.stat().st_mode & 0o777 for path in scene.spool.folder.iterdir()} == {0o600}


def test_arrivals_are_never_sampled(tmp_path: Path) -> None:
    scene = Scene(tmp_path, ring_records=4096)
    scene.spool.bound(256 * MIB, 1)
    for _ in range(500):
        scene.request(client_key=9)
    scene.turn()
    [path] = segments.paths(scene.spool.folder, ARRIVALS)
    assert sum(count for _, _, count, _, _ in segments.raw_blocks(path)) == 500
    assert scene.spool.counts.sampled_out > 400
    looked = looking.look(scene.spool.folder, Wanted(), 1000)
    assert sum(each["weight"] for each in looked.found) == pytest.approx(500)


def test_a_torn_block_ends_its_file_and_is_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for number in range(3):
        scene.request(path=b"/%d" % number)
        scene.turn()
    [path] = segments.paths(scene.spool.folder, FLIGHT)
    whole = path.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        looked = looking.look(scene.spool.folder, Wanted(), 10)
        assert looked.torn == 1
        assert len(looked.found) < 3
    path.write_bytes(whole[:-3] + b"xyz")
    assert looking.look(scene.spool.folder, Wanted(), 10).torn == 1


def test_the_oldest_files_go_when_the_bound_is_reached(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, FLIGHT, 3 * segments.SEGMENT_BYTES)
    payload = os.urandom(segments.SEGMENT_BYTES // 2)
    for number in range(12):
        writer.append(b"", payload, 1, number, number)
    left = segments.paths(tmp_path, FLIGHT)
    assert sum(path.stat().st_size for path in left) <= 3 * segments.SEGMENT_BYTES + 2**20
    assert int(left[-1].stem) >= 10
    assert int(left[0].stem) > 0


def test_a_full_disk_is_told_and_over_when_there_is_room(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    (tmp_path / "recorder").touch()                     # no folder can be made there
    scene.request()
    scene.turn()
    assert (scene.spool.counts.unwritten, bool(scene.spool.fault)) == (1, True)
    (tmp_path / "recorder").unlink()
    scene.request()
    scene.turn()
    assert (scene.spool.counts.kept, scene.spool.fault) == (1, "")


def test_with_disk_off_nothing_is_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.spool.bound(0, 1000)
    scene.request()
    scene.turn()
    assert not scene.spool.folder.exists()


@given(st.lists(st.tuples(st.sampled_from([0, 200, 404, 500, 503]), st.integers(0, 9)), max_size=200),
       st.integers(1, 50))
def test_what_is_chosen_stands_for_all_and_nothing_remarkable_is_left_out(
    given_: list[tuple[int, int]], most: int
) -> None:
    records = np.zeros(len(given_), RECORD)
    records["status"] = [status for status, _ in given_]
    records["decision"] = [decision for _, decision in given_]
    indexes, weights = sampling.chosen(records, most, np.random.default_rng(1))
    marked = sampling.remarkable(records)
    assert weights.sum() == pytest.approx(len(records), rel=1e-4)
    assert list(indexes) == sorted(set(indexes))
    assert (~marked[indexes]).sum() == min(most, (~marked).sum())
    assert marked[indexes].sum() == min(most * 10, marked.sum())


def test_an_address_is_written_as_people_do() -> None:
    assert flight.client(0, 0xFFFF << 32 | 0x7F000001) == "127.0.0.1"
    assert flight.client(0x20010DB8 << 32, 1) == "2001:db8::1"
    assert flight.client(0, 0) == ""
