"""Permits are taken and given back by cell; never more than the limit are out, whoever asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isolate import bulkhead
from gateway.model.safeguards import Concurrency


def test_all_workers_together_keep_the_limit():
    assert bulkhead.admits((2, 0), 1, limit=3) == (True, (2, 1))
    assert bulkhead.admits((2, 1), 0, limit=3) == (False, (2, 1))
    assert bulkhead.admits((2, 1), 0, limit=0) == (True, (3, 1))


def test_a_permit_is_not_given_back_twice():
    assert bulkhead.give_back((2, 1), 1) == (2, 0)
    with pytest.raises(ValueError, match="worker 1 holds no permit"):
        bulkhead.give_back((2, 0), 1)


def test_spare_capacity_is_a_fifth():
    assert bulkhead.spare((4, 4), limit=10)
    assert not bulkhead.spare((5, 4), limit=10)
    assert bulkhead.spare((1000,), limit=0)


def test_it_explains_itself():
    assert str(bulkhead.explain((2, 1), Concurrency(3))) == "bulkhead: 3 in flight; threshold 3; full"


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 2), st.booleans())))
def test_what_comes_in_goes_out_and_the_limit_holds(limit, story):
    cells, held = (0, 0, 0), [0, 0, 0]
    for worker, comes in story:
        if comes:
            admitted, cells = bulkhead.admits(cells, worker, limit)
            held[worker] += admitted
        elif held[worker]:
            cells = bulkhead.give_back(cells, worker)
            held[worker] -= 1
        assert list(cells) == held
        assert bulkhead.in_flight(cells) <= limit
