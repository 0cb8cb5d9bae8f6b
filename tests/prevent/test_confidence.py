"""The bounds of a rate of which a few events, or none, were seen: against the tables and against chance itself."""
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.prevent import confidence


@pytest.mark.parametrize(("events", "low", "high"), [
    (0, 0.0, 2.9957), (1, 0.0513, 4.7439), (2, 0.3554, 6.2958), (5, 1.9701, 10.5130), (10, 5.4254, 16.9622)])
def test_the_bounds_are_those_of_the_tables(events: int, low: float, high: float) -> None:
    """Chi-squared quantiles: chi2.ppf(.95, 2 (k + 1)) / 2 and chi2.ppf(.05, 2 k) / 2."""
    assert confidence.upper(events) == pytest.approx(high, abs=1e-3)
    assert confidence.lower(events) == pytest.approx(low, abs=1e-3)


def test_none_in_thirty_days_is_at_most_three_a_month() -> None:
    assert confidence.a_month(0, 30.0) == pytest.approx((0.0, 0.0, -math.log(0.05)))


@given(st.integers(0, 60))
def test_the_upper_bound_is_the_mean_at_which_so_few_are_rare(events: int) -> None:
    assert confidence.at_most(events, confidence.upper(events)) == pytest.approx(0.05, abs=1e-9)
    assert confidence.lower(events) <= events <= confidence.upper(events)


def test_nothing_is_said_of_no_days() -> None:
    with pytest.raises(ValueError, match="nothing was looked at"):
        confidence.a_month(0, 0.0)
