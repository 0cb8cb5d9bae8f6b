"""The tick against the readable reference in gateway/isolate: same counts, same times, same decisions."""
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway import _gates, board
from gateway.board import params
from gateway.isolate import breaker, ejection
from gateway.model.safeguards import SECOND, SHADOW, WHOLE, Breaker, Eject

TICK = SECOND // 10
START = 1000 * SECOND


class Ticking:
    """A board with one upstream, its endpoints, and two workers who take turns at the tick."""

    def __init__(self, endpoints: int = 3, of_breaker: Breaker | None = None, of_eject: Eject | None = None) -> None:
        capacity = board.Capacity(2, 2, 4, 1, 1, 1, 1)
        self.board = board.Board.create(capacity, boot_ns=0, boot_utc_ns=0)
        addresses = [f"a:{number}" for number in range(endpoints)]
        self.board.name_rows(["r"], [("u", each) for each in addresses], 1, upstreams=["u"])
        params.write_upstream(self.board, "u", addresses, of_breaker or Breaker(), of_eject or Eject())
        self.tickers = [board.WorkerBoard(self.board, worker).ticker() for worker in (0, 1)]
        self.control = self.board.control("upstreams", 0)
        self.now = START
        assert self.tickers[0].run(self.now)

    def tick(self, worker: int = 0, after: int = TICK) -> bool:
        self.now += after
        return self.tickers[worker].run(self.now)

    def count(self, section: str, row: int, requests: int, failures: int, slow: int = 0, worker: int = 0) -> None:
        counters = self.board.counters(section, worker, row)
        counters["requests"] += requests
        counters["failures"] += failures
        counters["slow"] += slow

    def endpoint(self, row: int) -> board.Row:
        return self.board.control("endpoints", row)


@dataclass
class Results:
    """What was counted, by the start of its tick: the reference's window."""

    counted: list[tuple[int, int, int, int]]

    def window(self, begin: int) -> breaker.Window:
        inside = [each[1:] for each in self.counted if each[0] >= begin]
        return breaker.Window(*(sum(column) for column in zip(*inside, strict=True)) if inside else ())


COUNTS = some.tuples(some.integers(0, 12), some.integers(0, 4), some.integers(0, 4), some.integers(1, 30))


@settings(max_examples=60, deadline=None)
@given(some.lists(COUNTS, max_size=60))
def test_a_breaker_moves_as_its_reference_does(phases: list[tuple[int, int, int, int]]):
    judged = Breaker(window=2 * SECOND, mode=SHADOW)
    ticking, state, results = Ticking(of_breaker=judged), breaker.State(), Results([])
    for requests, failed_quarters, slow_quarters, ticks in phases:
        for number in range(ticks):
            failures, slow = requests * failed_quarters // 4, requests * slow_quarters // 4
            ticking.count("upstreams", 0, requests, failures, slow, worker=number % 2)
            results.counted.append((ticking.now, requests, failures, slow))
            assert ticking.tick(number % 2)
            window = results.window(max(state.since, ticking.now - judged.window))
            state = breaker.step(state, window, judged, ticking.now)
            phase, generation, share = _gates.breaker(ticking.control["breaker"])
            assert (phase, generation, ticking.control["opens"]) == (state.phase, state.generation, state.trips)
            if phase == breaker.OPEN:
                assert ticking.control["breaker_until"] == state.until
            if phase == breaker.HALF_OPEN:
                assert round(share * WHOLE) == breaker.RAMP[state.step]
                assert ticking.control["probes"] == 1


FAILURES = some.lists(some.tuples(some.integers(0, 2), some.integers(0, 9), some.integers(0, 9), some.integers(1, 200)),
                      max_size=40)


