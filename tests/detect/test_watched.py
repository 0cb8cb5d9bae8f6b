"""All that watches the routes of a plan: what is learned stays with a route's name, and is kept as bytes."""
import numpy as np
import pytest

from gateway.detect.watched import Observed, Watch, Watched
from gateway.model.signal import SignalKind
from tests.detect.test_routes import lived
from tests.detect.traffic import DAY, MONDAY

NEVER = float("nan")


def watched(*names: str, success: int = 0) -> Watched:
    found = Watched([Watch(name, success=success) for name in names])
    learned = lived(list(names))
    found.anomalies.rate, found.anomalies.errors, found.anomalies.slow = learned.rate, learned.errors, learned.slow
    return found


def seen(requests: list[float], errors: list[float], latency: float = 20.0) -> Observed:
    return Observed(np.array(requests), np.array(errors), np.full(len(requests), latency))


def test_a_new_plan_keeps_what_was_learned_of_a_route_by_its_name():
    found = watched("orders", "login").arranged([Watch("new"), Watch("orders", 4.0)])
    conditions = found.conditions()
    assert conditions["orders"].warming_up_seconds == 0
    assert conditions["new"].warming_up_seconds == 172_800
    assert "warming up" in str(conditions["new"])
    assert "login" not in conditions
    assert found.anomalies.threshold[1] < found.anomalies.threshold[0]


def test_kept_as_bytes_it_goes_on_identically():
    found = watched("orders", "login", success=999_000)
    for tick in range(9):
        found.tick(MONDAY + 10 * tick, seen([200, 200], [1, 1]))
    again = Watched.from_bytes(found.to_bytes()).arranged(found.watches)
    draw = np.random.default_rng(1)
    for tick in range(9, 109):
        told = Observed(draw.poisson(300, 2).astype(float), draw.poisson(30, 2).astype(float), np.array([20.0, NEVER]),
                        draw.poisson(1.0, (2, 384)).astype(float))
        assert found.tick(MONDAY + 10 * tick, told) == again.tick(MONDAY + 10 * tick, told)
    assert found.to_bytes() == again.to_bytes()


def test_a_copy_does_not_change_with_what_is_copied():
    found = watched("orders")
    copy = found.copied()
    before = copy.to_bytes()
    found.tick(MONDAY, seen([200], [1]))
    assert copy.to_bytes() == before != found.to_bytes()


def test_damaged_bytes_are_refused():
    kept = Watched([Watch("orders")]).to_bytes()
    for broken in (b"", b"{}", kept[:-8], kept[:400] + b"x" * (len(kept) - 400), kept.replace(b": 3,", b": 2,", 1)):
        with pytest.raises(ValueError, match="state"):
            Watched.from_bytes(broken)


def test_six_ticks_are_a_minute_and_its_latency_is_weighed_by_requests():
    found = watched("orders")
    for tick in range(6):
        busy = tick < 3
        found.tick(MONDAY + 10 * tick, seen([300 if busy else 0], [0], 10.0 if busy else NEVER))
    found.finish()
    assert found.anomalies.minute_rate.state.samples.tolist() == [1]
    assert found.anomalies.latency.state.samples.tolist() == [1]
    assert found.anomalies.latency.experts.level[0, 0] ** 2 == pytest.approx(10.0, rel=0.01)


def test_what_ends_with_a_tick_may_be_finished_before_the_next_one_or_with_it():
    at_once, later = watched("orders"), watched("orders")
    for tick in range(40):
        for each in (at_once, later):
            each.tick(MONDAY + 10 * tick, seen([300], [1]))
        at_once.finish()
    assert at_once.to_bytes() == later.to_bytes()


def test_part_of_a_minute_is_not_judged_as_one():
    found = watched("orders")
    for second in (*range(0, 30, 10), *range(80, 120, 10)):         # a restart in between
        found.tick(MONDAY + second, seen([300], [0]))
    found.finish()
    assert found.anomalies.minute_rate.state.samples.tolist() == [0]
    for second in range(120, 180, 10):
        found.tick(MONDAY + second, seen([300], [0]))
    found.finish()
    assert found.anomalies.minute_rate.state.samples.tolist() == [1]


def test_a_promise_that_is_broken_burns_since_it_was():
    found = watched("orders", success=999_000)
    signals = []
    for tick in range(60):
        signals = found.tick(MONDAY + 10 * tick, seen([200], [200.0 if tick >= 30 else 0.0]))
    burn = next(each for each in signals if each.kind is SignalKind.BURN)
    assert burn.onset_ns == (MONDAY + 300) * 10**9
    assert burn.target == "route:orders"


def test_who_promises_nothing_burns_nothing():
    found = watched("orders")
    signals = [each for tick in range(60) for each in found.tick(MONDAY + 10 * tick, seen([200], [200]))]
    assert SignalKind.ERRORS in {each.kind for each in signals}
    assert SignalKind.BURN not in {each.kind for each in signals}


def test_slow_is_what_is_later_than_nearly_all_of_a_usual_day():
    found, draw = watched("orders"), np.random.default_rng(3)
    usual, slower = np.zeros(384), np.zeros(384)
    usual[100:110], slower[105:115] = 0.1, 0.1
    found.slowness.latencies.age[:] = DAY - 60

    def lives(ticks: int, like: np.ndarray) -> set[str]:
        kinds = set()
        for _ in range(ticks):
            at = found.at + 10 if found.at else MONDAY
            told = Observed(np.array([200.0]), np.zeros(1), np.array([20.0]), draw.multinomial(200, like)[None] * 1.0)
            kinds |= {each.kind for each in found.tick(at, told)}
        return kinds

    assert lives(120, usual) == set()
    assert found.slowness.latencies.edge.tolist() == [110.0]
    assert SignalKind.SLOW in lives(6, slower)
