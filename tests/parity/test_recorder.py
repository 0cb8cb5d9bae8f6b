"""The flight recorder: what is written is read whole, what is overwritten or torn is counted."""
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway import _recorder, board

RECORDS = 8
AT = board.OFFSETS["Record"]


def make_board() -> tuple[board.Board, board.WorkerBoard, int]:
    made = board.Board.create(board.Capacity(2, 1, 1, 1, 1, 1, RECORDS), boot_ns=0, boot_utc_ns=0)
    made.name_rows([], [], 1)
    return made, board.WorkerBoard(made, 1), made.ring(1).at


def write(rows: board.WorkerBoard, status: int, target: bytes = b"/", version: bytes = b"") -> int:
    fields = bytearray(_recorder.RECORD_BYTES)
    struct.pack_into("=H", fields, AT["status"], status)
    return _recorder.write(rows.ring(), bytes(fields), target, version)


def status_of(record: bytes) -> int:
    return int(struct.unpack_from("=H", record, AT["status"])[0])


def path_of(record: bytes) -> bytes:
    size = struct.unpack_from("=H", record, AT["path_size"])[0]
    return record[AT["path"] : AT["path"] + size]


@given(some.lists(some.tuples(some.integers(0, 12), some.integers(1, 20)), max_size=12))
def test_a_reader_sees_each_record_once_or_counts_it_as_lost(turns: list[tuple[int, int]]):
    made, rows, ring = make_board()
    written: list[int] = []
    after = lost = 0
    seen = []
    for count, most in turns:
        for _ in range(count):
            written.append(len(written) % 65536)
            assert write(rows, written[-1]) == len(written)
        found, after, missed = _recorder.read(made.memory, ring, after, most)
        seen += [status_of(record) for record in found]
        lost += missed
        assert [written[int.from_bytes(record[:8], "little") - 1] for record in found] == [status_of(r) for r in found]
        assert len(found) == min(most, len(written) - (after - len(found)))
        assert len(seen) + lost == after
    assert seen == sorted(seen)


def test_a_record_that_its_writer_never_finished_is_not_read_and_its_successor_writes_over_it():
    made, rows, ring = make_board()
    for status in range(RECORDS):
        write(rows, status)
    _recorder.begin(rows.ring())
    found, after, lost = _recorder.read(made.memory, ring, 0, 100)
    assert ([status_of(record) for record in found], after, lost) == ([1, 2, 3, 4, 5, 6, 7], 8, 1)
    write(rows, 99)
    assert [status_of(each) for each in _recorder.read(made.memory, ring, after, 100)[0]] == [99]


@given(some.binary(max_size=200), some.binary(max_size=40))
def test_a_path_is_kept_without_its_query_and_cut_at_the_end_of_its_field(target: bytes, version: bytes):
    made, rows, ring = make_board()
    write(rows, 200, target, version)
    record = _recorder.read(made.memory, ring, 0, 1)[0][0]
    path = target.split(b"?")[0]
    assert path_of(record) == path[:96]
    assert record[AT["flags"]] == (len(path) > 96)
    assert record[AT["version"] : AT["version"] + record[AT["version_size"]]] == version[:20]


def test_a_ring_that_is_not_within_the_board_is_refused():
    made, _, ring = make_board()
    for at in (-1, len(made.memory), len(made.memory) - 63):
        with pytest.raises(ValueError, match="no ring fits"):
            _recorder.read(made.memory, at, 0, 1)
    made.ring(1)["records"] = RECORDS + 1
    with pytest.raises(ValueError, match="more than the board has room for"):
        _recorder.read(made.memory, ring, 0, 1)


def test_texts_are_interned_once_and_given_up_when_their_places_are_taken():
    _, rows, _ = make_board()
    one = _recorder.intern(rows.interned(), 10, b"api.example.com")
    assert one == _recorder.intern(rows.interned(), 10, b"api.example.com") > 0
    crowd = [_recorder.intern(rows.interned(), 10 + 2048 * number, b"x") for number in range(1, 9)]
    assert len({one, *crowd[:7]}) == 8
    assert crowd[7] == 0
