"""All detectors of all routes, as control meets them."""
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


def test_a_signal_stands_while_it_is_so_and_is_the_same_one():
    found = lived(["orders", "login"])
    keys = set()
    for tick in range(30):
        for signal in found.tick(MONDAY + 10 * tick, Ticks(np.array([0.0, 200]), ZERO, ZERO)):
            keys.add(signal.key)
            last = tick
    assert keys == {("rate down", "route:orders", "")}
    assert last == 29


def test_routes_that_stay_keep_what_was_learned_by_name():
    found = lived(["orders", "login"])
    found.arrange(["new", "orders"])
    assert found.condition("orders").warming_up_seconds == 0
    assert found.condition("new").warming_up_seconds == 172_800
    assert "warming up" in str(found.condition("new"))
    with pytest.raises(ValueError, match="login"):
        found.condition("login")


def test_a_busy_route_shows_more_than_a_quiet_one():
    busy, quiet = lived(["a", "b"]), lived(["a", "b"])
    quiet.errors.state.count[:] = 0.5 * DAY * 1.44
    assert busy.condition("a").smallest_rise < 2
    assert busy.condition("a").sees_silence
    assert quiet.condition("a").smallest_rise > 5
    assert quiet.condition("a").smallest_error_share > busy.condition("a").smallest_error_share


def test_kept_as_bytes_it_goes_on_identically():
    found = lived(["orders", "login"])
    found.minute(MONDAY, np.array([1200.0, 1200]), np.array([20.0, float("nan")]))
    again = RouteDetectors.from_bytes(found.to_bytes())
    draw = np.random.default_rng(1)
    for tick in range(100):
        ticks = Ticks(draw.poisson(300, 2).astype(float), draw.poisson(30, 2).astype(float), ZERO)
        assert found.tick(MONDAY + 10 * tick, ticks) == again.tick(MONDAY + 10 * tick, ticks)
    assert found.to_bytes() == again.to_bytes()


def test_damaged_bytes_are_refused():
    kept = RouteDetectors(["orders"]).to_bytes()
    for broken in (b"", b"{}", kept[:-8], kept[:400] + b"x" * (len(kept) - 400)):
        with pytest.raises(ValueError, match="state"):
            RouteDetectors.from_bytes(broken)


def test_a_percentile_of_few_requests_is_not_looked_at():
    found = lived(["orders", "login"])
    found.minute(MONDAY, np.array([19.0, 20]), np.array([10.0, 10]))
    assert found.latency.state.samples.tolist() == [0, 1]
