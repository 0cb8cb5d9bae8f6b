"""The first step that is meant for the cause and can be done answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mitigate import fallback
from gateway.mitigate.fallback import Alternate, Facts
from gateway.model import errors
from gateway.model.safeguards import CAUSES, SECOND, Fallback

STALE = Fallback("stale", stale_for=300 * SECOND)
REPLICA = Fallback("upstream", upstream="replica")
SORRY = Fallback("respond", status=503, body="resting")
ELSEWHERE = Fallback("redirect", on=("isolated",), to="/sorry", status=307)
STEPS = (ELSEWHERE, STALE, REPLICA, SORRY)
READY = {"replica": Alternate()}


def chosen(cause: str, *, method: str = "GET", stored_for: int | None = None, alternates=READY, asked=False) -> str:
    found = fallback.choose(STEPS, cause, Facts(method, stored_for, alternates, asked))
    return found.kind if found else "none"


def test_steps_are_tried_in_order():
    assert chosen("open", stored_for=0) == "stale"
    assert chosen("open") == "upstream"
    assert chosen("open", alternates={}) == "respond"
    assert chosen("isolated", stored_for=0) == "redirect"


def test_a_write_is_never_answered_from_the_store():
    assert chosen("error", method="POST", stored_for=0) == "upstream"
    assert chosen("error", method="HEAD", stored_for=0) == "stale"


def test_what_is_too_old_is_not_served():
    assert chosen("error", stored_for=300 * SECOND) == "stale"
    assert chosen("error", stored_for=300 * SECOND + 1) == "upstream"


def test_an_upstream_in_trouble_is_not_sent_more():
    assert chosen("open", alternates={"replica": Alternate(closed=False)}) == "respond"
    assert chosen("open", alternates={"replica": Alternate(spare=False)}) == "respond"


def test_a_fallback_is_never_followed_by_a_second_upstream():
    assert chosen("error", asked=True) == "respond"


def test_who_is_over_a_limit_is_told_so_unless_the_step_names_it():
    assert chosen("limited", stored_for=0) == "none"
    named = Fallback("stale", on=("limited",), stale_for=SECOND)
    assert fallback.choose((named,), "limited", Facts("GET", 0)) is named


def test_a_step_that_is_off_is_passed_over():
    assert fallback.choose((Fallback("respond", mode="off"),), "open", Facts("GET")) is None


@pytest.mark.parametrize(("reason", "status", "cause"), [
    ("isolated", 0, "isolated"), ("open", 0, "open"), ("connect_failed", 0, "error"), ("pool_full", 0, "saturated"),
    ("first_byte_timeout", 0, "timeout"), ("no_route", 0, ""), ("bad_request", 0, ""),
    ("", 500, "error"), ("", 503, "error"), ("", 504, "timeout"), ("", 501, ""), ("", 404, ""), ("", 200, ""),
])
def test_each_refusal_and_answer_has_its_cause(reason, status, cause):
    assert fallback.cause_of(reason, status) == cause


def test_only_reasons_that_exist_have_a_cause():
    assert set(fallback.CAUSE_OF) <= set(errors.BY_REASON)
    assert set(fallback.CAUSE_OF.values()) <= set(CAUSES)


def test_it_explains_itself():
    told = fallback.explain(STEPS, "open", Facts("GET", None, {"replica": Alternate(spare=False)}))
    assert str(told) == ("fallback: redirect: not on open; stale: nothing stored; upstream: no spare capacity; "
                         "respond: can be done; threshold on open; takes respond")
    assert fallback.explain((), "open", Facts("GET")).decision == "none: the refusal itself is answered"


@given(st.sampled_from(CAUSES), st.sampled_from(["GET", "HEAD", "POST"]), st.none() | st.integers(0, 600 * SECOND),
       st.booleans(), st.booleans(), st.booleans())
def test_what_is_chosen_can_be_done(cause, method, stored_for, closed, spare, asked):
    found = fallback.choose(STEPS, cause, Facts(method, stored_for, {"replica": Alternate(closed, spare)}, asked))
    if found and found.kind == "upstream":
        assert closed
        assert spare
        assert not asked
    if found and found.kind == "stale":
        assert stored_for is not None
        assert method != "POST"
    assert found is None or cause in found.on


def test_a_step_in_shadow_is_counted_and_the_next_one_taken():
    shadow = Fallback("respond", body="would", mode="shadow")
    assert fallback.taken((shadow, shadow, SORRY), "open", Facts("GET")) == (2, 2)
    assert fallback.taken((shadow,), "open", Facts("GET")) == (-1, 1)
    assert fallback.taken((), "open", Facts("GET")) == (-1, 0)


ANY_STEP = st.sampled_from([*STEPS, Fallback("respond", mode="off"), Fallback("respond", mode="shadow")])


@given(st.lists(ANY_STEP, max_size=5),
       st.sampled_from(CAUSES), st.sampled_from([None, 0, 400 * SECOND]), st.booleans())
def test_what_is_certain_is_taken_whatever_the_facts(steps, cause, stored_for, asked):
    at = fallback.certain(steps, cause)
    if at >= 0:
        assert fallback.taken(steps, cause, Facts("GET", stored_for, READY, asked)) == (at, 0)