@settings(max_examples=60, deadline=None)
@given(some.integers(1, 3), FAILURES)
def test_endpoints_are_ejected_as_their_reference_says(total: int, phases: list[tuple[int, int, int, int]]):
    judged = Eject(mode=SHADOW, duration=2 * SECOND, window=SECOND)
    ticking = Ticking(total, of_eject=judged)
    states = [ejection.Endpoint()] * total
    results = [Results([]) for _ in range(total)]
    for which, requests, consecutive, ticks in phases:
        row = which % total
        ticking.count("endpoints", row, requests, requests // 2 + requests % 2)
        results[row].counted.append((ticking.now, requests, requests // 2 + requests % 2, 0))
        ticking.endpoint(row)["consecutive"] = consecutive
        assert ticking.tick(after=ticks * TICK)
        now = ticking.now
        for each in range(total):
            out = sum(state.is_out(now) for state in states)
            window = results[each].window(max(states[each].until, now - judged.window))
            seen = ejection.Observed(consecutive if each == row else 0, window.requests, window.failures)
            expected = ejection.step(states[each], seen, out - states[each].is_out(now), total, judged, now, 0.0)
            control = ticking.endpoint(each)
            if expected is not states[each]:
                whole = expected.until - now
                assert abs(control["ejected_until"] - expected.until) <= whole // 10
                expected = ejection.Endpoint(expected.times, control["ejected_until"], control["ejected_until"])
            states[each] = expected
            assert (control["ejections"], control["ejected_until"]) == (expected.times, expected.until)
            if 0 < expected.until <= now < expected.until + judged.slow_start:
                assert control["ramp_ppm"] == ejection.weight_share(expected, judged, now)
        out = sum(state.is_out(now) for state in states)
        assert ticking.control["panic"] == ejection.in_panic(total, out)
        ticking.endpoint(row)["consecutive"] = 0


def test_windows_hold_what_all_workers_counted_by_the_tick_and_by_the_second():
    ticking = Ticking()
    for number in range(15):
        ticking.count("upstreams", 0, 2, 1, worker=number % 2)
        ticking.tick(worker=number % 2)
    window = ticking.board.window("upstreams", 0)
    fast = [window.items("fast", 128 * 8)[at : at + 8] for at in range(0, 1024, 8)]
    assert [bucket[1:3] for bucket in fast if bucket[1]] == [[2, 1]] * 15
    assert sorted(bucket[0] for bucket in fast if bucket[1]) == [START + TICK * number for number in range(15)]
    seconds = [window.items("seconds", 64 * 8)[at : at + 8] for at in range(0, 512, 8)]
    assert [bucket[1] for bucket in seconds if bucket[1]] == [20, 10]
    assert window["requests"] == 30


def test_two_workers_do_not_tick_within_the_same_turn():
    ticking = Ticking()
    assert ticking.tick(0)
    assert not ticking.tick(1, after=SECOND // 20)
    assert ticking.tick(1, after=SECOND // 20)


def test_an_endpoint_that_fails_too_often_in_a_row_does_not_wait_for_the_next_turn():
    ticking = Ticking(of_eject=Eject(mode=SHADOW))
    ticking.endpoint(1)["consecutive"] = 5
    assert ticking.tickers[1].run_early(ticking.now + 1)
    assert ticking.endpoint(1)["ejected_until"] > ticking.now
    ticking.board.tick()["lease"] = ticking.now + SECOND // 2
    assert not ticking.tickers[1].run_early(ticking.now + 1), "somebody is at it"


def test_a_worker_that_died_in_the_tick_is_replaced_when_its_lease_has_ended():
    ticking = Ticking()
    ticking.board.tick()["lease"] = ticking.now + SECOND // 2
    assert not ticking.tick(1)
    assert ticking.tick(1, after=SECOND // 2)


def test_the_numbers_that_no_plan_changes_are_those_of_the_reference():
    fixed = params.FIXED
    assert (fixed["open_ns"], fixed["open_cap_ns"], fixed["forget_ns"]) == (
        breaker.OPEN_FIRST, breaker.OPEN_MAX, breaker.FORGET_AFTER)
    assert (fixed["step_ns"], fixed["step_results"], fixed["step_failures_ppm"], fixed["reopen_ppm"]) == (
        breaker.STEP_MIN, breaker.STEP_RESULTS, breaker.STEP_FAILURES, breaker.RELAPSE_FAILURES)
    assert (fixed["eject_cap_ns"], fixed["eject_jitter_ppm"], fixed["panic_ppm"], fixed["slow_start_min_ppm"]) == (
        ejection.DURATION_MAX, ejection.JITTER, ejection.PANIC_BELOW, ejection.SLOW_START_LEAST)


def test_an_endpoint_without_a_row_is_a_key_error():
    with pytest.raises(KeyError):
        params.write_upstream(Ticking().board, "u", ["nowhere:1"], Breaker(), Eject())
