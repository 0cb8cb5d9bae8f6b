"""Flight records, counted by the revision that they were served under."""
from typing import Any

import numpy as np

from gateway.control.arms import NEVER_A_REQUEST, Arms
from gateway.model.decisions import Decision
from gateway.record.flight import FELL_BACK, NO_ROW, RECORD, SHADOW, Records
from gateway.resolve.probation import Counts


def record(**fields: Any) -> Records:
    made = np.zeros(1, RECORD)
    made["generation"], made["status"], made["ttfb_us"] = 8, 200, NO_ROW
    for name, value in fields.items():
        made[name] = value
    return made


def counted(*records: Records) -> Counts:
    arms = Arms()
    arms.compare(7, 8, 0)
    for each in records:
        arms.take(each, 0)
    old, new = arms.since_last()
    assert old == Counts()
    return new


def test_each_arm_has_the_requests_of_its_revision_and_each_look_only_what_is_new() -> None:
    arms = Arms()
    arms.compare(7, 8, 0)
    arms.take(np.concatenate([record(generation=each) for each in (6, 7, 7, 8, 9)]), 0)
    assert [each.requests for each in arms.since_last()] == [2, 1]
    assert [each.requests for each in arms.since_last()] == [0, 0]


def test_an_answer_of_5xx_and_one_that_broke_off_are_failures() -> None:
    found = counted(record(status=500), record(status=501), record(decision=Decision.ERROR),
                    record(status=504, decision=Decision.TIMEOUT))
    assert found == Counts(4, failed=3)


def test_what_a_fallback_answered_is_a_failure_all_the_same() -> None:
    assert counted(record(decision=Decision.ERROR, flags=FELL_BACK)) == Counts(1, failed=1)


def test_what_the_gateway_denied_is_no_failure_and_in_shadow_mode_nothing() -> None:
    limited, isolated = record(status=429, decision=Decision.LIMITED), record(status=503, decision=Decision.ISOLATED)
    unrouted = record(status=404, decision=Decision.REFUSED)
    in_shadow = record(decision=Decision.LIMITED, flags=SHADOW)
    assert counted(limited, isolated, unrouted, in_shadow) == Counts(4, denied=3)


def test_tries_are_counted_that_the_client_never_saw() -> None:
    refused_then_well = record(unreached=1, ttfb_us=10)
    retried = record(unreached=1, attempts=1, ttfb_us=10)
    answered_500_first = record(attempts=1, ttfb_us=10)
    assert counted(refused_then_well) == counted(retried) == Counts(2, connect_failed=1)
    assert counted(answered_500_first) == Counts(2, failed=1)


def test_a_connect_that_failed_for_good_is_not_a_5xx_as_well() -> None:
    assert counted(record(status=502, decision=Decision.ERROR, unreached=1)) == Counts(1, connect_failed=1)
    assert counted(record(status=502, decision=Decision.ERROR, unreached=2)) == Counts(2, connect_failed=2)


def test_what_never_became_a_request_says_nothing_of_a_plan() -> None:
    assert counted(record(status=400, method=NEVER_A_REQUEST, decision=Decision.REFUSED)) == Counts()


def test_slow_is_beyond_what_was_usual_under_the_older_revision() -> None:
    arms = Arms()
    for each in range(1, 101):
        arms.take(record(generation=7, ttfb_us=each * 1000), 0)
    arms.compare(7, 8, 0)
    assert 95_000 <= arms.slow_us <= 96_100
    arms.take(record(ttfb_us=94_000), 0)
    arms.take(record(ttfb_us=97_000), 0)
    assert arms.since_last()[1] == Counts(2, slow=1)


def test_where_too_little_is_known_slowness_is_judged_once_the_older_one_has_shown_enough() -> None:
    arms = Arms()
    arms.compare(7, 8, 0)
    for _ in range(100):
        arms.take(record(ttfb_us=9_000_000), 0)             # the newer one's are no measure
    assert (arms.since_last()[1].slow, arms.slow_us) == (0, 0)
    for _ in range(100):
        arms.take(record(generation=7, ttfb_us=1000), 0)
    arms.since_last()
    assert 1000 < arms.slow_us < 1010
