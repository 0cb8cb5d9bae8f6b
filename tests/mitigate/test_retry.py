"""A try is repeated only where that is safe, may help, and is paid for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mitigate import retry
from gateway.mitigate.retry import Budget, Failure, Request
from gateway.model.safeguards import MILLISECOND, SECOND, Retry

PARAMS = Retry(attempts=3, mode="enforce")
GET, POST = Request("GET"), Request("POST", body=10)
RESET, NOT_REACHED = Failure("upstream_reset"), Failure("connect_failed")
RICH = Budget(requests=1000)


def refusal(request: Request = GET, failure: Failure = RESET, tries: int = 1, budget: Budget = RICH) -> str:
    return retry.refusal(request, failure, tries, budget, PARAMS)


def test_an_idempotent_request_is_tried_again():
    assert refusal() == ""
    assert refusal(POST) == "not idempotent"
    assert refusal(Request("POST", idempotency_key=True)) == ""


def test_what_was_never_sent_may_always_be_tried_again():
    assert refusal(POST, NOT_REACHED) == ""


@pytest.mark.parametrize(("failure", "why"), [
    (Failure(status=503), ""), (Failure(status=504), ""), (Failure("first_byte_timeout"), ""),
    (Failure(status=500), "not a failure that passes"), (Failure(status=404), "not a failure that passes"),
    (Failure(status=429), "not a failure that passes"), (Failure("upstream_malformed"), "not a failure that passes"),
    (Failure(status=503, shed=True), "shed on purpose"),
])
def test_only_a_failure_that_may_pass_is_worth_another_try(failure, why):
    assert refusal(failure=failure) == why


def test_a_body_is_sent_again_only_if_it_was_kept():
    assert refusal(Request("PUT", body=64 * 1024)) == ""
    assert refusal(Request("PUT", body=64 * 1024 + 1)) == "body not kept"
    assert refusal(Request("PUT", body=None)) == "body not kept"
    assert refusal(Request("PUT", body=5, kept=False)) == "body not kept"


def test_no_try_after_the_answer_began_or_the_attempts_are_used_up():
    assert refusal(Request("GET", answer_begun=True)) == "the answer has begun"
    assert refusal(tries=2) == ""
    assert refusal(tries=3) == "attempts used up"


def test_retries_stay_a_fifth_of_the_requests():
    assert refusal(budget=Budget(100, retries=19)) == ""
    assert refusal(budget=Budget(100, retries=20)) == "budget used up"
    assert refusal(budget=Budget(1, retries=2)) == ""


def test_five_failures_close_the_gate_and_successes_open_it():
    budget = RICH
    for _ in range(5):
        assert refusal(budget=budget) == ""
        budget = retry.after_failure(budget)
    assert refusal(budget=budget) == "too many failures lately"
    assert refusal(budget=retry.after_success(budget)) == ""


def test_the_pause_grows_and_is_cut_at_ten_times_the_base():
    assert [retry.backoff(tries, 1) // MILLISECOND for tries in (1, 2, 3, 4, 5, 50)] == [25, 50, 100, 200, 250, 250]
    assert retry.backoff(3, 0) == 0


def test_a_try_has_the_shorter_of_its_times():
    assert retry.time_for_try(Retry(per_try=2 * SECOND), left=SECOND) == SECOND
    assert retry.time_for_try(Retry(per_try=2 * SECOND), left=0) == 2 * SECOND
    assert retry.time_for_try(Retry(), left=0) == 0


def test_it_explains_itself():
    assert str(retry.explain(POST, RESET, 1, RICH, PARAMS)) == (
        "retry: try 1 of POST ended with upstream_reset; 0 of 1000 (0 %) retried, 10 tokens; "
        "threshold 3 attempts, 20 % retries, above 5 tokens; no further try: not idempotent")


@given(st.lists(st.booleans(), min_size=50, max_size=300))
def test_the_load_is_never_amplified_beyond_the_budget(answers):
    """Each request is tried while it fails and may be; `answers` says which tries succeed, then all fail."""
    budget, requests, attempts, results = Budget(), 0, 0, iter(answers)
    for _ in range(200):
        requests, tries, good = requests + 1, 0, False
        budget = Budget(requests, budget.retries, budget.tokens)
        while not good and (not tries or not retry.refusal(GET, RESET, tries, budget, PARAMS)):
            budget = Budget(requests, budget.retries + bool(tries), budget.tokens)
            tries, attempts, good = tries + 1, attempts + 1, next(results, False)
            budget = retry.after_success(budget) if good else retry.after_failure(budget)
    assert attempts <= 1.2 * requests
