"""What the analysis of an incident is asked, from its signals."""
import pytest

from gateway.control import analysing
from gateway.model import incident as incidents
from gateway.model.signal import GATEWAY, Signal, SignalKind

BREAKER, ORDERS = "upstream:orders", "route:orders"


def opened(*signals: Signal) -> incidents.Incident:
    return incidents.opened(signals, 100)


def breaker(slow: float) -> Signal:
    return Signal(SignalKind.BREAKER_OPEN, BREAKER, 90, 80, statistic=slow)


@pytest.mark.parametrize(("signals", "slow"), [
    ((Signal(SignalKind.SLOW, ORDERS, 90, 80),), True),
    ((breaker(1.0),), True), ((breaker(1.0), Signal(SignalKind.SLOW, ORDERS, 90, 80)), True),
    ((breaker(0.2),), False), ((breaker(1.0), Signal(SignalKind.ERRORS, ORDERS, 90, 80)), False),
    ((Signal(SignalKind.RATE_UP, ORDERS, 90, 80),), False),
])
def test_it_is_about_slowness_where_nothing_fails_and_a_breaker_may_open_for_that(
        signals: tuple[Signal, ...], slow: bool) -> None:
    assert analysing._is_slow(opened(*signals)) is slow


def test_an_overload_counts_where_it_came_first() -> None:
    overload = Signal(SignalKind.GATEWAY_OVERLOADED, GATEWAY, 90, 80, "event-loop lag 102 ms")
    earlier, later = (Signal(SignalKind.ERRORS, ORDERS, 95, onset) for onset in (70, 85))
    assert analysing._overloaded(opened(overload, later)) == "event-loop lag 102 ms"
    assert analysing._overloaded(opened(overload, earlier)) == ""
