"""What a signal is called, and when two are the same."""
import dataclasses

from gateway.model.signal import ANOMALIES, REPORTS, Signal, SignalKind

SIGNAL = Signal(SignalKind.ERRORS, "route:list", 100, 40, "12 of 100 failed", "1 %", 3.0)


def test_a_later_sighting_with_other_numbers_is_the_same_signal():
    later = dataclasses.replace(SIGNAL, at_ns=200, observed="30 of 100 failed", statistic=9.0)
    assert later.key == SIGNAL.key


def test_two_limits_of_one_route_are_two_signals():
    one, two = (Signal(SignalKind.LIMIT_SATURATED, "route:list", 1, 1, reference=name) for name in ("a", "b"))
    assert one.key != two.key


def test_it_says_what_was_seen_and_what_that_was_held_against():
    assert str(SIGNAL) == "errors on route:list: 12 of 100 failed, threshold 1 %"


def test_a_report_is_no_anomaly():
    assert not ANOMALIES & REPORTS
