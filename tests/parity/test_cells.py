"""The compiled counting of cells against numpy."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.analyse._cells import count_rows, count_values, recode, sum_rows


@given(st.integers(0, 2**32 - 1), st.sampled_from([(3, 2), (1, 5), (4, 3, 2), (2, 1, 300)]), st.integers(0, 300))
def test_cells_are_counted_as_numpy_counts_them(seed: int, sizes: tuple[int, ...], rows: int) -> None:
    draw = np.random.default_rng(seed)
    codes = [draw.integers(0, size, rows).astype(np.uint16) for size in sizes]
    weights = draw.random(rows)
    key = np.ravel_multi_index(tuple(each.astype(np.intp) for each in codes), sizes)
    room = int(np.prod(sizes))
    three, by_three = (codes[2], sizes[2]) if len(sizes) == 3 else (None, 1)
    counted, summed = np.zeros(room, dtype=np.uint32), np.zeros(room)
    count_rows(codes[0], codes[1], three, sizes[1], by_three, counted)
    assert counted.tolist() == np.bincount(key, minlength=room).tolist()
    sum_rows(codes[0], codes[1], three, sizes[1], by_three, weights, summed)
    assert summed == pytest.approx(np.bincount(key, weights=weights, minlength=room))


def test_a_code_that_is_too_large_is_refused_and_not_written() -> None:
    ones = np.ones(4, dtype=np.uint16)
    with pytest.raises(ValueError, match="below its size"):
        count_rows(ones, ones, None, 2, 1, np.zeros(3, dtype=np.uint32))
    with pytest.raises(ValueError, match="below its size"):
        sum_rows(ones, ones, None, 2, 1, np.ones(4), np.zeros(3))


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint16, np.uint32]), st.integers(0, 300))
def test_values_are_counted_and_coded_anew_as_numpy_does(seed: int, kind: type, rows: int) -> None:
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 40, rows).astype(kind)
    counted, coded = np.zeros(40, dtype=np.uint32), np.zeros(rows, dtype=np.uint16)
    coding = draw.integers(0, 9, 40).astype(np.uint16)
    count_values(codes, counted)
    recode(codes, coding, coded)
    assert counted.tolist() == np.bincount(codes, minlength=40).tolist()
    assert coded.tolist() == coding[codes].tolist()


def test_a_value_that_nobody_knows_is_refused() -> None:
    codes = np.array([3, 40], dtype=np.uint32)
    with pytest.raises(ValueError, match="below its size"):
        count_values(codes, np.zeros(40, dtype=np.uint32))
    with pytest.raises(ValueError, match="below its size"):
        recode(codes, np.zeros(40, dtype=np.uint16), np.zeros(2, dtype=np.uint16))
    with pytest.raises(ValueError, match="every row"):
        recode(codes, np.zeros(41, dtype=np.uint16), np.zeros(1, dtype=np.uint16))


def test_a_column_that_is_too_short_is_refused() -> None:
    ones, short = np.ones(4, dtype=np.uint16), np.ones(3, dtype=np.uint16)
    for columns in ((ones, short, None), (ones, ones, short)):
        with pytest.raises(ValueError, match="for every row"):
            count_rows(*columns, 2, 2, np.zeros(8, dtype=np.uint32))
    with pytest.raises(ValueError, match="a weight"):
        sum_rows(ones, ones, None, 2, 1, np.ones(3), np.zeros(4))
