"""The e-test: what it stands for, and that it is an e-variable."""
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve import etest
from gateway.resolve.etest import ETest

AGAINST = 6.0


def after(seconds: int, old: tuple[int, int], new: tuple[int, int], test: ETest | None = None) -> ETest:
    """(seen, bad) of each plan, every second."""
    test = test or ETest()
    for _ in range(seconds):
        test = etest.step(test, *old, *new)
    return test


def test_a_new_plan_that_only_fails_is_convicted_within_seconds() -> None:
    assert after(5, (19, 0), (1, 1)).log_e > AGAINST


def test_what_fails_alike_under_both_plans_is_no_evidence() -> None:
    for bad in (0, 10, 50, 100):
        assert after(60, (100, bad), (100, bad)).log_e < 0.1


def test_a_new_plan_that_is_better_is_no_evidence() -> None:
    assert after(60, (100, 50), (100, 0)).log_e < -AGAINST


def test_a_second_of_one_plan_alone_moves_nothing() -> None:
    before = after(10, (19, 0), (1, 0))
    assert etest.step(before, 0, 0, 50, 50) is before
    assert etest.step(before, 50, 50, 0, 0) is before


def test_the_alternatives_are_chosen_before_the_second_they_are_tried_on() -> None:
    first = etest.step(ETest(), 100, 100, 100, 0)
    assert first.old_ratio > 0.8
    assert ETest().old_ratio == pytest.approx(0.005)


@given(st.integers(0, 30), st.integers(0, 2), st.integers(1, 12), st.integers(1, 6), st.floats(0.0, 1.0))
def test_a_second_of_plans_that_are_alike_gains_nothing_on_average(seen: int, bad: int, old: int, new: int,
                                                                   ratio: float) -> None:
    """The defining property, summed over all outcomes of one second, for any common ratio and any past."""
    past = ETest(seen=seen, bad=min(bad, seen))
    mean = sum(chance(old, y, ratio) * chance(new, z, ratio) * math.exp(etest.step(past, old, y, new, z).log_e)
               for y in range(old + 1) for z in range(new + 1))
    assert mean <= 1 + 1e-9


def chance(seen: int, bad: int, ratio: float) -> float:
    return math.comb(seen, bad) * ratio**bad * (1 - ratio) ** (seen - bad)


def test_more_bad_than_seen_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        etest.step(ETest(), 2, 3, 1, 0)


def test_evidence_of_a_million_bad_seconds_is_still_a_number() -> None:
    assert math.isfinite(after(1000, (1000, 0), (1000, 1000)).log_e)
