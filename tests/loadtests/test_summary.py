"""Figures from samples: medians, ratios within a round, marks."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import summary
from tests.loadtests.samples import measured

costs = st.lists(st.floats(min_value=0.1, max_value=1e4), min_size=1, max_size=20)


def test_spread_is_the_median_between_the_extremes():
    assert summary.spread([13.0, 11.0, 90.0]) == summary.Spread(median=13.0, low=11.0, high=90.0)


@given(costs)
def test_median_lies_between_smallest_and_largest_whatever_the_order(values):
    found = summary.spread(values)
    assert found == summary.spread(reversed(values))
    assert min(values) == found.low <= found.median <= found.high == max(values)


def test_a_spread_of_nothing_is_refused():
    with pytest.raises(statistics.StatisticsError):
        summary.spread([])


def test_ratio_is_taken_within_each_round_so_a_slow_minute_does_not_move_it():
    quiet_then_busy = summary.ratio([9.0, 18.0, 9.0], [10.0, 20.0, 10.0])
    assert quiet_then_busy == summary.Spread(0.9, 0.9, 0.9)


def test_difference_is_taken_within_each_round():
    found = summary.difference([9.5, 18.5, 9.75], [9.0, 18.0, 9.0])
    assert (found.median, found.low, found.high) == (0.5, 0.5, 0.75)


def test_ratio_of_unequal_rounds_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        summary.ratio([1.0, 2.0], [1.0])


@given(costs, st.floats(min_value=0.01, max_value=100))
def test_ratio_to_a_multiple_of_itself_is_that_multiple(values, factor):
    found = summary.ratio(values, [value * factor for value in values])
    assert found.low == pytest.approx(1 / factor)
    assert found.high == pytest.approx(1 / factor)


def test_each_proxy_has_a_row_for_its_traffic_and_one_for_all_its_processes():
    rows = summary.rows(measured(gateway=[11.0, 12.0, 13.0], nginx=[12.0, 13.0, 14.0]))
    assert [(row.label, row.of) for row in rows] == [
        ("gateway", "traffic"), ("gateway", "everything"), ("nginx", "traffic"), ("nginx", "everything")]
    assert rows[0].cpu.median == pytest.approx(12.0)
    assert rows[0].user.median == pytest.approx(3.0)
    assert rows[0].ratios.keys() == {"nginx"}


def test_mark_is_met_up_to_its_limit_and_missed_above():
    met = summary.verdicts(measured(gateway=[9.2] * 3, nginx=[10.0] * 3))
    missed = summary.verdicts(measured(gateway=[9.4] * 3, nginx=[10.0] * 3))
    assert met == ["small: gateway costs 0.920 x nginx, mark 0.92: met"]
    assert missed == ["small: gateway costs 0.940 x nginx, mark 0.92: MISSED"]


def test_large_bodies_are_held_to_the_better_of_two_peers_in_each_round():
    verdicts = summary.verdicts(measured("body-64k", gateway=[10.0, 10.0], nginx=[10.0, 20.0], haproxy=[20.0, 10.0]))
    assert verdicts == ["body-64k: gateway costs 1.000 x the better of nginx and haproxy, mark 1.05: met"]


def test_no_mark_is_judged_when_its_peer_did_not_run():
    assert summary.verdicts(measured(gateway=[10.0], haproxy=[10.0])) == []
