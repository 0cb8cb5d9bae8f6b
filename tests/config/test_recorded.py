"""Flight records as workers and the recorder write them, replayed."""
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway import _recorder
from gateway.board import Board, Capacity, WorkerBoard
from gateway.config import recorded, replay
from gateway.config._requests import Clients, Requests
from gateway.config.recorded import Told
from gateway.model.safeguards import SECOND, Limit
from gateway.record import flight
from gateway.record.flight import METHODS, RECORD
from gateway.record.spool import FOLDER, Spool
from gateway.routing import plan as plans
from gateway.routing.plan import Match, Plan, Route

LOG = logging.getLogger("test")
LISTENERS = (plans.Listener("127.0.0.1:8080"),)
ANY = Match()
OPEN = Plan(LISTENERS, routes=(Route("all", upstream="api"),))


def limited(*limits: Limit, match: Match = ANY) -> Plan:
    return Plan(LISTENERS, routes=(Route("all", match, upstream="api", limits=limits),))


SEED = 5    # the sample is drawn alike each time: the bounds below are of one sample


class Recorder:
    """Two workers whose rings are spooled as control does it."""

    def __init__(self, folder: Path, rate: int = 1_000_000) -> None:
        self.board = Board.create(Capacity(2, 8, 8, ring_records=2**14), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["all"], [], 1)
        self.workers = [WorkerBoard(self.board, worker) for worker in (0, 1)]
        self.spool = Spool(self.board, folder, LOG, np.random.default_rng(SEED))
        self.spool.bound(2**30, rate)
        self.folder = folder / FOLDER
        self.now = 1_000 * SECOND

    def request(self, at: float, client: int = 1, path: bytes = b"/", method: str = "GET", worker: int = 0,
                **more: Any) -> None:
        """`at`: seconds."""
        record = np.zeros(1, RECORD)
        record["started_ns"], record["status"] = self.now + int(at * SECOND), 200
        record["client_low"], record["method"] = 0xFFFF << 32 | 0x0A000000 | client, METHODS.index(method)
        record["client_key"] = client * 0x9E3779B97F4A7C15 % 2**64
        record["limit"] = record["upstream"] = record["endpoint"] = flight.NO_ROW
        for name, value in more.items():
            record[name] = value
        _recorder.write(self.workers[worker].ring(), record.tobytes(), path, b"")

    def spooled(self) -> Path:
        self.spool.turn(self.now + 3600 * SECOND, 1.0)
        self.spool.close(self.now + 3600 * SECOND)
        return self.folder


def requests(source: Path, since_ns: int = 0) -> tuple[list[Requests], Told]:
    told = Told()
    return list(recorded.recorded(source, Clients((1, 2)), told, since_ns)), told


