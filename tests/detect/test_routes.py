"""All detectors of all routes, as control meets them."""
import math

import numpy as np
import pytest

from gateway.detect.routes import RouteDetectors, Ticks
from gateway.model.signal import SignalKind
from tests.detect.traffic import DAY, MONDAY, settled

ZERO = np.zeros(2)


def lived(names: list[str]) -> RouteDetectors:
    found = RouteDetectors(names)
    found.rate = settled([200.0] * len(names))
    for ratios in (found.errors, found.slow):
        ratios.watch.age[:] = 7 * DAY
        ratios.state.count[:] = 200 * DAY * 1.44
        ratios.state.bad[:] = ratios.state.count * 0.003
    return found


def test_errors_on_one_route_are_a_signal_on_that_route():
    found = lived(["orders", "login"])
    for tick in range(6):
        signals = found.tick(MONDAY + 10 * tick, Ticks(np.array([200.0, 200]), np.array([60.0, 1]), ZERO))
    signal, = signals
    assert (signal.kind, signal.target) == (SignalKind.ERRORS, "route:orders")
    assert MONDAY - 10 <= signal.onset_ns / 1e9 <= MONDAY
    assert signal.at_ns == (MONDAY + 60) * 10**9


def test_a_route_that_fails_while_it_warms_up_is_a_signal_all_the_same():
    found = RouteDetectors(["orders", "login", "rare"])
    count = np.array([20.0, 20, 3])
    for tick in range(12):
        assert found.tick(MONDAY + 10 * tick, Ticks(count, np.zeros(3), np.zeros(3))) == []
    told = [found.tick(MONDAY + 120 + 10 * tick, Ticks(count, np.array([20.0, 8, 3]), np.zeros(3)))
            for tick in range(12)]
    assert [len(each) for each in told] == [0, 0, *[1] * 10]        # 60 of 120 in the third tick
    signal, = told[-1]
    assert (signal.kind, signal.target) == (SignalKind.ERRORS, "route:orders")
    assert signal.observed == "100.0% of the last minute"
    assert 110 <= signal.onset_ns / 1e9 - MONDAY <= 130
    calm = [found.tick(MONDAY + 240 + 10 * tick, Ticks(count, np.zeros(3), np.zeros(3))) for tick in range(6)]
    assert calm[-1] == []


def test_a_signal_stands_while_it_is_so_and_is_the_same_one():
    found = lived(["orders", "login"])
    keys = set()
    for tick in range(30):
        for signal in found.tick(MONDAY + 10 * tick, Ticks(np.array([0.0, 200]), ZERO, ZERO)):
            keys.add(signal.key)
            last = tick
    assert keys == {("rate down", "route:orders", "")}
    assert last == 29


def test_a_busy_route_shows_more_than_a_quiet_one():
    busy, quiet = lived(["a", "b"]), lived(["a", "b"])
    quiet.errors.state.count[:] = 0.5 * DAY * 1.44
    much, little = busy.conditions()[0], quiet.conditions()[0]
    assert much.smallest_rise < 2
    assert much.sees_silence
    assert little.smallest_rise > 5
    assert little.smallest_error_share > much.smallest_error_share


def test_a_percentile_of_few_requests_is_not_looked_at():
    found = lived(["orders", "login"])
    found.minute(MONDAY, np.array([19.0, 20]), np.array([10.0, 10]))
    assert found.latency.state.samples.tolist() == [0, 1]


def test_a_route_of_no_budget_learns_and_raises_no_alarm():
    found = RouteDetectors(["orders", "login"], np.array([0.0, 1.0]))
    found.rate = settled([200.0, 200.0])
    signals = [signal for tick in range(6) for signal in found.tick(MONDAY + 10 * tick, Ticks(ZERO, ZERO, ZERO))]
    assert {signal.target for signal in signals} == {"route:login"}


def test_a_larger_budget_is_a_lower_threshold():
    found = RouteDetectors(["a", "b"], np.array([1.0, 10.0]))
    assert found.threshold[0] - found.threshold[1] == pytest.approx(math.log(10))
