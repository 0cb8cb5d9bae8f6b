from gateway.detect import burn
from gateway.detect.burn import DAY, HOUR, MINUTE, Sum

THREE_NINES = 999_000


def steady(share: float, requests_per_second: float = 10.0) -> dict[int, Sum]:
    return {window: Sum(int(requests_per_second * window), int(share * requests_per_second * window))
            for window in burn.WINDOWS}


def test_two_per_cent_of_the_budget_in_an_hour_is_a_page():
    found = burn.burning(steady(0.015), THREE_NINES)
    assert found is not None
    assert (found.rule.severity, found.rule.long) == ("page", HOUR)


def test_a_slow_burn_is_a_ticket():
    found = burn.burning(steady(0.0011), THREE_NINES)
    assert found is not None
    assert (found.rule.severity, found.rule.long) == ("ticket", 3 * DAY)


def test_what_is_over_does_not_burn():
    windows = {HOUR: Sum(36_000, 3_600), 5 * MINUTE: Sum(3_000, 0)}
    assert burn.burning(windows, THREE_NINES) is None


def test_fewer_than_ten_bad_requests_never_burn():
    assert burn.burning({HOUR: Sum(90, 9), 5 * MINUTE: Sum(9, 9)}, THREE_NINES) is None
    assert burn.burning({HOUR: Sum(90, 10), 5 * MINUTE: Sum(9, 9)}, THREE_NINES) is not None


def test_no_requests_and_unknown_windows_are_quiet():
    assert burn.burning({}, THREE_NINES) is None
    assert burn.burning(steady(0.0), THREE_NINES) is None


def test_a_promise_of_everything_cannot_be_measured():
    assert burn.burning(steady(0.5), 1_000_000) is None
