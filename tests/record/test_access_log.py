"""The access log follows the config and the board."""
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway import _recorder
from gateway.board import Board, Capacity, WorkerBoard
from gateway.record import access_log, flight
from gateway.record.access_log import AccessLog
from gateway.record.flight import RECORD, Records
from gateway.record.spool import Spool
from gateway.routing import plan

LOG = logging.getLogger("access")
SECOND = 10**9


@pytest.fixture
def board() -> Board:
    made = Board.create(Capacity(2, 8, 8, ring_records=64), boot_ns=1, boot_utc_ns=1)
    made.name_rows(["orders", "users"], [("api", "127.0.0.1:9001")], 1, upstreams=["api"], limits=[("orders", "few")])
    return made


def wanted(path: Path, **more: Any) -> plan.AccessLog:
    return plan.AccessLog(str(path), **more)


def record(**fields: Any) -> Records:
    made = np.zeros(1, RECORD)
    for name in ("route", "upstream", "endpoint", "limit"):
        made[name] = flight.NO_ROW
    for name, value in fields.items():
        made[name] = value
    return made


def test_it_is_off_until_the_config_names_a_path(board: Board, tmp_path: Path) -> None:
    log = AccessLog(board, LOG)
    log.take(record(), 0)
    log.obey(wanted(tmp_path / "a"))
    log.take(record(status=201), 0)
    log.obey(plan.AccessLog())
    log.take(record(), 0)
    log.flush()
    assert [json.loads(line)["status"] for line in (tmp_path / "a").read_text().splitlines()] == [201]
    assert log.counts.lines == 1


def test_rows_and_texts_of_the_board_have_their_names(board: Board, tmp_path: Path) -> None:
    host = _recorder.intern(WorkerBoard(board, 1).interned(), 99, b"api.example.com")
    log = AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    log.take(record(route=board.names("routes")["orders"], upstream=0, endpoint=0, limit=0, host=host), 1)
    log.flush()
    found = json.loads((tmp_path / "a").read_text())
    assert {name: found[name] for name in ("route", "upstream", "endpoint", "limit", "host", "worker")} == {
        "route": "orders", "upstream": "api", "endpoint": "127.0.0.1:9001", "limit": "few", "host": "api.example.com",
        "worker": 1}


def test_what_matched_no_route_has_none(board: Board, tmp_path: Path) -> None:
    log = AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    log.take(record(route=0), 0)
    log.flush()
    assert "route" not in json.loads((tmp_path / "a").read_text())


def test_a_reload_moves_to_another_file_and_format_and_keeps_the_counts(board: Board, tmp_path: Path) -> None:
    log = AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    log.take(record(), 0)
    log.obey(wanted(tmp_path / "b", format="combined"))
    log.take(record(status=404), 0)
    log.close()
    assert json.loads((tmp_path / "a").read_text())
    assert ' 404 0 "-" "-"' in (tmp_path / "b").read_text()
    assert (log.counts.lines, log.counts.dropped) == (2, 0)


def test_a_reload_that_changes_nothing_keeps_the_file_open(board: Board, tmp_path: Path) -> None:
    log = AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    log.take(record(), 0)
    log.obey(wanted(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
    log.flush()
    assert (tmp_path / "a").exists()


def test_more_records_than_a_slice_are_all_written_in_order(board: Board, tmp_path: Path) -> None:
    log = AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    many = np.repeat(record(), 2 * access_log.SLICE + 5)
    many["bytes_in"] = np.arange(len(many))
    log.take(many, 0)
    log.flush()
    found = [json.loads(line)["bytes_in"] for line in (tmp_path / "a").read_text().splitlines()]
    assert found == list(range(len(many)))


def test_it_sees_every_record_that_the_spool_reads(board: Board, tmp_path: Path) -> None:
    worker = WorkerBoard(board, 0)
    spool, log = Spool(board, tmp_path, LOG), AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    for path in (b"/one", b"/two?secret=1"):
        _recorder.write(worker.ring(), record().tobytes(), path, b"")
    spool.turn(SECOND, 1.0, also=log.take)
    log.flush()
    assert [json.loads(line)["path"] for line in (tmp_path / "a").read_text().splitlines()] == ["/one", "/two"]


def test_a_file_taken_away_is_opened_anew_on_demand(board: Board, tmp_path: Path) -> None:
    log = AccessLog(board, LOG)
    log.obey(wanted(tmp_path / "a"))
    log.take(record(), 0)
    log.reopen()
    (tmp_path / "a").rename(tmp_path / "b")
    log.take(record(), 0)
    log.reopen()
    assert [len((tmp_path / name).read_text().splitlines()) for name in ("a", "b")] == [1, 1]
    assert log.fault == ""
