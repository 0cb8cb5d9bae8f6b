"""Windows in a real store through the production detectors under many budgets, and the file that comes of it.

Detectors are silent for two days; here they are made to speak after an hour, so that a morning of windows is enough.
"""
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from gateway.cli import main
from gateway.control import history, regression, tuning
from gateway.control.history import History
from gateway.control.tuning import TuningQuestion
from gateway.detect import watch
from gateway.model.proposal import Proposal, ProposalKind
from gateway.prevent.tuning import Labelled
from gateway.record.proposals import from_document
from gateway.record.ticks import SECONDS, TICK, coded
from gateway.record.window_store import GATEWAY, NAME, WindowStore

HOUR = 3600
FIRST = 1_700_000_000 // HOUR * HOUR
ONSET, OVER = FIRST + 2 * HOUR + 1_234, FIRST + 2 * HOUR + 1_534
CONFIG = """\
version: 1
listeners: [{address: "127.0.0.1:8080"}]
upstreams: {orders: {endpoints: ["127.0.0.1:9001"]}}
routes:
  - {name: list, match: {path: /list}, upstream: orders}
"""


def windows(folder: Path, share: float = 0.08) -> None:
    """Steady traffic of 20/s with a few errors; from ONSET to OVER `share` of it fails."""
    store, random = WindowStore(folder / NAME, 0), np.random.default_rng(5)
    for at in range(FIRST, OVER + 600, SECONDS):
        tick = np.zeros(1, TICK)
        tick["requests"] = random.poisson(200)
        tick["errors"] = random.binomial(int(tick["requests"][0]), share if ONSET <= at < OVER else 0.01)
        tick["total_p50"], tick["total_p99"] = coded(np.array([20_000.0])), coded(np.array([60_000.0]))
        store.append(at, {"route:list": tick, GATEWAY: tick})
    store.close()


def question(budget: int = 1) -> TuningQuestion:
    of = Labelled(7, frozenset({"list"}), ONSET, OVER)
    return TuningQuestion(7, "errors on route:list", ONSET, OVER, 300.0, (("list", 0, budget),), (of,), CONFIG, 3)


def warm_up_an_hour(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(watch, "WARM_UP_TICKS", HOUR // SECONDS)
    patched.setattr(history, "WARM_UP", HOUR)
    patched.setattr(history, "UNPRIMED", 0)
    patched.setattr(regression, "BEFORE", 2 * HOUR)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up_an_hour(monkeypatch)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patched:
        warm_up_an_hour(patched)
        folder = tmp_path_factory.mktemp("state")
        windows(folder)
        found: dict[str, Any] = json.loads(json.dumps(tuning.tune(folder, question(), 5)))
        return found


def drill(tuned: dict[str, Any]) -> Proposal:
    return next(from_document(each) for each in tuned["proposals"] if each["kind"] == ProposalKind.DRILL)


def test_the_windows_say_which_budgets_would_have_fired_earlier_and_at_which_price(tuned: dict[str, Any]) -> None:
    assert tuned["examined"].endswith("1 incidents, budgets 1, 2, 5, 10, 30, 100")
    delays = [seconds for _, seconds, _ in tuned["would_have_fired"]]
    assert len(delays) == 6
    assert delays == sorted(delays, reverse=True)
    assert 0 < delays[-1] <= delays[0] < 300
    assert all("with 95 % confidence" in price for _, _, price in tuned["would_have_fired"])
    for each in tuned["proposals"]:
        if each["kind"] == ProposalKind.THRESHOLD:
            assert yaml.safe_load(each["body"])["routes"][0]["detect"]["false_alarms_per_month"] > 1


@pytest.mark.usefixtures("short")
def test_the_detectors_are_held_to_it_by_the_command(tuned: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "incident-7.json"
    path.write_text(drill(tuned).body)
    result = CliRunner().invoke(main, ["drill", "--replay", str(path)])
    assert result.output.startswith("passed  incident 7, errors on route:list: is noticed after")
    assert result.exit_code == 0


@pytest.mark.usefixtures("short")
def test_a_detector_that_does_not_notice_it_fails_the_drill(tuned: dict[str, Any], tmp_path: Path) -> None:
    asked = json.loads(drill(tuned).body)
    kept = History.from_json(asked["windows"])
    calm = kept.ticks.copy()
    calm["errors"] = np.minimum(calm["errors"], 2)
    asked["windows"] = History(kept.routes, kept.oldest, kept.hours, kept.hour_ticks, kept.first, calm,
                               kept.ran).to_json()
    path = tmp_path / "calm.json"
    path.write_text(json.dumps(asked))
    result = CliRunner().invoke(main, ["incidents", "replay", str(path)])
    assert "FAILED  incident 7, errors on route:list: is not noticed, but should be within" in result.output
    assert result.exit_code == 1


def test_a_gateway_that_is_younger_than_its_detectors_warm_up_says_so(tmp_path: Path) -> None:
    windows(tmp_path)
    found = tuning.tune(tmp_path, question(), 5)
    assert "49 h are needed before the first alarm" in found["examined"]
    assert found["proposals"] == found["would_have_fired"] == []
    assert tuning.tune(tmp_path, question(budget=0), 5)["examined"] == "no affected route is watched for anomalies"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "windows/1"}', '{"schema": "regression-drill/1"}'])
def test_any_other_file_is_no_drill(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no regression drill"):
        regression.run(path)


def test_windows_read_back_from_a_file_are_the_same(tmp_path: Path) -> None:
    windows(tmp_path)
    store = WindowStore(tmp_path / NAME, 0)
    found = history.read(store, ["list"], FIRST, OVER)
    store.close()
    again = History.from_json(json.loads(json.dumps(found.to_json())))
    assert (again.routes, again.oldest, again.first) == (found.routes, found.oldest, found.first)
    for name in ("hours", "hour_ticks", "ticks", "ran"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert math.isclose(found.judged_days([]), 0.0)
