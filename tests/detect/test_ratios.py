"""The ratio detector: transcripts on a fake clock."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.ratios import Ratios
from tests.detect.traffic import DAY, HOUR, MONDAY, TICK, H


class Told:
    """One route of `rate` requests a tick whose share of errors is told."""

    def __init__(self, rate: float, usual: float) -> None:
        """It has lived a week with the `usual` share."""
        self.detector, self.rate, self.at = Ratios(1), rate, float(MONDAY)
        self.detector.watch.age[:] = 7 * DAY
        self.detector.watch.onset[:] = MONDAY
        self.detector.state.count[:] = rate * DAY * 1.44
        self.detector.state.bad[:] = rate * DAY * 1.44 * usual
        self.draw = np.random.default_rng(1)
        self.opened: list[float] = []

    def ticks(self, count: int, share: float, frozen: bool = False) -> int:
        before = len(self.opened)
        for _ in range(count):
            requests = self.draw.poisson(self.rate, 1)
            bad = self.draw.binomial(requests, share)
            self.seen = self.detector.observe(self.at, bad.astype(float), requests.astype(float), np.array([H]), frozen)
            self.opened += [self.at] * int(self.seen.opened[0])
            self.at += TICK
        return len(self.opened) - before


@pytest.fixture
def learned():
    told = Told(200, 0.003)
    assert told.ticks(60, 0.003) == 0
    return told


def test_a_fifth_of_errors_is_an_alarm_within_a_minute_and_is_not_learned(learned):
    began = learned.at
    usual = learned.seen.usual[0]
    assert learned.ticks(6, 0.2) == 1
    assert began - 3 * TICK <= learned.seen.onset[0] <= began
    assert learned.seen.alarm[0]
    learned.ticks(HOUR - 60, 0.2)
    assert learned.seen.usual[0] == pytest.approx(usual, rel=0.05)
    learned.ticks(40, 0.003)
    assert not learned.seen.alarm[0]


def test_a_single_bad_tick_is_no_alarm(learned):
    assert learned.ticks(1, 0.5) == 0
    assert learned.ticks(30, 0.003) == 0


def test_a_new_share_is_accepted_after_an_hour_and_forgotten_within_hours(learned):
    assert learned.ticks(2 * HOUR, 0.3) == 1
    assert not learned.seen.alarm[0]
    learned.ticks(6 * HOUR, 0.003)
    assert learned.seen.usual[0] < 0.1
    assert learned.ticks(6, 0.5) == 1


def test_errors_of_a_route_with_hardly_any_traffic_are_found_in_minutes():
    told = Told(0.5, 0.003)
    told.ticks(60, 0.0)
    told.ticks(60, 1.0)
    assert told.seen.alarm[0]


def test_two_errors_are_never_an_alarm():
    told = Told(0.5, 0.003)
    told.ticks(60, 0.0)
    for bad in (1.0, 0.0, 0.0, 1.0, 0.0):
        seen = told.detector.observe(told.at, np.array([bad]), np.array([bad]), np.array([1.0]))
        told.at += TICK
        assert not seen.alarm[0]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=100))
def test_restored_from_bytes_it_goes_on_identically(bad):
    first, second, h, count = Ratios(1), Ratios(1), np.array([H]), np.array([100.0])
    for tick in range(200):
        first.observe(MONDAY + tick * TICK, np.array([1.0]), count, h)
    for name, columns in vars(first).items():
        setattr(second, name, type(columns).from_bytes(columns.to_bytes()))
    for tick, each in enumerate(bad):
        at = MONDAY + (200 + tick) * TICK
        assert (first.observe(at, np.array([float(each)]), count, h).excess
                == second.observe(at, np.array([float(each)]), count, h).excess)
