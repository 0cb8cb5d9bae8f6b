"""A limit decides by one number per key, and tells the client what it needs to behave."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared

from gateway.mitigate import limits
from gateway.mitigate.limits import Decision
from gateway.model import safeguards
from gateway.model.safeguards import SECOND, Limit

TEN = Limit("ten", quota=10, burst=5)  # 10/s, 5 at once
limit_values = st.builds(Limit, name=st.just("x"), quota=st.integers(1, 5000), burst=st.integers(1, 5000),
                         period_ns=st.sampled_from([SECOND, 60 * SECOND, 3600 * SECOND]))


def asked(limit: Limit, *seconds: float) -> list[Decision]:
    """The decisions on requests at these times."""
    tat, found = 0, []
    for at in seconds:
        found.append(limits.decide(limit, tat, int((1000 + at) * SECOND)))
        tat = found[-1].tat
    return found


def test_the_burst_passes_at_once_and_then_one_per_interval():
    assert [each.allowed for each in asked(TEN, 0, 0, 0, 0, 0, 0, 0.05, 0.1, 0.1)] == [True] * 5 + [
        False, False, True, False]


def test_remaining_counts_down():
    assert [each.remaining for each in asked(TEN, 0, 0, 0, 0, 0, 0)] == [4, 3, 2, 1, 0, 0]


def test_a_denial_writes_nothing_so_that_hammering_does_not_prolong_it():
    found = asked(TEN, *[0] * 5, *[0.01 * n for n in range(10)], 0.1)
    assert not any(each.allowed for each in found[5:15])
    assert found[15].allowed


def test_a_relaxed_limit_helps_at_once():
    strict, relaxed, now = Limit("x", quota=1, period_ns=3600 * SECOND, burst=10), TEN, 10_000 * SECOND
    tat = now
    for _ in range(10):
        tat = limits.decide(strict, tat, now).tat
    first = limits.decide(relaxed, tat, now)
    assert (first.allowed, first.wait) == (False, SECOND // 10)
    assert limits.decide(relaxed, first.tat, now + SECOND // 10).allowed


def test_workers_whose_clocks_differ_a_little_do_not_undo_each_others_writes():
    now = 10_000 * SECOND
    full = limits.decide(Limit("x", quota=10), 0, now).tat
    assert limits.decide(Limit("x", quota=10), full, now - SECOND // 1000).tat == full


def test_the_shared_vectors_row_by_row():
    data = json.loads(shared("rate-limit/gcra.json").read_text())
    limit, tat = Limit("x", quota=data["rate_per_second"], burst=data["burst"]), 0
    for now_s, volume, remaining, _, retry, limited in data["rows"]:
        found = limits.decide(limit, tat, round((now_s + 100) * SECOND), volume)
        tat = found.tat
        assert (found.allowed, found.remaining) == (not limited, remaining)
        assert retry == -1 or found.wait == round(retry * SECOND)


@pytest.mark.parametrize(("limit", "text"), [
    (Limit("a", quota=50, burst=100), '"a";q=100;w=2'),
    (Limit("a", quota=1000, burst=100), '"a";q=1000;w=1'),
    (Limit("a", quota=10, period_ns=3600 * SECOND, burst=5), '"a";q=5;w=1800'),
    (Limit("a", quota=2, burst=3), '"a";q=4;w=2'),
])
def test_the_policy_says_the_rule_in_whole_seconds(limit, text):
    assert limits.policy(limit) == text


def test_headers_are_sent_near_exhaustion_only():
    plenty, last, over = asked(TEN, 0, 0, 0, 0, 0, 0)[0], *asked(TEN, 0, 0, 0, 0, 0, 0)[4:]
    assert limits.headers([(TEN, plenty)], 0) == []
    assert limits.headers([(TEN, last)], 0) == [("ratelimit-policy", '"ten";q=10;w=1'), ("ratelimit", '"ten";r=0;t=1')]
    assert limits.headers([(TEN, plenty), (TEN, over)], 0)[2:] == [("retry-after", "1")]


def test_a_client_is_told_nothing_of_a_shadowed_limit():
    shadowed = Limit("ten", quota=10, burst=5, mode="shadow")
    assert limits.headers([(shadowed, asked(TEN, *[0] * 6)[-1])], 0) == []


def test_jitter_sends_clients_back_at_different_times():
    minute = Limit("m", quota=1, period_ns=60 * SECOND)
    denied = asked(minute, 0, 0)[1]
    assert [limits.retry_after(denied, jitter) for jitter in (0, 0.5, 0.999)] == [60, 66, 72]


def test_a_denial_is_a_problem_that_names_the_limit():
    denied = asked(TEN, *[0] * 6)[-1]
    assert limits.problem(TEN, denied, 0) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded", "title": "Too Many Requests",
        "status": 429, "safeguard": "ten", "detail": "The limit ten allows 10 per 1 s. Retry after 1 s.",
        "violated-policies": ["ten"],
    }  # fmt: skip
    assert str(limits.explain(TEN, denied)) == (
        "limit ten: 0 of 5 left for this route; threshold 10 per 1 s, burst 5; denied for 0.1 s")


@pytest.mark.parametrize(("text", "key"), [
    ("route", ("route", "")), ("client", ("client", "")), ("route+client", ("route+client", "")),
    ("header:X-Tenant", ("header", "x-tenant")), ("cookie:Sid", ("cookie", "Sid")),
])
def test_a_key_says_who_shares_a_limit(text, key):
    assert limits.parse_key(text) == key


@pytest.mark.parametrize("text", ["", "header:", "header", "header:a b", "ip", "client+route", "cookie:a;b"])
def test_what_is_no_key_is_answered_with_what_to_write(text):
    with pytest.raises(ValueError, match="write"):
        limits.parse_key(text)


@given(limit_values, st.integers(0, 10**15), st.integers(0, 10**15), st.floats(0, 0.999))
def test_retry_after_is_never_before_there_is_quota(limit, tat, now, jitter):
    found = limits.decide(limit, tat, now)
    if not found.allowed:
        seconds = limits.retry_after(found, jitter)
        told = limits.state(limit, found).rpartition("t=")[2]
        assert seconds >= int(told)
        assert limits.decide(limit, found.tat, now + seconds * SECOND).allowed
        assert seconds <= 1.2 * found.wait / SECOND + 1


@given(limit_values, st.integers(0, 10**15), st.integers(0, 10**15))
def test_what_is_left_is_never_more_than_the_policy_says(limit, tat, now):
    found = limits.decide(limit, tat, now)
    quota = int(limits.policy(limit).partition("q=")[2].partition(";")[0])
    assert 0 <= found.remaining <= limit.burst <= quota


@given(limit_values, st.lists(st.integers(0, 3 * SECOND), max_size=60))
def test_shadow_and_enforce_decide_the_same(limit, pauses):
    tats, now = {"shadow": 0, "enforce": 0}, 10**12
    for pause in pauses:
        now += pause
        found = {mode: limits.decide(Limit("x", "route", limit.quota, limit.period_ns, limit.burst, mode), tat, now)
                 for mode, tat in tats.items()}
        assert found["shadow"] == found["enforce"]
        tats = {mode: each.tat for mode, each in found.items()}
        assert not safeguards.refuses("shadow", not found["shadow"].allowed)
        assert safeguards.refuses("enforce", not found["enforce"].allowed) is not found["enforce"].allowed
