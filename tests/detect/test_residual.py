"""The learned-tail form on its own samples, on a fake clock."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect import persistence, tail
from gateway.detect.columns import half_life
from gateway.detect.residual import COUNT, GAUGE, Residuals
from gateway.detect.tail import Tail, TailKind
from tests.detect.traffic import MONDAY

MINUTE, HOUR = 60.0, 3600.0


def bank(kind=GAUGE, spacing=HOUR, count=1) -> Residuals:
    return Residuals(kind, np.full(count, spacing), np.full(count, 1.0))


def lived(found: Residuals, values, start=0):
    return [bool(found.observe(MONDAY + (start + index) * found.spacing[0], np.array([float(value)])).alarm[0])
            for index, value in enumerate(values)]


def latencies(count: int, mean: float = 100.0, seed: int = 1):
    return np.random.default_rng(seed).gamma(25, mean / 25, count)


def test_a_latency_of_ten_times_the_usual_is_an_alarm_at_once():
    found = bank()
    assert not any(lived(found, latencies(400)))
    assert lived(found, [1000.0], 400) == [True]


def test_no_alarm_in_the_first_two_days():
    assert not any(lived(bank(), [100.0] * 40 + [10_000.0] * 7))


def test_a_new_level_is_accepted_after_six_hours():
    found = bank()
    lived(found, latencies(400))
    alarms = lived(found, latencies(200, 1000.0), 400)
    assert any(alarms[:6])
    assert not any(alarms[30:])


def test_a_gauge_that_is_mostly_nothing_does_not_stay_in_alarm():
    """Its scale once began at nothing, and every value was an alarm for ever."""
    draw = np.random.default_rng(2)
    values = np.where(draw.random(700) < 0.2, draw.gamma(25, 3, 700), 0.0)
    assert sum(lived(bank(), values)) < 20


def test_a_cut_over_of_counts_is_accepted():
    found = bank(COUNT, MINUTE)
    lived(found, [0.0] * 3000)
    draw = np.random.default_rng(3)
    alarms = lived(found, draw.poisson(40_000, 1000), 3000)
    assert alarms[0]
    assert not any(alarms[60:])


def test_only_the_rows_of_a_sample_change():
    found = bank(count=3)
    found.observe(MONDAY, np.array([5.0]), rows=np.array([1]))
    assert found.state.samples.tolist() == [0, 1, 0]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_restored_from_bytes_it_goes_on_identically(values):
    first, second = bank(), bank()
    lived(first, latencies(100))
    second.restore(first.to_bytes())
    for index, value in enumerate(values):
        at = MONDAY + (100 + index) * HOUR
        assert (first.observe(at, np.array([value])).excess == second.observe(at, np.array([value])).excess).all()


def test_bytes_of_something_else_are_refused():
    kept = bank().to_bytes()
    with pytest.raises(ValueError, match="no state of State"):
        bank().restore((b"x" + kept[0][1:], *kept[1:]))
    with pytest.raises(ValueError, match="another number"):
        bank(count=2).restore(kept)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60))
def test_the_tail_is_what_its_formula_says(values):
    """Against one series in plain floats."""
    columns, kind = Tail(1), TailKind(3, 100, 0.2)
    edge, index, seen = 2.5, 0.2, 10.0
    for sample, q in enumerate(values):
        sides = np.array([[q], [-q]])
        expected = math.log(0.01) - math.log(q / edge) / index if q > edge else 0.0
        assert tail.log_p(columns, sides)[0, 0] == pytest.approx(expected)
        tail.learn(columns, sides, np.zeros((2, 1), dtype=bool), np.array([float(sample)]), kind)
        if q > edge:
            excess, seen = min(math.log(q / edge), 3 * max(index, 0.1)), min(seen + 1, 100)
            index = min(max(index + (excess - index) / seen, 0.08), 1.2)
        eta = max(0.05, 0.5 / math.sqrt(1 + sample * 0.01))
        edge = max(edge * math.exp(eta * (0.99 if q > edge else -0.01)), 0.5)
        assert columns.index[0, 0] == pytest.approx(index)


def test_evidence_neither_sinks_nor_grows_without_bound():
    evidence = np.array([0.0, 0.0])
    for _ in range(100):
        evidence = persistence.accumulated(evidence, np.array([-5.0, 5.0]), 28.0)
    assert evidence[0] == pytest.approx(-5, abs=0.1)
    assert evidence[1] == 28


def test_a_half_life_halves():
    assert (1 - half_life(10.0)) ** 10 == pytest.approx(0.5)
