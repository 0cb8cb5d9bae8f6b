"""A client surges where it sends far more than ever lately, and the whole feels it; and not otherwise."""
import pytest

from gateway.detect import surges
from gateway.detect.surges import Heard
from gateway.model.signal import SignalKind

SECOND = 10**9
NOW = 10_000 * SECOND
QUIET = [1000] * 24


def seen(windows: list[int], total: list[int]) -> list[str]:
    return [each.target for each in surges.surges([Heard("192.0.2.7", windows)], total, NOW)]


def test_a_client_that_sends_ten_times_as_much_surges_since_it_began():
    total = [*QUIET[:-2], 1900, 1900]
    found = surges.surges([Heard("192.0.2.7", [*[100] * 22, 1000, 1000])], total, NOW)
    assert [(each.kind, each.target, each.onset_ns) for each in found] == [
        (SignalKind.RATE_UP, "client:192.0.2.7", NOW - 20 * SECOND)]
    assert found[0].observed == "100 requests/s"


def test_one_that_was_never_seen_surges_too():
    assert seen([*[0] * 21, 800, 800, 800], [*QUIET[:-3], 1800, 1800, 1800]) == ["client:192.0.2.7"]


@pytest.mark.parametrize(("windows", "total"), [
    ([900] * 24, QUIET),                                                    # a proxy: always most of it
    ([*[900] * 22, 1700, 1700], [*QUIET[:-2], 1800, 1800]),                 # more, and less than three times as much
    ([*[0] * 22, 900, 900], QUIET),                                         # it took another one's place
    ([*[10] * 22, 99, 99], [*[60] * 22, 149, 149]),                         # too few to mean anything
    ([*[0] * 22, 300, 300], [*QUIET[:-2], 1400, 1400]),                     # not enough of the whole
    ([*[0] * 22, 5000, 100], [*QUIET[:-2], 6000, 1100]),                    # a burst of ten seconds
    ([*[0] * 10, 2000, *[0] * 11, 2000, 2000], [*QUIET[:22], 3000, 3000]),  # it did so ten minutes ago
])
def test_what_is_no_surge(windows: list[int], total: list[int]):
    assert seen(windows, total) == []


def test_nothing_is_said_before_two_minutes_are_known():
    assert seen([*[0] * 11, 800, 800], [*[1000] * 11, 1800, 1800]) == []
    assert seen([*[0] * 12, 800, 800], [*[1000] * 12, 1800, 1800]) == ["client:192.0.2.7"]
    assert seen([], []) == []


@pytest.mark.parametrize("minutes", [1, 5, 12])
def test_a_surge_goes_on_for_as_long_as_there_is_a_time_before_it(minutes: int):
    back = minutes * 6
    windows, total = [50] * (90 - back) + [900] * back, [1000] * (90 - back) + [1850] * back
    found = surges.surges([Heard("192.0.2.7", windows)], total, NOW)
    assert [each.onset_ns for each in found] == [NOW - minutes * 60 * SECOND]
    assert seen([*windows[back:], *[900] * back], [*total[back:], *[1850] * back]) == (
        [] if 90 - 2 * back < surges.HISTORY_LEAST else ["client:192.0.2.7"])
