"""An override has a reason, somebody who made it, and an end."""
import dataclasses

import pytest

from gateway.model import override as overrides
from gateway.model.override import BREAKER, CLOSE, ISOLATION, OPEN, override
from gateway.model.safeguards import SECOND

NOW = 1_700_000_000 * SECOND
MINUTE = 60 * SECOND


def made(reason="leaks data", value=CLOSE, **more):
    return override(ISOLATION, "route:list-orders", value, reason, "ops", NOW, **more)


def test_it_ends_by_itself_after_half_an_hour_unless_told_otherwise():
    assert made().is_active(NOW + 30 * MINUTE - 1)
    assert not made().is_active(NOW + 30 * MINUTE)
    assert made(ttl=5 * MINUTE).expires_ns == NOW + 5 * MINUTE


def test_one_that_was_ended_is_not_active():
    ended = dataclasses.replace(made(), ended="released", ended_ns=NOW)
    assert not ended.is_active(NOW)
    assert ended.left(NOW) == 0


@pytest.mark.parametrize("ttl", [-1, 0, SECOND - 1, 31 * 24 * 60 * MINUTE])
def test_it_is_never_for_ever(ttl):
    with pytest.raises(ValueError, match="ttl must be 1s to 720h"):
        made(ttl=ttl)


@pytest.mark.parametrize("reason", ["", "  ", "\n", "x" * 501, "red \x1b[31m", "\ud800"])
def test_it_needs_a_reason_that_can_be_shown(reason):
    with pytest.raises(ValueError, match="a reason of 1 to 500 printable characters is needed"):
        made(reason)


def test_it_needs_to_say_who_makes_it():
    with pytest.raises(ValueError, match="who makes it"):
        override(ISOLATION, "route:r", CLOSE, "why", "", NOW)


def test_a_value_belongs_to_its_kind():
    with pytest.raises(ValueError, match="write open or closed"):
        override(BREAKER, "upstream:u", "half-open", "why", "ops", NOW)


def test_reason_and_note_are_one_line():
    found = made(" leaks\n data ", note="ann\x1b[31m\n of ops" + "x" * 200)
    assert found.reason == "leaks data"
    assert found.note.startswith("ann[31m of ops")
    assert len(found.note) == overrides.NOTE_MAX


def test_it_explains_itself():
    found = made(ttl=MINUTE, note="ana").explain(NOW + 15 * SECOND)
    assert (found.observed, found.decision) == ("ops ana: leaks data", "route:list-orders isolated for another 45s")
    assert made().explain(NOW + 31 * MINUTE).decision == "route:list-orders is as the config says"
    forced = override(BREAKER, "upstream:u", OPEN, "why", "ops", NOW, MINUTE)
    assert forced.explain(NOW).decision == "upstream:u forced OPEN for another 1m"
