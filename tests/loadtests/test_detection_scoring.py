"""The scorer of detection, on series of a sample a minute: what is a hit, an event, a false alarm."""
import numpy as np
import pytest

from loadtests.detection.labelled import Series
from loadtests.detection.scoring import Score, merged, score
from loadtests.detection.simulated import poisson_interval

DAY = 1440


def scored(segments, alarms, days=10) -> Score:
    series = Series("x", "Microsoft counts", True, np.arange(days * DAY) * 60.0, np.zeros(days * DAY), segments)
    flags = np.zeros(days * DAY, dtype=bool)
    for alarm in alarms:
        flags[alarm] = True
    return score(series, flags)


def test_an_alarm_in_a_segment_is_a_hit_with_its_delay():
    found = scored(((5000, 5100),), [slice(5003, 5050)])
    assert (found.hit, found.false_alarms, found.delays, found.f1) == (1, 0, (3,), 1.0)


def test_half_an_hour_after_the_start_is_still_a_hit_and_later_is_a_false_alarm():
    assert scored(((5000, 5001),), [5030]).hit == 1
    late = scored(((5000, 5001),), [5031])
    assert (late.hit, late.false_alarms) == (0, 1)


def test_an_alarm_that_began_long_before_is_no_hit():
    assert scored(((5000, 5100),), [slice(4900, 5050)]).hit == 0


def test_alarms_within_half_an_hour_are_one_event():
    assert merged(np.isin(np.arange(100), [1, 31, 62]), 30) == [(1, 31), (62, 62)]


def test_a_stuck_alarm_is_another_false_one_each_day():
    assert scored((), [slice(4000, 4000 + 3 * DAY)]).false_alarms == 4


def test_the_first_two_days_do_not_count():
    found = scored(((100, 200),), [150])
    assert (found.segments, found.events) == (0, 0)


def test_nothing_said_is_nothing_on_the_scale_of_numenta():
    assert scored(((5000, 6000),), []).nab_score == 0
    assert scored(((5000, 6000),), [5000]).nab_score == pytest.approx(100)


def test_the_interval_of_a_poisson_mean_is_garwoods():
    assert poisson_interval(0) == pytest.approx((0, 3.689), abs=0.001)
    assert poisson_interval(10) == pytest.approx((4.795, 18.390), abs=0.001)
