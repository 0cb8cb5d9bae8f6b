import math

import pytest

from gateway.detect.threshold import lowered, threshold


def test_a_ten_second_tick_and_one_a_month_is_a_threshold_of_fourteen():
    assert threshold(1, 10) == pytest.approx(14.26, abs=0.01)
    assert threshold(1, 10, families=4) == pytest.approx(13.85, abs=0.01)


def test_ten_times_the_budget_is_ln_ten_lower():
    assert threshold(1, 10) - threshold(10, 10) == pytest.approx(math.log(10))


def test_each_independent_reporter_counts_once_for_half_an_hour():
    reports = [(0.0, "ann"), (60.0, "ann"), (100.0, "bob")]
    assert lowered(reports, 100) == pytest.approx(2 * math.log(10))
    assert lowered(reports, 1830) == pytest.approx(2 * math.log(10))
    assert lowered(reports, 1870) == pytest.approx(math.log(10))
    assert lowered(reports, 1900) == 0


def test_many_reports_lower_it_by_no_more_than_a_thousandfold():
    assert lowered([(0.0, str(who)) for who in range(50)], 1) == 6.9
