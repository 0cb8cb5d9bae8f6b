"""What can be isolated, and what an isolation says."""
import pytest

from gateway.isolate import breaker, isolation
from gateway.isolate.isolation import UnknownTargetError
from gateway.model.override import BREAKER, CLOSE, ISOLATION, KEEP_OPEN
from gateway.model.safeguards import SECOND
from gateway.model.target import Target

NOW = 1_700_000_000 * SECOND


def test_an_isolation_is_an_override_of_its_target():
    made = isolation.isolate("client:::ffff:192.0.2.7", "abuse", "ops", NOW, ttl=60 * SECOND, note="ana")
    assert (made.kind, made.target, made.value, made.note) == (ISOLATION, "client:192.0.2.7", CLOSE, "ana")
    assert isolation.isolate("route:r", "why", "ops", NOW, keep_open=True).value == KEEP_OPEN


def test_what_is_no_target_cannot_be_isolated():
    with pytest.raises(ValueError, match="is not a target"):
        isolation.isolate("r", "why", "ops", NOW)


def test_a_breaker_is_forced_by_an_override_too():
    made = breaker.by_hand("orders", "open", "deploy", "ops", NOW)
    assert (made.kind, made.target, made.value) == (BREAKER, "upstream:orders", "open")


def test_only_what_exists_can_be_isolated_but_any_client_can():
    isolation.check_known(Target("client", "192.0.2.7"), ())
    isolation.check_known(Target("endpoint", "a:1"), {"orders/a:1"})
    isolation.check_known(Target("endpoint", "orders/a:1"), {"orders/a:1"})
    isolation.check_known(Target("endpoint", "unix:/run/a.sock"), {"orders/unix:/run/a.sock"})
    with pytest.raises(UnknownTargetError, match=r"there is no route:orders; known here: list-orders$"):
        isolation.check_known(Target("route", "orders"), {"list-orders"})


def test_of_many_names_only_some_are_listed():
    with pytest.raises(UnknownTargetError, match=r"r0, r1, .* and 5 more$"):
        isolation.check_known(Target("route", "x"), {f"r{number}" for number in range(15)})
