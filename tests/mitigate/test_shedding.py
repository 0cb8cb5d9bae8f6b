"""A late loop sheds the least important requests first, and lets them in again bit by bit."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.mitigate import shedding
from gateway.mitigate.shedding import ALL, LEAST, LEVELS, PRIORITIES_IN_ALL
from gateway.model.safeguards import MILLISECOND

EVEN = [10] * PRIORITIES_IN_ALL
LATE, EARLY = 40 * MILLISECOND, 5 * MILLISECOND


def after(ticks: int, threshold: int, lag: int, histogram: list[int] = EVEN) -> int:
    for _ in range(ticks):
        threshold = shedding.tick(threshold, histogram, lag)
    return threshold


def test_lag_takes_out_a_tenth_of_the_least_important():
    assert shedding.step_down(LATE) == 0.1
    assert ALL - after(1, ALL, LATE) == 77  # 768 of 7680 in steps of 10


def test_a_step_is_between_a_twentieth_and_half():
    assert shedding.step_down(0) == 0.05
    assert shedding.step_down(10_000 * MILLISECOND) == 0.5


def test_critical_requests_are_never_shed():
    threshold = after(1000, ALL, 10_000 * MILLISECOND)
    assert threshold == LEAST
    assert all(shedding.admits(threshold, shedding.priority(0, client, 7)) for client in range(LEVELS))
    assert not any(shedding.admits(threshold, shedding.priority(1, client, 7)) for client in range(LEVELS))


def test_calm_lets_everyone_in_again_within_a_minute():
    assert after(600, LEAST, EARLY) == ALL


def test_without_traffic_everyone_is_let_in_again_at_once():
    assert after(1, LEAST, EARLY, [0] * PRIORITIES_IN_ALL) == ALL


def test_a_busy_cpu_counts_as_late():
    assert shedding.tick(ALL, EVEN, EARLY, cpu=96) < ALL


def test_the_same_client_keeps_its_fate_within_the_hour():
    assert shedding.priority(2, 12345, salt=9) == shedding.priority(2, 12345, salt=9)
    assert len({shedding.priority(2, 12345, salt) for salt in range(LEVELS)}) == LEVELS


def test_it_explains_itself():
    assert str(shedding.explain(ALL, EARLY)) == (
        "shedding: lag 5 ms, CPU 0 %; threshold 20 ms or 95 %; lets everything in")
    decision = shedding.explain(2 * LEVELS + 63, LATE).decision
    assert decision == "lets in what is above normal, and 64 of 128 parts of that"


@given(st.integers(LEAST, ALL), st.lists(st.integers(0, 50), min_size=PRIORITIES_IN_ALL, max_size=PRIORITIES_IN_ALL),
       st.integers(0, 10**9))
def test_the_threshold_moves_towards_the_signal_and_stays_in_bounds(threshold, histogram, lag):
    moved = shedding.tick(threshold, histogram, lag)
    assert LEAST <= moved <= ALL
    assert moved <= threshold if shedding.is_late(lag, 0) else moved >= threshold
