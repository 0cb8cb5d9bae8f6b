"""Two spans of kept records, held against each other: on files as the spool writes them."""
import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway import _recorder
from gateway.board import Board, Capacity, WorkerBoard
from gateway.control import comparing, comparing_child
from gateway.control.comparing import Span
from gateway.control.refused import Refused
from gateway.record.flight import NO_ROW, RECORD
from gateway.record.spool import Spool, utc_offset

SECOND = 10**9
MINUTE = 60 * SECOND
START = 1000 * SECOND
MAPPED = 0xFFFF << 32


class Kept:
    """Routes list and login, upstream orders with endpoints h:1 to h:3; forty requests a second."""

    def __init__(self, folder: Path) -> None:
        self.board = Board.create(Capacity(1, 8, 8, ring_records=16384), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["list", "login"], [("orders", f"h:{number}") for number in (1, 2, 3)], 1,
                             upstreams=["orders"])
        self.spool = Spool(self.board, folder, logging.getLogger("test"))
        self.spool.bound(256 * 2**20, 100_000)
        self.worker = WorkerBoard(self.board, 0)
        self.random = random.Random(3)

    def minute(self, number: int, fails: Callable[[int, int], bool], us: int = 5000, clients: int = 50) -> Span:
        for at in range(START + number * MINUTE, START + (number + 1) * MINUTE, SECOND // 40):
            route, endpoint = self.random.choice((1, 2)), self.random.randrange(3)
            record = np.zeros(1, RECORD)
            client = self.random.randrange(clients)
            for name, value in {"started_ns": at, "route": route, "endpoint": endpoint, "upstream": 0, "limit": NO_ROW,
                                "total_us": us, "generation": 3, "client_low": MAPPED | client, "bytes_in": 100,
                                "status": 503 if fails(route, endpoint) else 200, "client_key": client + 1}.items():
                record[name] = value
            _recorder.write(self.worker.ring(), record.tobytes(), b"/orders", b"1.4.2" if endpoint else b"1.4.1")
        self.spool.turn(START + (number + 1) * MINUTE, 5.0)
        self.spool.flush(START + (number + 1) * MINUTE)
        offset = utc_offset()
        return Span(START + number * MINUTE + offset - SECOND, START + (number + 1) * MINUTE + offset + SECOND)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_the_endpoint_that_fails_in_the_first_span_only_is_named(kept: Kept) -> None:
    before = kept.minute(0, lambda route, endpoint: False)
    now = kept.minute(2, lambda route, endpoint: endpoint == 1)
    found = comparing.compare(kept.spool.folder, now, before)
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}
    assert found["causes"][0]["share"] > 0.9
    assert 2000 < found["before"]["requests"] <= 2400
    assert found["before"]["bad"] == 0


def test_a_fault_that_was_there_before_is_no_difference(kept: Kept) -> None:
    before, now = (kept.minute(number, lambda route, endpoint: endpoint == 1) for number in (0, 2))
    found = comparing.compare(kept.spool.folder, now, before)
    assert (found["reach"], found["words"]) == ("none", "failures are not above the usual")


def test_slowness_is_compared_with_the_slowest_of_before(kept: Kept) -> None:
    before = kept.minute(0, lambda route, endpoint: False)
    now = kept.minute(2, lambda route, endpoint: False, us=50_000)
    found = comparing.compare(kept.spool.folder, now, before, slow=True)
    assert (found["reach"], found["of"], found["before"]["bad"]) == ("global", "slow", 0)


def test_spans_without_a_record_say_so(kept: Kept) -> None:
    span = kept.minute(0, lambda route, endpoint: True)
    empty = Span(1, 2)
    assert comparing.compare(kept.spool.folder, empty, span)["now"]["records"] == 0
    assert comparing.compare(kept.spool.folder, empty, empty)["reach"] == "none"
    with pytest.raises(ValueError, match="ends after it begins"):
        Span(2, 2)


def test_the_child_answers_the_same_and_is_alone(kept: Kept) -> None:
    before = kept.minute(0, lambda route, endpoint: False)
    now = kept.minute(2, lambda route, endpoint: route == 1)
    folder = kept.spool.folder

    async def both() -> list[object]:
        return await asyncio.gather(*(comparing_child.compared(folder, now, before, False) for _ in range(2)),
                                    return_exceptions=True)

    first, second = asyncio.run(both())
    assert first == comparing.compare(folder, now, before)
    assert isinstance(second, Refused)