def test_requests_of_all_workers_come_in_the_order_of_time_as_they_were_asked(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.request(2, 7, b"/b?secret=1", "POST")
    recorder.request(1, 8, b"/a", worker=1)
    [found], told = requests(recorder.spooled())
    assert [each[1:3] + each[4:] for each in found.rows_as_text()] == [("10.0.0.8", "GET", "/a"),
                                                                       ("10.0.0.7", "POST", "/b")]
    assert told == Told()


def test_a_replay_counts_what_a_limit_would_newly_deny_by_client(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for each in range(100):
        recorder.request(each / 100, client=1 + each % 10 // 9, worker=each % 2)     # the second has every tenth
    report = replay.replay_recording(OPEN, limited(Limit("few", "client", 10, SECOND, 20)), recorder.spooled())
    assert (report.requests, report.undecided, report.late) == (100, 0, 0)
    assert report.newly_denied == sum(each.newly_denied for each in report.clients) > 50
    assert {each.name: each.newly_denied for each in report.clients}["10.0.0.2"] == 0
    assert len(report.objections()) == 2


@pytest.mark.parametrize(("pattern", "undecided"), [("/**", 0), ("/x/**", 0), ("/x/{name}", 1), ("/x/{name}/y", 1)])
def test_a_path_that_was_cut_is_decided_where_the_rest_does_not_matter(tmp_path: Path, pattern: str,
                                                                       undecided: int) -> None:
    recorder = Recorder(tmp_path)
    recorder.request(1, path=b"/x/" + b"y" * 200)
    report = replay.replay_recording(OPEN, limited(match=Match(pattern)), recorder.spooled())
    assert (report.requests, report.undecided) == (1, undecided)


def test_a_host_that_has_no_text_is_not_decided_where_a_plan_asks_for_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.request(1)
    report = replay.replay_recording(OPEN, limited(match=Match(hosts=("a.example.com",))), recorder.spooled())
    assert report.undecided == 1


def test_what_never_became_a_request_is_not_one_here(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.request(1, method="GET", status=400)
    recorder.request(2)
    source = recorder.spooled()
    before = replay.replay_recording(OPEN, OPEN, source)
    assert (before.requests, before.unread) == (2, 0)
    other = Recorder(tmp_path / "other")
    record = np.zeros(1, RECORD)
    record["method"], record["started_ns"] = 255, other.now
    _recorder.write(other.workers[0].ring(), record.tobytes(), b"", b"")
    after = replay.replay_recording(OPEN, OPEN, other.spooled())
    assert (after.requests, after.unread) == (0, 1)


def test_only_what_is_recent_enough_is_replayed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for each in range(10):
        recorder.request(each)
    source = recorder.spooled()
    [found], _ = requests(source)
    times = [each[0] for each in found.rows_as_text()]
    [found], _ = requests(source, since_ns=times[6])
    assert len(found) == 4


def test_sampled_requests_are_charged_at_their_arrival_as_their_client_asked_before(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, rate=100)
    for each in range(2000):
        recorder.request(each / 2000, client=1 + each % 2, path=b"/a" if each % 2 else b"/b")
    source = recorder.spooled()
    [found], told = requests(source)
    rows = found.rows_as_text()
    assert len(rows) + told.unkept == 2000                  # those before the first and behind the last that was kept
    assert told.unkept < 60
    assert told.imputed == len(rows) - 50                   # of 100 a second, a worker keeps its half
    kept = {each[1]: each[4] for each in rows if each[1].startswith("10.")}
    assert kept == {"10.0.0.1": "/b", "10.0.0.2": "/a"}
    exact = replay.replay_recording(OPEN, limited(Limit("few", "client", 10, SECOND, 20)), source)
    assert exact.newly_denied in range(len(rows) - 62, len(rows) - 56)      # two clients, each 20 at once and 10 more


def test_without_the_arrivals_what_was_not_kept_is_only_counted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, rate=100)
    for each in range(2000):
        recorder.request(each / 2000)
    [file] = recorder.spooled().glob("*.flight")
    report = replay.replay_recording(OPEN, OPEN, file)
    assert (report.imputed, report.requests + report.unkept) == (0, 2000)


def test_a_torn_file_ends_where_it_is_torn_and_is_counted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.request(1)
    [file] = recorder.spooled().glob("*.flight")
    file.write_bytes(file.read_bytes() + b"FLT1 torn")
    report = replay.replay_recording(OPEN, OPEN, file)
    assert (report.requests, report.torn) == (1, 1)


def test_where_nothing_was_recorded_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no recording"):
        replay.replay_recording(OPEN, OPEN, tmp_path)


@pytest.mark.parametrize(("times", "like", "error"), [(b"x" * 8, b"\x05" + bytes(7), IndexError),
                                                      (b"x" * 8, bytes(16), ValueError), (b"x", b"x", ValueError)])
def test_arrivals_that_are_none_are_refused(times: bytes, like: bytes, error: type[Exception]) -> None:
    found = Requests(Clients((1, 2)))
    found.read_records([(1, b"GET", b"h", b"/", b"192.0.2.1")])
    with pytest.raises(error):
        found.add_arrivals(times, times, like)
