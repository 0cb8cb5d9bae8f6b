"""A late loop sheds the least important requests first, and lets them in again bit by bit."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.mitigate import shedding
from gateway.mitigate.shedding import EVERYTHING, LEAST, LEVELS, RANKS, Cut
from gateway.model.safeguards import MILLISECOND

EVEN = [10] * RANKS
ONE_CLIENT = [0] * 300 + [1000] + [0] * (RANKS - 301)
LATE, IN_TIME, CALM = 40 * MILLISECOND, 4 * MILLISECOND, MILLISECOND


def after(ticks: int, cut: Cut, lag: int, counts: list[int] = EVEN) -> Cut:
    for _ in range(ticks):
        cut = shedding.tick(cut, counts, lag)
    return cut


def share(cut: Cut, counts: list[int] = EVEN) -> float:
    """Of these requests, the share that is let in."""
    return shedding._admitted(cut, counts) / sum(counts)


def test_lag_takes_out_a_tenth_of_the_least_important():
    assert shedding.step_down(LATE) == 0.1
    cut = after(1, EVERYTHING, LATE)
    assert abs(share(cut) - 0.9) < 1e-9
    assert cut.threshold > 5 * LEVELS, "of the least important tier"


def test_it_begins_above_20_ms_and_then_aims_at_5():
    assert after(1, EVERYTHING, 15 * MILLISECOND) == EVERYTHING
    cut = after(1, EVERYTHING, LATE)
    assert share(after(1, cut, 15 * MILLISECOND)) < share(cut) < share(after(1, cut, IN_TIME))


def test_a_step_is_between_a_twentieth_and_half():
    assert shedding.step_down(0) == 0.05
    assert shedding.step_down(10_000 * MILLISECOND) == 0.5


def test_critical_requests_are_never_shed():
    cut = after(1000, EVERYTHING, 10_000 * MILLISECOND)
    assert (cut.threshold, round(cut.fraction, 9)) == (LEAST, 0)
    assert all(shedding.admits(cut, shedding.rank(0, client, 7), 0.99) for client in range(LEVELS))
    assert not any(shedding.admits(cut, shedding.rank(1, client, 7), 0.01) for client in range(LEVELS))


def test_where_all_come_from_one_client_a_share_of_them_is_let_in():
    cut = after(3, EVERYTHING, LATE, ONE_CLIENT)
    assert (cut.threshold, round(cut.fraction, 3)) == (299, 0.729)
    assert shedding.admits(cut, 300, 0.7)
    assert not shedding.admits(cut, 300, 0.8)
    assert not shedding.admits(cut, 301, 0.0)


def test_what_ended_meanwhile_is_what_can_be_borne():
    four_times = [0] * LEVELS + [400] + [0] * (RANKS - LEVELS - 1)
    cut = shedding.tick(EVERYTHING, four_times, LATE, more_in_flight=300)
    assert share(cut, four_times) == 0.5, "never more than half at once"
    cut = shedding.tick(cut, four_times, LATE, more_in_flight=100)
    assert abs(share(cut, four_times) - 0.25) < 0.001
    worked_off = shedding.tick(cut, four_times, LATE, more_in_flight=-50)
    assert worked_off == cut, "fewer come than end: nothing is gained by letting in fewer still"


def test_calm_lets_everyone_in_again_within_seconds():
    quarter = after(30, EVERYTHING, LATE, ONE_CLIENT)
    assert share(quarter, ONE_CLIENT) < 0.05
    assert after(35, quarter, CALM, ONE_CLIENT) == EVERYTHING
    assert after(35, quarter, IN_TIME, ONE_CLIENT) != EVERYTHING, "carefully, while it is still nearly late"


def test_without_traffic_everyone_is_let_in_again_at_once():
    assert after(1, Cut(LEAST), IN_TIME, [0] * RANKS) == EVERYTHING


def test_the_same_client_keeps_its_fate_within_the_hour():
    assert shedding.rank(2, 12345, salt=9) == shedding.rank(2, 12345, salt=9)
    assert len({shedding.rank(2, 12345, salt) for salt in range(LEVELS)}) == LEVELS


def test_it_explains_itself():
    assert str(shedding.explain(EVERYTHING, CALM)) == "shedding: lag 1 ms; threshold 20 ms; lets everything in"
    decision = shedding.explain(Cut(2 * LEVELS + 63), LATE).decision
    assert decision == "lets in what is above normal, and 64 of 128 parts of that"


@given(st.integers(LEAST, RANKS - 1), st.floats(0, 0.999), st.lists(st.integers(0, 50), min_size=RANKS, max_size=RANKS),
       st.integers(0, 10**9), st.integers(-1000, 1000))
def test_the_cut_moves_towards_the_signal_and_stays_in_bounds(threshold, fraction, counts, lag, more):
    cut = Cut(threshold, fraction if threshold < RANKS - 1 else 0.0)
    moved = shedding.tick(cut, counts, lag, more)
    assert LEAST <= moved.threshold < RANKS
    assert 0 <= moved.fraction < 1
    before, now = shedding._admitted(cut, counts), shedding._admitted(moved, counts)
    critical = sum(counts[: LEAST + 1])
    assert now <= max(before, critical) + 1e-6 if shedding.is_late(cut, lag) else now >= before - 1e-6
