"""The compiled leaves against short references."""
import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway import _fastpath, board

DURATIONS = some.one_of(some.integers(0, 200), some.integers(0, 2**28), some.integers(0, 2**63))
HISTOGRAMS = some.lists(some.integers(0, 383), max_size=60)


def reference_bucket(us: int) -> int:
    """algorithms.md section 3, as written."""
    if us < 32:
        return us
    e = us.bit_length() - 1
    return min(383, 32 + (e - 5) * 16 + ((us >> (e - 4)) & 15))


def reference_edges() -> list[int]:
    """Where each bucket begins: every value from 0 on that falls into a later bucket than the one before."""
    edges = list(range(32))
    for octave in range(5, 27):
        edges += [(16 + sixteenth) << (octave - 4) for sixteenth in range(16)]
    return [*edges, 1 << 27]


def reference_quantile(buckets: list[int], q: float) -> float:
    """The middle of the bucket of the ceil(q*n)-th smallest."""
    edges = reference_edges()
    index = sorted(buckets)[max(1, math.ceil(q * len(buckets))) - 1]
    return (edges[index] + edges[index + 1] - 1) / 2


def summed(buckets: list[int]) -> bytes:
    return b"".join(buckets.count(index).to_bytes(8, "little") for index in range(384))


@given(DURATIONS)
def test_bucket_is_as_the_formula_says(us: int) -> None:
    assert _fastpath.bucket_of(us) == reference_bucket(us)


def test_every_bucket_begins_where_the_one_before_ends() -> None:
    edges = reference_edges()
    assert [_fastpath.lower_edge(index) for index in range(385)] == edges
    for index in range(384):
        assert _fastpath.bucket_of(edges[index]) == _fastpath.bucket_of(edges[index + 1] - 1) == index


def test_a_bucket_number_outside_the_histogram_is_refused() -> None:
    for index in (-1, 385):
        with pytest.raises(ValueError, match="buckets 0 to 384"):
            _fastpath.lower_edge(index)


@given(HISTOGRAMS.filter(bool), some.integers(1, 1000))
def test_quantile_is_the_middle_of_the_ranked_bucket(buckets: list[int], permille: int) -> None:
    q = permille / 1000
    assert _fastpath.quantile(summed(buckets), q) == reference_quantile(buckets, q)


def test_quantile_of_nothing_is_no_number() -> None:
    assert math.isnan(_fastpath.quantile(bytes(384 * 8), 0.5))


@pytest.mark.parametrize("q", [0.0, -0.5, 1.5, math.nan])
def test_a_quantile_outside_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        _fastpath.quantile(summed([1]), q)


@given(HISTOGRAMS, some.lists(some.sampled_from(reference_edges()), max_size=5).map(sorted))
def test_counts_below_edges_are_what_lies_below_them(buckets: list[int], bounds: list[int]) -> None:
    edges = reference_edges()
    expected = [sum(edges[index] < bound for index in buckets) for bound in bounds]
    assert _fastpath.counts_below(summed(buckets), bounds) == expected


@given(some.lists(HISTOGRAMS, max_size=4), some.integers(0, 3))
def test_histograms_add_up(rows: list[list[int]], gap: int) -> None:
    """Rows lie behind each other with a gap of some words; a negative or too late offset is refused."""
    memory, offsets = bytearray(), []
    for buckets in rows:
        memory += bytes(8 * gap)
        offsets.append(len(memory))
        memory += b"".join(buckets.count(index).to_bytes(4, "little") for index in range(384))
    assert _fastpath.sum_histograms(memory + b"\0", offsets) == summed([each for row in rows for each in row])
    for outside in (-1, len(memory) + 1 - 1535, 2**62):
        with pytest.raises(ValueError, match="no histogram fits"):
            _fastpath.sum_histograms(memory + b"\0", [outside])


def test_a_histogram_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3072 bytes"):
        _fastpath.quantile(bytes(8), 0.5)


REQUESTS = some.tuples(
    some.integers(0, 999), some.integers(0, 2**30), some.none() | some.integers(0, 2**30), some.integers(0, 2**20),
    some.integers(0, 2**40), some.integers(0, 2**40),
)


Request = tuple[int, int, int | None, int, int, int]


@given(some.lists(REQUESTS, max_size=20))
def test_requests_are_counted_as_a_reference_counts_them(requests: list[Request]) -> None:
    made = board.Board.create(board.Capacity.room_for(1, 1, 0), boot_ns=0, boot_utc_ns=0)
    made.name_rows(("orders",), (), generation=1)
    address = board.WorkerBoard(made, 0).route_row("orders")
    for request in requests:
        _fastpath.count_request_at(address, *request)
    row = made.route(0, 1)
    answers = [status // 100 if 100 <= status < 600 else 0 for status, *_ in requests]
    first_bytes = [ttfb for _, _, ttfb, *_ in requests if ttfb is not None]
    assert row["requests"] == len(requests)
    assert row.items("answers", 6) == [answers.count(each) for each in range(6)]
    assert (row["bytes_in"], row["bytes_out"]) == (sum(each[4] for each in requests), sum(each[5] for each in requests))
    assert (row["total_us"], row["ttfb_us"]) == (sum(each[1] for each in requests), sum(first_bytes))
    assert histogram(made, row, "total") == summed([reference_bucket(each[1]) for each in requests])
    assert histogram(made, row, "ttfb") == summed([reference_bucket(each) for each in first_bytes])
    assert histogram(made, row, "own") == summed([reference_bucket(each[3]) for each in requests])


def histogram(made: board.Board, row: board.Row, field: str) -> bytes:
    return _fastpath.sum_histograms(made.memory, [row.histogram_at(field)])


def test_a_request_to_an_endpoint_that_never_answered_has_no_first_byte() -> None:
    made = board.Board.create(board.Capacity.room_for(1, 0, 1), boot_ns=0, boot_utc_ns=0)
    made.name_rows((), (("orders", "a:1"),), generation=1)
    address = board.WorkerBoard(made, 0).endpoint_row("orders", "a:1")
    _fastpath.count_endpoint_at(address, False, 700)
    _fastpath.count_endpoint_at(address, True, None)
    row = made.endpoint(0, 0)
    assert (row["requests"], row["failures"], row["ttfb_us"]) == (2, 1, 700)
    assert histogram(made, row, "ttfb") == summed([reference_bucket(700)])
