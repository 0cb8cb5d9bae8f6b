import numpy as np

from gateway.detect import burn
from gateway.detect.burn import CALM, DAY, HOUR, MINUTE, Sums

THREE_NINES = 999_000.0


def steady(share: float, requests_per_second: float = 10.0) -> dict[int, tuple[int, int]]:
    return {window: (int(requests_per_second * window), int(share * requests_per_second * window))
            for window in burn.WINDOWS}


def found(windows: dict[int, tuple[int, int]], success: float = THREE_NINES) -> burn.Rule | None:
    """Of one route; windows that are not told had no request."""
    sums = {window: Sums(*(np.array([float(value)]) for value in windows.get(window, (0, 0))))
            for window in burn.WINDOWS}
    number, = burn.burning(sums, np.array([success]))
    return None if number == CALM else burn.RULES[number]


def test_two_per_cent_of_the_budget_in_an_hour_is_a_page():
    rule = found(steady(0.015))
    assert rule is not None
    assert (rule.severity, rule.long) == ("page", HOUR)


def test_a_slow_burn_is_a_ticket():
    rule = found(steady(0.0011))
    assert rule is not None
    assert (rule.severity, rule.long) == ("ticket", 3 * DAY)


def test_what_is_over_does_not_burn():
    assert found({HOUR: (36_000, 3_600), 5 * MINUTE: (3_000, 0)}) is None


def test_fewer_than_ten_bad_requests_never_burn():
    assert found({HOUR: (90, 9), 5 * MINUTE: (9, 9)}) is None
    assert found({HOUR: (90, 10), 5 * MINUTE: (9, 9)}) is not None


def test_no_requests_are_quiet():
    assert found({}) is None
    assert found(steady(0.0)) is None


def test_a_promise_of_everything_cannot_be_measured():
    assert found(steady(0.5), 1_000_000) is None


def test_each_route_has_its_own_promise():
    sums = {window: Sums(np.full(2, 1000.0), np.full(2, 20.0)) for window in burn.WINDOWS}
    assert burn.burning(sums, np.array([THREE_NINES, 500_000.0])).tolist() == [0, CALM]
