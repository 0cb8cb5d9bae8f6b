"""Did it help? Held against the textbook forms of the tests, and against chance."""
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.mitigate import measure
from gateway.mitigate.measure import FAILURES, LATENCY, LOAD, fisher, mann_whitney
from gateway.model.action import Action, ActionKind, Sample
from gateway.model.safeguards import SECOND


def action(before: Sample, by: str = FAILURES) -> Action:
    return Action(1, ActionKind.EJECT, "endpoint:u/h:1", 0, "why", (), 1, "upstream:u", by, 0, before=before)


def seconds(count: int, requests: int, failed: int = 0, ms: int = 5) -> Sample:
    return Sample((requests,) * count, (failed,) * count, (requests * ms,) * count)


@given(some.integers(0, 30), some.integers(0, 30), some.integers(0, 30), some.integers(0, 30))
def test_fisher_is_the_sum_of_the_hypergeometric_terms(bad: int, good: int, still: int, well: int) -> None:
    n, m, failed = bad + good, still + well, bad + still
    whole = math.comb(n + m, failed)
    expected = sum(math.comb(m, k) * math.comb(n, failed - k) for k in range(max(0, failed - n), still + 1)) / whole
    assert fisher(bad, n, still, m) == pytest.approx(expected, abs=1e-9)


def test_fisher_of_the_lady_tasting_tea() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)


@given(some.lists(some.integers(0, 50), min_size=5, max_size=20))
def test_seconds_that_are_all_alike_prove_nothing(values: list[int]) -> None:
    assert mann_whitney(values, values) > 0.01


def test_a_rank_test_sees_what_is_lower_and_not_what_is_higher() -> None:
    high, low = [float(each) for each in range(110, 120)], [float(each) for each in range(10, 20)]
    assert mann_whitney(high, low) < 0.001
    assert mann_whitney(low, high) > 0.99


def test_an_action_that_changes_nothing_is_kept_in_one_of_a_hundred_cases_at_most() -> None:
    draw = random.Random(1)

    def drawn() -> Sample:
        failed = tuple(sum(draw.random() < 0.1 for _ in range(30)) for _ in range(10))
        return Sample((30,) * 10, failed, (150,) * 10)

    kept = sum(verdict.helped for _ in range(400)
               if (verdict := measure.judge(action(drawn()), drawn(), 10 * SECOND)) is not None)
    assert kept <= 4


def test_it_helped() -> None:
    verdict = measure.judge(action(seconds(10, 30, 3)), seconds(10, 30, 0), 10 * SECOND)
    assert verdict is not None
    assert verdict.helped
    assert verdict.words.startswith("30 of 300 failed before, 0 of 300 after; Fisher p = ")


@pytest.mark.parametrize(("after", "helped"), [(seconds(10, 30, 3), False), (seconds(10, 3000, 250), False),
                                               (seconds(10, 30, 1), True)])
def test_it_must_be_certain_and_matter(after: Sample, helped: bool) -> None:
    verdict = measure.judge(action(seconds(10, 3000, 300)), after, 10 * SECOND)
    assert verdict is not None
    assert verdict.helped is helped


def test_latency_and_load_are_judged_by_the_seconds() -> None:
    slow = measure.judge(action(seconds(10, 30, ms=200), LATENCY), seconds(10, 30, ms=20), 10 * SECOND)
    busy = measure.judge(action(seconds(10, 900), LOAD), seconds(10, 890), 10 * SECOND)
    assert slow is not None
    assert slow.helped
    assert busy is not None
    assert not busy.helped


def test_nothing_is_said_before_the_time_is_over_and_nothing_is_proven_by_silence() -> None:
    few = action(seconds(10, 1, 1))
    assert measure.judge(few, seconds(9, 30), 10 * SECOND) is None
    assert measure.judge(few, seconds(10, 1), 10 * SECOND) is None
    verdict = measure.judge(few, seconds(30, 0), 10 * SECOND)
    assert verdict is not None
    assert (verdict.helped, verdict.words) == (False, "not proven in 30 s: too few requests")
