"""Checks in a row decide, never a single one."""

import pytest

from gateway.isolate import health
from gateway.isolate.health import Checked
from gateway.model.safeguards import SECOND, Health

PARAMS = Health(path="/healthz", mode="enforce")


def checked(*found: int) -> Checked:
    state = Checked()
    for status in found:
        state = health.observe(state, health.is_good(status), str(status), PARAMS)
    return state


@pytest.mark.parametrize(("found", "healthy"), [
    ((), True), ((503, 503), True), ((503, 503, 503), False), ((503, 503, 200, 503, 503), True),
    ((503, 503, 503, 200), False), ((503, 503, 503, 200, 204), True), ((503, 503, 503, 200, 500, 301), False),
])
def test_a_row_of_checks_decides(found, healthy):
    assert checked(*found).healthy is healthy


def test_redirects_are_good_and_errors_are_not():
    assert [status for status in (101, 200, 302, 399, 400, 404, 500) if health.is_good(status)] == [200, 302, 399]


def test_the_next_check_is_spread_by_a_tenth():
    assert health.next_check(0, PARAMS, -1) == 4.5 * SECOND
    assert health.next_check(0, PARAMS, 1) == 5.5 * SECOND


def test_it_explains_itself():
    told = health.explain(checked(503), PARAMS)
    assert str(told) == ("health: /healthz found 503, 1 in a row say otherwise; threshold 2 good in a row to come in, "
                         "3 bad to go out, every 5 s; in")
