"""Ticks go in, days and hours come out, whatever ends in between."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.record.ticks import TICK, Ticks, coded, hour_of, microseconds
from gateway.record.window_store import DAY, GATEWAY, HOUR, KEEP_DAYS, WindowStore

MONDAY = 20_000 * DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WindowStore]:
    opened = WindowStore(tmp_path / "windows.sqlite", 2**31)
    yield opened
    opened.close()


def tick(requests: int, errors: int = 0, median_us: float = 5000.0) -> Ticks:
    made = np.zeros((), dtype=TICK)
    made["requests"], made["errors"] = requests, errors
    made["total_p50"] = made["total_p99"] = coded(np.array([median_us]))[0]
    return made


def feed(store: WindowStore, first: int, last: int, **series: int) -> None:
    for at in range(first, last, 10):
        store.append(at, {GATEWAY: tick(1), **{name: tick(requests) for name, requests in series.items()}})


def fold_all(store: WindowStore, now: int, most: int = 200) -> None:
    while store.fold(now, most):
        pass


def test_ticks_are_read_back_before_and_after_their_hour_is_folded(store: WindowStore) -> None:
    feed(store, MONDAY, MONDAY + 2 * HOUR, orders=30)
    before = store.read("orders", MONDAY - HOUR, MONDAY + 3 * HOUR)
    fold_all(store, MONDAY + 2 * HOUR)
    after = store.read("orders", MONDAY - HOUR, MONDAY + 3 * HOUR)
    assert after["requests"].tolist() == [0] * 360 + [30] * 720 + [0] * 360
    assert (before == after).all()
    assert store.read_hours("orders", MONDAY, MONDAY + 3 * HOUR)["requests"].tolist() == [30 * 360, 30 * 360, 0]


def test_only_whole_hours_are_folded(store: WindowStore) -> None:
    feed(store, MONDAY, MONDAY + HOUR - 10, orders=1)
    assert store.fold(MONDAY + HOUR - 10) == 0
    assert store.fold(MONDAY + HOUR) == 2


def test_a_fold_goes_on_where_it_was_interrupted(store: WindowStore, tmp_path: Path) -> None:
    feed(store, MONDAY, MONDAY + HOUR, a=1, b=2, c=3)
    assert store.fold(MONDAY + HOUR, most=2) == 2
    store.close()
    again = WindowStore(tmp_path / "windows.sqlite", 2**31)
    fold_all(again, MONDAY + HOUR, most=2)
    for name, requests in (("a", 1), ("b", 2), ("c", 3)):
        assert again.read(name, MONDAY, MONDAY + HOUR)["requests"].tolist() == [requests] * 360
        assert again.read_hours(name, MONDAY, MONDAY + HOUR)["requests"].tolist() == [requests * 360]
    assert again.fold(MONDAY + HOUR) == 0
    again.close()


def test_a_tick_that_comes_late_is_folded_with_its_hour(tmp_path: Path) -> None:
    store = WindowStore(tmp_path / "w.sqlite", 2**30)
    for name in ("a", "b", "c"):
        store.append(MONDAY + 10 * "abc".index(name), {name: np.full(1, 7, TICK)})
    assert store.fold(MONDAY + HOUR, most=1) == 1
    store.append(MONDAY + 50, {"c": np.full(1, 9, TICK)})
    while store.fold(MONDAY + HOUR, most=1):
        continue
    assert store.read("c", MONDAY, MONDAY + 60)["requests"].tolist() == [0, 0, 7, 0, 0, 9]


def test_the_same_tick_again_is_not_twice(store: WindowStore) -> None:
    store.append(MONDAY + 3, {"orders": tick(7)})
    store.append(MONDAY, {"orders": tick(7)})
    assert store.read("orders", MONDAY, MONDAY + 10)["requests"].tolist() == [7]


def test_a_gap_is_told_from_a_quiet_time(store: WindowStore) -> None:
    feed(store, MONDAY, MONDAY + 30, orders=5)
    feed(store, MONDAY + 60, MONDAY + 90)
    assert store.up(MONDAY, MONDAY + 90).tolist() == [True] * 3 + [False] * 3 + [True] * 3
    assert store.read("orders", MONDAY, MONDAY + 90)["requests"].tolist() == [5, 5, 5, 0, 0, 0, 0, 0, 0]


def test_old_days_go(store: WindowStore) -> None:
    feed(store, MONDAY, MONDAY + HOUR, orders=5)
    fold_all(store, MONDAY + HOUR)
    store.prune(MONDAY + KEEP_DAYS * DAY)
    assert store.read("orders", MONDAY, MONDAY + HOUR)["requests"].sum() == 360 * 5
    store.prune(MONDAY + (KEEP_DAYS + 1) * DAY)
    assert store.read("orders", MONDAY, MONDAY + HOUR)["requests"].sum() == 0
    assert store.read_hours("orders", MONDAY, MONDAY + HOUR)["requests"].tolist() == [360 * 5]


def test_when_full_the_least_active_series_go_first(store: WindowStore) -> None:
    names = {f"route-{number:02}": number for number in range(1, 21)}
    feed(store, MONDAY, MONDAY + HOUR, **names)
    fold_all(store, MONDAY + HOUR)
    store.max_bytes = int(store.bytes() * 0.7)
    assert store.prune(MONDAY + DAY) == store.usage().dropped > 0
    assert store.bytes() <= store.max_bytes
    left = [name for name in names if store.read(name, MONDAY, MONDAY + HOUR)["requests"].sum()]
    assert 0 < len(left) < 20
    assert left == sorted(names)[-len(left):]


def test_an_unknown_series_is_empty(store: WindowStore) -> None:
    assert not store.read("nobody", MONDAY, MONDAY + HOUR)["requests"].any()
    assert not store.read_hours("nobody", MONDAY, MONDAY + HOUR)["requests"].any()
    assert len(store.read("nobody", MONDAY, MONDAY)) == 0


def test_an_hour_adds_up_and_keeps_the_worst_tail() -> None:
    hour = hour_of(np.array([tick(10, 1, 1000.0), tick(30, 2, 4000.0), tick(0, 0, 0.0)]))
    assert (hour["requests"][0], hour["errors"][0]) == (40, 3)
    assert microseconds(hour["total_p99"])[0] == pytest.approx(4000, rel=1e-3)
    assert 1000 < microseconds(hour["total_p50"])[0] < 4000


@given(st.floats(0, 3.6e9))
def test_a_duration_survives_its_code(us: float) -> None:
    back = microseconds(coded(np.array([us])))[0]
    assert np.isnan(back) if us < 1e-4 else back == pytest.approx(us, rel=4e-4, abs=4e-4)
