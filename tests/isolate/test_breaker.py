"""The breaker, as a transcript: seconds pass, results come in, the phase follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isolate import breaker
from gateway.isolate.breaker import CLOSED, HALF_OPEN, OPEN, State, Window
from gateway.model.safeguards import SECOND, WHOLE, Breaker

PARAMS = Breaker()
HEALTHY = Window(requests=100)
BLACK = Window(requests=100, failures=100)
QUIET = Window()


def after(seconds: float, state: State, window: Window, params: Breaker = PARAMS) -> State:
    return breaker.step(state, window, params, int(seconds * SECOND))


def opened(at: float = 0) -> State:
    return after(at, State(), BLACK)


def half_open() -> State:
    return after(5, opened(), QUIET)


def test_half_of_the_requests_failing_opens_it():
    assert after(1, State(), Window(20, failures=9)).phase == CLOSED
    assert after(1, State(), Window(20, failures=10)).phase == OPEN


def test_a_few_requests_never_open_it():
    assert after(1, State(), Window(19, failures=19)).phase == CLOSED


def test_slow_answers_open_it_unless_slowness_is_left_out():
    slow = Window(100, slow=80)
    assert after(1, State(), slow).phase == OPEN
    assert after(1, State(), slow, Breaker(slow_over=0)).phase == CLOSED


def test_it_rests_five_seconds_and_needs_no_traffic_to_go_on():
    state = opened(at=10)
    assert after(14.9, state, QUIET) is state
    assert after(15, state, QUIET).phase == HALF_OPEN


def test_good_probes_bring_it_back_step_by_step():
    state, seconds = half_open(), 5.0
    for expected in range(5):
        assert (state.phase, state.step) == (HALF_OPEN, expected)
        assert after(seconds + 1.9, state, HEALTHY) is state
        seconds += 2
        state = after(seconds, state, HEALTHY)
    assert state.phase == CLOSED


def test_a_step_needs_five_results_however_long_it_takes():
    assert after(100, half_open(), Window(requests=4)).step == 0
    assert after(100, half_open(), Window(requests=5)).step == 1


def test_a_step_with_some_failures_waits_for_better_ones():
    state = half_open()
    assert after(60, state, Window(10, failures=2)) is state
    assert after(60, state, Window(11, failures=2)).step == 1


def test_failing_probes_open_it_again_for_twice_as_long():
    state, seconds, rests = opened(), 0, []
    for _ in range(6):
        rests.append((state.until - state.since) // SECOND)
        seconds = state.until // SECOND
        state = after(seconds, after(seconds, state, QUIET), Window(5, failures=5))
    assert rests == [5, 10, 20, 40, 60, 60]


def test_slow_probes_do_not_close_what_slowness_opened():
    assert after(8, half_open(), Window(10, slow=9)).phase == OPEN


def test_a_breaker_long_closed_begins_with_the_short_rest_again():
    soon, late = State(trips=3, since=0), State(trips=3, since=0)
    assert after(59, soon, BLACK).trips == 4
    assert after(60, late, BLACK).trips == 1


def test_answers_from_before_it_opened_do_not_count():
    closed = State()
    state = opened()
    assert not breaker.counts(state, closed.generation)
    assert breaker.counts(state, state.generation)


def test_a_person_may_force_it_until_a_time():
    state = breaker.force(State(), OPEN, until=30 * SECOND)
    assert not breaker.admits(state, 0, 0, 29 * SECOND)
    assert breaker.admits(state, 0, 0, 30 * SECOND)
    lifted = breaker.force(state, None, 0)
    assert breaker.admits(lifted, 0, 0, 1)
    with pytest.raises(ValueError, match="OPEN or CLOSED"):
        breaker.force(State(), HALF_OPEN, until=1)


def test_while_forced_closed_the_machine_goes_on_underneath():
    state = breaker.force(opened(), CLOSED, until=8 * SECOND)
    assert breaker.phase_at(after(6, state, QUIET), 7 * SECOND) == CLOSED
    assert breaker.phase_at(after(6, state, QUIET), 8 * SECOND) == HALF_OPEN


def test_each_step_lets_its_share_through():
    state = half_open()
    just_now = 6 * SECOND
    passed = sum(breaker.admits(state, number, just_now, just_now) for number in range(1000))
    assert passed == 10


def test_a_lost_probe_holds_nothing_up():
    state = half_open()
    assert not breaker.admits(state, 0, last_probe=6 * SECOND, now=6 * SECOND + SECOND // 20)
    assert breaker.admits(state, 0, last_probe=6 * SECOND, now=6 * SECOND + SECOND // 10)


def test_it_explains_itself():
    told = breaker.explain(opened(), BLACK, PARAMS, 2 * SECOND)
    assert str(told) == ("breaker: failures 100 of 100 (100 %), slow 0 of 100 (0 %); "
                         "threshold 50 % failures or 80 % slow of at least 20 in 10 s; OPEN for another 3 s")
    assert breaker.explain(half_open(), QUIET, PARAMS, 6 * SECOND).decision == "HALF_OPEN, lets 1 % through"
    forced = breaker.force(State(), OPEN, until=30 * SECOND)
    assert breaker.explain(forced, QUIET, PARAMS, 10 * SECOND).decision == "forced OPEN for another 20 s"
    assert repr(half_open()) == "<breaker HALF_OPEN step 1/5 generation 2>"


# Whatever happens

windows = st.builds(lambda requests, failed, slow: Window(requests, min(requests, failed), min(requests, slow)),
                    st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
stories = st.lists(st.tuples(st.integers(0, 20 * SECOND), windows), max_size=60)


def told(story: list[tuple[int, Window]]) -> list[tuple[State, State, Window]]:
    """(before, after, window) of each look, from a new breaker on."""
    now, state, looks = 0, State(), []
    for passed, window in story:
        now += passed
        moved = breaker.step(state, window, PARAMS, now)
        looks.append((state, moved, window))
        state = moved
    return looks


@given(stories)
def test_every_move_is_in_the_table_and_begins_a_generation(story):
    for before, moved, _ in told(story):
        if moved is not before:
            assert moved.phase in breaker.TRANSITIONS[before.phase].values()
            assert moved.generation == before.generation + 1


@given(stories)
def test_it_never_opens_below_the_minimum_volume(story):
    for before, moved, window in told(story):
        if moved is not before and moved.phase == OPEN:
            least = breaker.STEP_RESULTS if before.phase == HALF_OPEN else PARAMS.min_requests
            assert window.requests >= least


@given(stories)
def test_it_is_never_stuck_once_the_upstream_is_well(story):
    looks = told(story)
    state, now = (looks[-1][1], sum(passed for passed, _ in story)) if looks else (State(), 0)
    for _ in range(1 + len(breaker.RAMP)):
        now = max(now, state.until) + 2 * SECOND
        assert state.phase == OPEN or breaker.admits(state, 0, now - SECOND, now)
        state = breaker.step(state, HEALTHY, PARAMS, now)
    assert state.phase == CLOSED


@given(st.integers(0, 10**6), st.integers(1, 500), st.sampled_from(breaker.RAMP))
def test_a_share_is_kept_over_any_run_of_requests(first, count, share):
    passed = sum(breaker.in_share(number, share) for number in range(first, first + count))
    assert abs(passed - count * share / WHOLE) < 1
