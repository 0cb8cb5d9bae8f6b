"""The bounded table of heavy hitters keeps the promise of Space-Saving, whatever comes."""
import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detect.heavy import SpaceSaving

ARRIVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=300)


def test_with_room_for_all_the_counts_are_exact():
    table = SpaceSaving(4)
    table.update([(1, 5), (2, 1), (1, 2)])
    assert [(each.key, each.count, each.error) for each in table.top(9)] == [(1, 7, 0), (2, 1, 0)]


def test_a_newcomer_takes_the_place_of_the_least_and_says_by_how_much_it_may_be_off():
    table = SpaceSaving(2)
    table.update([(1, 5), (2, 1), (3, 1)])
    assert [(each.key, each.count, each.error) for each in table.top(9)] == [(1, 5, 0), (3, 2, 1)]


@given(ARRIVALS, st.integers(1, 8))
def test_every_heavy_key_is_in_it_and_no_count_is_more_wrong_than_it_says(arrivals: list[tuple[int, int]], room: int):
    table, truth = SpaceSaving(room), collections.Counter[int]()
    table.update(arrivals)
    for key, weight in arrivals:
        truth[key] += weight
    found = {each.key: each for each in table.top(room)}
    assert len(table) <= room
    assert {key for key, count in truth.items() if count > truth.total() / room} <= found.keys()
    for key, each in found.items():
        assert truth[key] <= each.count <= truth[key] + each.error
        assert each.error <= truth.total() / room


@pytest.mark.parametrize("wrong", [lambda: SpaceSaving(0), lambda: SpaceSaving(1).add(1, -1)])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        wrong()
