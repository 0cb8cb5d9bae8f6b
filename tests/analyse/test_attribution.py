"""Who holds the failures that are too many: told as small incidents."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.analyse.attribution import Attribution, Reach, attribute
from gateway.analyse.excess import Counts, expected, least_failures, two_rates, whole, worth
from gateway.analyse.table import Table, table

COLUMNS = ("route", "endpoint", "version")
ROUTES, ENDPOINTS, VERSIONS = ("orders", "carts", "users"), ("9001", "9002", "9003"), ("1.4.1", "1.4.2")


def requests(failing: dict[tuple[str, ...], float], each: int = 200) -> tuple[list[dict[str, str]], list[float]]:
    """`each` requests of every combination; `failing`: which share of a combination fails, 1 % where not said."""
    rows, bad = [], []
    for route in ROUTES:
        for endpoint in ENDPOINTS:
            for version in VERSIONS:
                share = max((share for place, share in failing.items() if set(place) <= {route, endpoint, version}),
                            default=0.01)
                rows += [{"route": route, "endpoint": endpoint, "version": version}] * each
                bad += [1.0] * round(share * each) + [0.0] * (each - round(share * each))
    return rows, bad


def incident(failing: dict[tuple[str, ...], float], usual: dict[tuple[str, ...], float] | None = None) -> Attribution:
    now, bad = requests(failing)
    before, bad_before = requests(usual or {})
    return attribute(table(COLUMNS, now, before, bad=[*bad, *bad_before]))


def named(answer: Attribution) -> list[dict[str, str]]:
    return [each.conditions for each in answer.causes]


def test_one_bad_endpoint_is_named_with_its_share() -> None:
    answer = incident({("9002",): 0.5})
    assert named(answer) == [{"endpoint": "9002"}]
    assert answer.cover == pytest.approx(1.0, abs=0.05)
    assert str(answer) == "100% of the new failures: endpoint 9002"


def test_a_version_that_fails_on_one_route_only_is_a_pair() -> None:
    assert named(incident({("carts", "1.4.2"): 0.6})) == [{"route": "carts", "version": "1.4.2"}]


def test_three_conditions() -> None:
    assert named(incident({("carts", "9003", "1.4.2"): 0.8})) == [
        {"route": "carts", "endpoint": "9003", "version": "1.4.2"}]


def test_two_causes_at_once_are_both_named() -> None:
    answer = incident({("orders", "9001"): 0.9, ("users", "9003"): 0.9})
    assert sorted(named(answer), key=str) == [
        {"route": "orders", "endpoint": "9001"}, {"route": "users", "endpoint": "9003"}]


def test_an_outage_everywhere_is_narrowed_by_nothing() -> None:
    answer = incident(dict.fromkeys([(route,) for route in ROUTES], 0.4))
    assert answer.reach is Reach.GLOBAL
    assert str(answer) == "no recorded dimension narrows it"


def test_what_always_failed_is_not_blamed() -> None:
    answer = incident({("users",): 0.5, ("9002",): 0.3}, usual={("users",): 0.5})
    assert named(answer)[0]["endpoint"] == "9002"
    assert not any(each == {"route": "users"} for each in named(answer))


def test_a_quiet_minute_has_no_cause() -> None:
    assert incident({}).reach is Reach.NOTHING


def test_no_failure_at_all() -> None:
    rows, _ = requests({})
    assert attribute(table(COLUMNS, rows, rows)).reach is Reach.NOTHING


def test_no_history_at_all_still_finds_the_place() -> None:
    now, bad = requests({("9002",): 0.5})
    assert named(attribute(table(COLUMNS, now, [], bad=bad))) == [{"endpoint": "9002"}]


def test_what_was_not_recorded_is_never_named() -> None:
    now, bad = requests({("9002",): 0.9})
    before, bad_before = requests({})
    for row, failed in zip([*now, *before], [*bad, *bad_before], strict=True):
        row["version"] = "" if failed else row["version"]          # no answer, so none that names its version
    answer = attribute(table(COLUMNS, now, before, bad=[*bad, *bad_before]))
    assert named(answer) == [{"endpoint": "9002"}]
    assert all("" not in each.conditions.values() for each in answer.runners_up)


def test_what_holds_everything_is_no_runner_up() -> None:
    rows, bad = requests({(place,): 0.6 for place in ENDPOINTS})
    before, bad_before = requests({})
    for row in (*rows, *before):
        row["version"] = "1.4.1"
    answer = attribute(table(COLUMNS, rows, before, bad=[*bad, *bad_before]))
    assert answer.reach is Reach.GLOBAL
    assert {"version": "1.4.1"} not in [each.conditions for each in answer.runners_up]


def test_a_client_that_most_of_a_surge_comes_from_is_named_though_others_send_more_too() -> None:
    everyone = [f"198.51.100.{number}" for number in range(10)]

    def grown(client: str, requests: int) -> Attribution:
        before = [{"client": each, "route": "orders"} for each in everyone for _ in range(100)]
        now = [{"client": each, "route": "orders"} for each in everyone for _ in range(130)]
        now += [{"client": client, "route": "orders"}] * requests
        return attribute(table(("client", "route"), now, before, bad=[0.0] * (len(now) + len(before))))

    surge = grown("203.0.113.9", 450).surge
    assert surge is not None
    assert (surge.conditions, round(surge.share, 2)) == ({"client": "203.0.113.9"}, 0.6)
    few = grown("203.0.113.9", 200).surge
    assert few is None or few.conditions != {"client": "203.0.113.9"}


def test_a_proxy_that_is_half_of_the_traffic_and_grows_with_it_does_not_surge() -> None:
    def rows(times: int) -> list[dict[str, str]]:
        clients = ["proxy"] * 500 + [f"198.51.100.{number}" for number in range(50)] * 10
        return [{"client": each} for each in clients] * times

    now, before = rows(2), rows(1)
    assert attribute(table(("client",), now, before, bad=[0.0] * (len(now) + len(before)))).surge is None


def test_a_surge_is_named_where_everyone_fails() -> None:
    now, bad = requests(dict.fromkeys([(route,) for route in ROUTES], 0.3))
    more = [{"route": "carts", "endpoint": "9001", "version": "1.4.2"}] * 3000
    before, bad_before = requests({})
    failing = [float(index % 10 < 3) for index in range(len(more))]
    answer = attribute(table(COLUMNS, now + more, before, bad=[*bad, *failing, *bad_before]))
    assert answer.reach is Reach.GLOBAL
    assert answer.surge is not None


def test_aggregated_rows_say_the_same_as_single_requests() -> None:
    now, bad = requests({("carts", "1.4.2"): 0.6})
    before, bad_before = requests({})
    single = attribute(table(COLUMNS, now, before, bad=[*bad, *bad_before]))
    kinds = [{"route": r, "endpoint": e, "version": v} for r in ROUTES for e in ENDPOINTS for v in VERSIONS]
    failed = [120.0 if each["route"] == "carts" and each["version"] == "1.4.2" else 2.0 for each in kinds]
    whole_rows = attribute(table(COLUMNS, kinds, kinds, count=[200.0] * 36, bad=failed + [2.0] * 18))
    assert named(whole_rows) == named(single)
    assert whole_rows.cover == pytest.approx(single.cover)


@given(st.integers(0, 2**32 - 1))
def test_shares_are_finite_and_causes_are_disjoint(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = 400
    codes = tuple(draw.integers(0, 3, rows).astype(np.uint16) for _ in range(3))
    bad = (draw.random(rows) < draw.choice([0.05, 0.5, 0.9], rows)).astype(float)
    made = Table(COLUMNS, (("a", "b", "c"),) * 3, codes, np.ones(rows), bad, int(draw.integers(0, rows + 1)))
    answer = attribute(made)
    assert all(math.isfinite(each.share) and each.excess > 0 for each in answer.causes)
    assert len(answer.causes) <= 3
    assert len({str(each.conditions) for each in answer.causes}) == len(answer.causes)


@given(st.floats(1, 1e4), st.floats(0, 1e3), st.floats(0, 1e4))
def test_the_least_number_of_failures_is_a_true_bound(target: float, excess: float, count: float) -> None:
    of = whole(1e4, 1e5, 100.0, 1e5)
    count = max(count, excess)
    least = least_failures(target, excess, count, of)
    if 1 < least < math.inf:
        fewer = least * 0.99 - 0.01
        assert float(worth(excess + fewer, count + fewer, of)) <= target


@given(st.floats(0, 1e4), st.floats(1, 1e5), st.floats(0, 1e4), st.floats(1, 1e5))
def test_the_likelihood_ratio_is_never_negative(bad: float, count: float, bad_before: float, before: float) -> None:
    assert float(two_rates(bad, count, bad_before, before)) >= -1e-6 * (bad + bad_before + 1)


def test_a_rise_in_volume_alone_is_expected_where_the_cell_always_failed() -> None:
    of = whole(100.0, 1000.0, 10.0, 500.0)
    always = Counts(*(np.array([value]) for value in (40.0, 50.0, 20.0, 25.0)))
    assert expected(always, of)[0] == pytest.approx(50 * (20 + 20 * of.usual) / 45)
