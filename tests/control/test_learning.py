"""Detectors learn from the stored windows what they would have known, had they watched: ready at once."""
from pathlib import Path

import numpy as np
import pytest

from gateway.control import learning
from gateway.detect.watched import Observed, Watch, Watched
from gateway.record.ticks import TICK, Ticks, coded
from gateway.record.window_store import GATEWAY, WindowStore
from tests.detect.traffic import MONDAY

DAY, HOUR = 86_400, 3_600
START = MONDAY + 7 * 86_400


def ticks(count: int, mean: float, seed: int) -> Ticks:
    draw, made = np.random.default_rng(seed), np.zeros(count, TICK)
    made["requests"] = draw.poisson(mean, count)
    made["errors"] = draw.binomial(made["requests"], 0.003)
    made["total_p50"], made["total_p99"] = coded(np.array([20_000.0])), coded(np.array([80_000.0]))
    return made


def stored(folder: Path, days: float) -> tuple[WindowStore, int]:
    """Days of 200 requests a tick and nights of a tenth of that, an hour at a time, as `fold` writes them."""
    store, now = WindowStore(folder / "windows.sqlite", 2**30), START
    for hour in range(int(days * 24)):
        whole = ticks(HOUR // 10, 200 if 8 <= hour % 24 < 20 else 20, hour)
        with store._transaction():
            for name in ("route:orders", GATEWAY):
                store._fold_series(store._id(name), now, now + 10 * np.arange(len(whole)), whole)
        now += HOUR
    return store, now


@pytest.fixture(autouse=True)
def _watches_two_hours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours instead of two days: the same, in a fraction of the time."""
    monkeypatch.setattr(learning, "REPLAYED", 720)


@pytest.fixture
def fortnight(tmp_path: Path) -> tuple[WindowStore, int]:
    return stored(tmp_path, 14)


@pytest.fixture
def knowing(fortnight: tuple[WindowStore, int]) -> Watched:
    return learning.learned(fortnight[0], [Watch("orders"), Watch("new")], fortnight[1])


def test_the_hours_of_the_week_and_the_usual_errors_are_known(knowing: Watched) -> None:
    rate, errors = knowing.anomalies.rate, knowing.anomalies.errors.state
    week = rate.baseline.week[:, 0]
    hours = (START // HOUR + np.arange(168)) % 168
    assert not np.isnan(week).any()
    assert week[hours[12]] == pytest.approx(200, rel=0.1)
    assert week[hours[24 * 6 + 2]] == pytest.approx(20, rel=0.1)
    assert errors.bad[0] / errors.count[0] == pytest.approx(0.003, rel=0.2)
    assert rate.baseline.trusted[0] == 1


def test_an_old_outage_is_not_the_usual(fortnight: tuple[WindowStore, int]) -> None:
    store, now = fortnight
    silent, at = ticks(360, 0, 1), START + (7 * 24 + 12) * HOUR
    with store._transaction():
        store._fold_series(store._id("route:orders"), at, at + 10 * np.arange(360), silent)
    found = learning.learned(store, [Watch("orders")], now)
    assert found.anomalies.rate.baseline.week[at // HOUR % 168, 0] > 150


def test_a_route_that_is_as_ever_after_it_has_learned_is_no_anomaly(knowing: Watched) -> None:
    draw = np.random.default_rng(5)
    for at in range(int(knowing.at) + 10, int(knowing.at) + 2 * HOUR, 10):
        requests = np.array([float(draw.poisson(20)), 0.0])
        knowing.tick(at, Observed(requests, np.zeros(2), np.array([20.0, np.nan])))
    assert knowing.anomalies.rate.evidence.log[:, 0].max() < 5
    assert knowing.anomalies.errors.state.log[:, 0].max() < 5


def test_watching_goes_on_where_the_store_ends(knowing: Watched, fortnight: tuple[WindowStore, int]) -> None:
    assert knowing.at == fortnight[1] - 10


def test_a_state_that_was_kept_only_catches_up(fortnight: tuple[WindowStore, int], knowing: Watched) -> None:
    store, now = fortnight
    left = learning.kept(knowing.to_bytes(), knowing.watches, now)
    assert left is not None
    left.at = now - 610
    samples = left.anomalies.minute_rate.state.samples[0]
    assert learning.learned(store, knowing.watches, now, left).anomalies.minute_rate.state.samples[0] == samples + 10


def test_what_is_older_than_the_replay_reaches_is_not_gone_on_with(knowing: Watched) -> None:
    assert learning.kept(knowing.to_bytes(), knowing.watches, int(knowing.at) + 4 * DAY) is None
    assert learning.kept(b"broken", knowing.watches, int(knowing.at)) is None


def test_hours_in_which_the_gateway_was_down_teach_nothing(tmp_path: Path) -> None:
    store, now = stored(tmp_path, 1 / 24)
    watched = learning.learned(store, [Watch("orders")], now + 5 * HOUR)
    assert watched.anomalies.rate.baseline.age.tolist() == [360]
    assert watched.conditions()["orders"].warming_up_seconds == 2 * DAY - HOUR


def test_an_empty_store_begins_at_nothing(tmp_path: Path) -> None:
    store = WindowStore(tmp_path / "windows.sqlite", 2**30)
    assert learning.learned(store, [Watch("orders")], START).conditions()["orders"].warming_up_seconds == 2 * DAY
    assert learning.learned(store, [], START).names == []
