"""The rate detector: transcripts on a fake clock. H is the threshold of one false alarm a month."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.counts import Counts
from gateway.detect.watch import Watch, note_onset
from tests.detect.reference_counts import ReferenceCounts
from tests.detect.traffic import DAY, HOUR, MONDAY, TICK, H, Told, settled


@pytest.fixture
def learned():
    """A route of 200 requests a tick."""
    return Told(settled([200]), seed=2)


@pytest.fixture
def silent():
    return Told(settled([0]), seed=2)


def test_a_rate_five_times_as_high_is_an_alarm_within_forty_seconds(learned):
    assert learned.ticks(4, 1000) == 1
    assert learned.seen.up[0]
    assert learned.seen.excess[0] < 0, "the evidence starts anew when the alarm opens"


def test_no_single_tick_can_alarm(learned):
    assert learned.ticks(2, 100_000) == 0
    assert learned.ticks(1, 100_000) == 1


def test_an_outage_to_zero_is_an_alarm_within_ninety_seconds_and_ends_after_it(learned):
    began = learned.at
    assert learned.ticks(9, 0) == 1
    assert not learned.seen.up[0]
    assert began - 2 * TICK <= learned.seen.onset[0] <= began
    learned.ticks(30, 200)
    assert not learned.in_alarm


def test_an_incident_is_not_learned(learned):
    learned.ticks(6, 200)
    usual = learned.expected
    learned.ticks(HOUR - 30, 1000)
    learned.ticks(6, 200)
    assert learned.expected == pytest.approx(usual, rel=0.1)
    assert learned.ticks(HOUR, 200) == 0


def test_nothing_is_learned_while_an_incident_is_open_but_for_an_hour_at_most(learned):
    learned.ticks(10, 200)
    usual = learned.expected
    learned.ticks(HOUR - 20, 230, frozen=True)
    assert learned.expected == pytest.approx(usual, rel=0.03)
    learned.ticks(HOUR, 230, frozen=True)
    assert learned.expected == pytest.approx(6 * 230, rel=0.05)


def test_a_cut_over_from_nothing_to_forty_thousand_a_minute_is_at_most_two_alarms(silent):
    first = silent.ticks(6, 40_000 / 6)
    rest = silent.ticks(DAY // 4, 40_000 / 6)
    assert first == 1
    assert first + rest <= 2
    assert silent.expected == pytest.approx(40_000, rel=0.02)


def test_a_route_without_traffic_stays_silent(silent):
    """Steady evidence of "fewer than almost none" once opened an incident every nine hours, or in 563 ticks."""
    assert silent.ticks(DAY // 4, 0) == 0


def test_an_outage_of_three_hours_is_accepted_and_the_return_is_no_alarm(learned):
    assert learned.ticks(3 * HOUR, 0) == 1
    assert not learned.in_alarm
    assert learned.ticks(6 * HOUR, 200) == 0
    assert learned.expected == pytest.approx(1200, rel=0.1)


def test_no_alarm_in_the_first_two_days():
    told = Told(Counts(1))
    told.ticks(2 * HOUR, 200)
    assert told.ticks(HOUR // 2, 2000) == 0


def ticks_to_alarm(told: Told, count: float, h: float) -> int:
    for tick in range(1, HOUR):
        seen = told.detector.observe(told.at, np.array([count]), np.array([h]))
        told.at += TICK
        if seen.alarm[0]:
            return tick
    raise AssertionError("no alarm in an hour")


def test_reports_of_three_people_make_weak_evidence_an_alarm_sooner():
    wandering, reported = Told(settled([200], 0.001)), Told(settled([200], 0.001))
    assert ticks_to_alarm(reported, 290, H - 6.9) < ticks_to_alarm(wandering, 290, H)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 100)), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_every_column_says_what_the_reference_says(story, seed):
    """Some quiet hours, then stretches of (mean, ticks), none long enough to be accepted."""
    draw, columns, references = np.random.default_rng(seed), Counts(2), [ReferenceCounts(H), ReferenceCounts(H)]
    means = [30] * (2 * HOUR) + [mean for mean, ticks in story for _ in range(ticks)]
    for index, mean in enumerate(means):
        at = MONDAY + index * TICK
        counts = draw.poisson([mean, 5], 2).astype(float)
        seen = columns.observe(at, counts, np.full(2, H))
        try:
            alarms = [reference.observe(at, count) for reference, count in zip(references, counts, strict=True)]
        except AssertionError:
            return
        assert seen.alarm.tolist() == alarms
        assert columns.evidence.log.T.tolist() == [pytest.approx(reference.log, rel=1e-6) for reference in references]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=100))
def test_restored_from_bytes_it_goes_on_identically(counts):
    first, second = Counts(1), Counts(1)
    for tick in range(400):
        first.observe(MONDAY + tick * TICK, np.array([100.0]), np.array([H]))
    for name, columns in vars(first).items():
        setattr(second, name, type(columns).from_bytes(columns.to_bytes()))
    for tick, count in enumerate(counts):
        ours, theirs = (each.observe(MONDAY + (400 + tick) * TICK, np.array([float(count)]), np.array([H]))
                        for each in (first, second))
        assert ours.excess == theirs.excess
        assert ours.expected == theirs.expected


@pytest.mark.parametrize(("spread", "at_most"), [(0.028, 2), (0.0, None)])
def test_healthy_noise_keeps_the_budget_if_its_spread_is_known(spread, at_most):
    """120 routes for six hours, a month in all, of 20 % noise with five minutes' memory."""
    routes, draw = 120, np.random.default_rng(3)
    detector, drift, opened = settled([100] * routes, spread), np.zeros(routes), 0
    for tick in range(6 * HOUR):
        drift = 0.967 * drift + 0.051 * draw.standard_normal(routes)
        counts = draw.poisson(100 * np.maximum(1 + drift, 0.05)).astype(float)
        opened += int(detector.observe(MONDAY + tick * TICK, counts, np.full(routes, H)).opened.sum())
    assert opened > 100 if at_most is None else opened <= at_most


def test_the_onset_is_the_last_tick_without_doubt_though_the_evidence_is_never_nothing():
    state, doubtful_from = Watch(1), np.array([4.6])
    for at, evidence in ((10, 0.5), (20, 1.5), (30, 9.0), (40, 15.0)):
        note_onset(state, at, np.array([evidence]), doubtful_from)
    assert state.onset.tolist() == [20]
