"""A revision on probation, second by second."""
import pytest

from gateway.model.safeguards import SECOND
from gateway.resolve import probation
from gateway.resolve.probation import HOLD, KEEP, PROMOTE, ROLL_BACK, Counts, Params, Probation

PARAMS = Params()


def after(seconds: int, old: Counts, new: Counts, state: Probation | None = None) -> Probation:
    state = state or Probation(since=0)
    for _ in range(seconds):
        state = probation.watch(state, old, new)
    return state


def judged(state: Probation, seconds: float, *troubled: str, alarms: tuple[str, ...] = ()) -> tuple[str, bool, str]:
    verdict = probation.judge(state, PARAMS, int(seconds * SECOND), troubled, alarms)
    return verdict.decision, verdict.proven, verdict.reason


def last(seconds: int = 0, requests: int = 50) -> Probation:
    return after(seconds, Counts(), Counts(requests), Probation(since=0, step=1))


def test_a_harmless_revision_is_promoted_after_a_minute_and_enough_requests() -> None:
    fine = after(59, Counts(45), Counts(6))
    assert judged(fine, 59)[:2] == (HOLD, True)
    assert judged(after(1, Counts(45), Counts(6), fine), 60) == (PROMOTE, True, "360 requests, no evidence against it")


def test_too_little_traffic_is_said_while_it_holds_and_when_it_is_passed() -> None:
    quiet = after(20, Counts(9), Counts(1))
    assert judged(quiet, 61) == (HOLD, False, "too little traffic to tell: 20 of 300 requests")
    assert judged(quiet, 600) == (PROMOTE, False, "not proven when the time was up: too little traffic to tell: "
                                                  "20 of 300 requests")


def test_no_traffic_at_all_is_never_a_pass_in_silence() -> None:
    assert judged(Probation(since=0), 600)[:2] == (PROMOTE, False)
    assert judged(last(), 600)[:2] == (KEEP, False)


@pytest.mark.parametrize(("metric", "words"), probation.WORDS.items())
def test_each_metric_alone_rolls_back_and_is_named(metric: str, words: str) -> None:
    state = after(30, Counts(45), Counts(5, **{metric: 1}))
    decision, _, reason = judged(state, 30)
    assert (decision, reason.partition(":")[0]) == (ROLL_BACK, f"more {words}")


def test_a_wrong_port_for_a_fifth_of_the_new_plan_is_rolled_back_within_twenty_seconds() -> None:
    """50 requests/s, of which 5 under the new plan and one of these fails to connect."""
    state = Probation(since=0)
    for second in range(1, 20):
        state = probation.watch(state, Counts(45), Counts(5, failed=1, connect_failed=1))
        if judged(state, second)[0] == ROLL_BACK:
            return
    pytest.fail(f"not rolled back: {state}")


def test_what_fails_under_both_plans_alike_is_not_blamed_on_the_new_one() -> None:
    down = Counts(100, failed=90)
    assert judged(after(30, down, down), 30)[0] == HOLD


def test_half_of_ten_requests_failing_is_a_reflex() -> None:
    assert "succeed" not in judged(after(1, Counts(90), Counts(9, failed=6)), 1)[2]
    decision, _, reason = judged(after(1, Counts(90), Counts(10, failed=6)), 1)
    assert (decision, reason) == (ROLL_BACK, "only 4 of 10 requests succeed, before it 90 of 90")


def test_trouble_on_what_the_revision_changed_rolls_back_on_any_step() -> None:
    for state in (Probation(since=0), last()):
        assert judged(state, 1, "the ejected endpoint 127.0.0.1:9009")[0] == ROLL_BACK


def test_the_last_step_is_watched_by_detection_until_its_time_is_up() -> None:
    assert judged(last(300), 300)[0] == HOLD
    assert judged(last(300), 300, alarms=("errors of list-orders",))[0] == ROLL_BACK
    assert judged(last(600), 600)[:2] == (KEEP, True)


def test_on_the_last_step_no_split_is_pretended() -> None:
    """All traffic is on it: a few requests that still end under the old plan are no ground for the test."""
    state = after(60, Counts(1), Counts(50, slow=20), Probation(since=0, step=1))
    assert judged(state, 60)[0] == HOLD


def test_a_ratio_that_may_have_doubled_is_held() -> None:
    state = after(60, Counts(95), Counts(5))
    state = probation.watch(state, Counts(), Counts(10, slow=6))
    decision, proven, reason = judged(state, 60)
    assert (decision, proven) == (HOLD, True)
    assert reason.endswith("slow answers are possible: 6 of 310, before it 0 of 5700")


def test_the_next_step_begins_with_nothing_held_against_it() -> None:
    state = probation.promoted(after(60, Counts(45), Counts(5, slow=1)), 60 * SECOND)
    assert (state.step, state.since, state.new, state.tests["slow"].log_e) == (1, 60 * SECOND, Counts(), 0.0)


def test_three_hundred_requests_without_a_fault_prove_one_percent() -> None:
    assert probation.upper_bound(0, 300) < probation.ACCEPTED < probation.upper_bound(0, 250)
    assert probation.upper_bound(0, 0) == 1.0
