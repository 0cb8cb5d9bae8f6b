"""An isolation names its target, who asked for it, why, and when it ends."""

import pytest

from gateway.isolate import isolation
from gateway.isolate.isolation import Target
from gateway.model.safeguards import SECOND

NOW = 1_700_000_000 * SECOND
MINUTE = 60 * SECOND


def made(target: str = "route:list-orders", reason: str = "leaks data", **more):
    return isolation.isolate(target, "ana", reason, NOW, **more)


@pytest.mark.parametrize(("text", "target"), [
    ("route:list-orders", Target("route", "list-orders")),
    ("upstream:orders", Target("upstream", "orders")),
    ("endpoint:127.0.0.1:9001", Target("endpoint", "127.0.0.1:9001")),
    ("endpoint:orders/[::1]:9001", Target("endpoint", "orders/[::1]:9001")),
    ("client:2001:db8::7", Target("client", "2001:db8::7")),
])
def test_a_target_is_read_and_written_alike(text, target):
    assert isolation.parse_target(text) == target
    assert str(target) == text


@pytest.mark.parametrize("text", ["list-orders", "rout:x", "", ":", "Route:x"])
def test_what_is_no_target_is_answered_with_what_to_write(text):
    with pytest.raises(ValueError, match="write route:NAME, upstream:NAME"):
        isolation.parse_target(text)


@pytest.mark.parametrize("text", ["route:", "client: x", "client:a\nb", "client:" + "x" * 257])
def test_a_name_is_printable_and_bounded(text):
    with pytest.raises(ValueError, match="needs a name"):
        isolation.parse_target(text)


def test_it_ends_by_itself_after_half_an_hour_unless_told_otherwise():
    found = made()
    assert found.is_active(NOW)
    assert found.is_active(NOW + 30 * MINUTE - 1)
    assert not found.is_active(NOW + 30 * MINUTE)
    assert made(ttl=5 * MINUTE).expires == NOW + 5 * MINUTE


@pytest.mark.parametrize("ttl", [-1, 0, SECOND - 1, 31 * 24 * 60 * MINUTE])
def test_it_is_never_for_ever(ttl):
    with pytest.raises(ValueError, match="ttl must be 1s to 720h"):
        made(ttl=ttl)


@pytest.mark.parametrize("reason", ["", "  ", "\n", "x" * 501])
def test_it_needs_a_reason(reason):
    with pytest.raises(ValueError, match="needs a reason"):
        made(reason=reason)


def test_it_needs_an_actor():
    with pytest.raises(ValueError, match="needs an actor"):
        isolation.isolate("route:r", " ", "why", NOW)


def test_a_reason_is_one_line():
    assert made(reason=" leaks\n data ").reason == "leaks data"


def test_only_what_exists_can_be_isolated_but_any_client_can():
    isolation.check_known(Target("client", "192.0.2.7"), ())
    isolation.check_known(Target("endpoint", "a:1"), {"orders/a:1"})
    isolation.check_known(Target("endpoint", "orders/a:1"), {"orders/a:1"})
    with pytest.raises(ValueError, match="there is no route:orders; known here: list-orders"):
        isolation.check_known(Target("route", "orders"), {"list-orders"})


def test_of_two_for_one_target_the_longer_one_holds():
    short, long, other = made(ttl=MINUTE), made(ttl=2 * MINUTE, reason="still"), made("client:x", ttl=MINUTE)
    assert isolation.in_force([long, short, other], NOW) == {long.target: long, other.target: other}
    assert isolation.in_force([long, short, other], NOW + MINUTE) == {long.target: long}
    assert isolation.in_force([long], NOW + 2 * MINUTE) == {}


def test_its_end_moves_to_the_boards_clock():
    assert isolation.monotonic_until(made(ttl=MINUTE), NOW + 20 * SECOND, 1000) == 1000 + 40 * SECOND
    assert isolation.monotonic_until(made(ttl=MINUTE), NOW + 2 * MINUTE, 1000) == 1000


def test_it_explains_itself():
    found = made(ttl=MINUTE).explain(NOW + 15 * SECOND)
    assert (found.observed, found.decision) == ("ana: leaks data", "route:list-orders isolated for another 45s")
    assert made().explain(NOW + 31 * MINUTE).decision == "route:list-orders is free again"
