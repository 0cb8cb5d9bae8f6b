"""The board's state, as signals: what is open, out, full or refused, since when; and what enough people say."""
import logging
import os
import resource
import time
from pathlib import Path

import pytest

from gateway.board import State
from gateway.control.sensing import Sensing, signals_of
from gateway.control.windows import Windows
from gateway.detect import reflex
from gateway.model.report import Report
from gateway.model.safeguards import SECOND, Breaker
from gateway.model.signal import SignalKind
from gateway.routing.plan import Endpoint, Listener, Plan, Upstream
from tests import certificates
from tests.control.board_traffic import BoardTraffic

START = 1_700_000_000


class Scene(BoardTraffic):
    def __init__(self) -> None:
        super().__init__()
        self.refused: reflex.RefusedConfig | None = None
        self.windows = Windows(self.board, lambda: None, logging.getLogger("test"))
        upstream = Upstream("u", (Endpoint("h:1"), Endpoint("h:2")), breaker=Breaker(mode="enforce"))
        plan = Plan((Listener("127.0.0.1:1"),), (upstream,))
        self.sensing = Sensing(self.board, self.windows, lambda: plan, lambda: self.refused)
        self.now = START
        self.second()

    def second(self) -> list[str]:
        self.now += 1
        self.windows.turn(self.now)
        return [f"{each.kind} {each.target} since {(each.onset_ns - START * SECOND) // SECOND}"
                for each in self.sensing(self.now * SECOND)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_board_where_all_is_well_says_nothing(scene: Scene) -> None:
    assert scene.second() == []


def test_an_open_breaker_is_a_signal_since_it_opened(scene: Scene) -> None:
    control = scene.board.control("upstreams", 0)
    control["breaker"], control["since_ns"] = 1, time.monotonic_ns()
    assert scene.second() == ["breaker open upstream:u since 1"]
    control["breaker"] = 0
    assert scene.second() == []


def test_an_endpoint_that_is_out_is_a_signal_as_long_as_it_is_out(scene: Scene) -> None:
    control = scene.board.control("endpoints", 1)
    control["ejected_until"] = time.monotonic_ns() + 60 * SECOND
    assert scene.second() == scene.second() == ["endpoint ejected endpoint:u/h:2 since 2"]
    control["ejected_until"] = 1
    assert scene.second() == []


def test_a_limit_that_refuses_much_of_a_minute_is_a_signal(scene: Scene) -> None:
    scene.served("a", 100, status=429)
    scene.board.route(0, scene.board.names("routes")["a"])["limited"] = 40
    assert scene.second() == ["limit saturated route:a since 2"]


def test_a_full_bulkhead_is_a_signal(scene: Scene) -> None:
    scene.board.route(0, scene.board.names("routes")["a"])["saturated"] = 1
    assert scene.second() == ["bulkhead full route:a since 2"]


def test_a_worker_that_lags_overloads_the_gateway(scene: Scene) -> None:
    slot = scene.board.slot(0)
    slot["state"], slot["loop_lag_us"] = State.READY, 50_000
    assert [scene.second() for _ in range(4)] == [[]] * 4
    assert scene.second() == ["gateway overloaded gateway since 2"]
    slot["loop_lag_us"] = 1000                                      # one good second, and it counts anew
    assert scene.second() == []
    slot["loop_lag_us"] = 50_000
    assert scene.second() == []


def test_a_worker_that_died_is_told_and_one_that_had_died_before_is_not(scene: Scene) -> None:
    scene.board.slot(1)["restarts"] += 1
    assert scene.second() == ["worker restarted gateway since 2"]


def test_a_refused_config_is_a_signal_until_another_is_applied(scene: Scene) -> None:
    scene.refused = reflex.RefusedConfig(START * SECOND, "line 3: no upstream x")
    assert scene.second() == ["config refused gateway since 0"]


def report(kind: SignalKind, who: str) -> Report:
    return Report(kind, "route:a", START * SECOND, who, "slow")


def test_one_operator_is_enough_and_three_of_the_public_are_needed() -> None:
    public = [report(SignalKind.COMMUNITY_REPORT, who) for who in ("x", "y", "y")]
    operator = [report(SignalKind.OPERATOR_REPORT, "ann")]
    assert [each.kind for each in signals_of(public + operator, 1)] == [SignalKind.OPERATOR_REPORT]
    public.append(report(SignalKind.COMMUNITY_REPORT, "z"))
    assert [each.kind for each in signals_of(public, 1)] == [SignalKind.COMMUNITY_REPORT]


def test_what_strangers_write_goes_into_no_signal() -> None:
    said = [Report(SignalKind.COMMUNITY_REPORT, "route:a", 1, who, "call +1 900") for who in "xyz"]
    assert [each.observed for each in signals_of(said, 1)] == ["3 said so"]
    operators = [Report(SignalKind.OPERATOR_REPORT, "route:a", 1, "ann", "customers call")]
    assert [each.observed for each in signals_of(operators, 1)] == ["1 said so; the first: customers call"]


def test_a_certificate_that_ends_soon_is_a_signal_until_it_is_renewed(scene: Scene, tmp_path: Path) -> None:
    served = certificates.pair(tmp_path, "a.test", days=3)
    plan = Plan((Listener("127.0.0.1:443", certificates=(served,)),))
    sensing = Sensing(scene.board, scene.windows, lambda: plan, lambda: None)
    now = int(certificates.NOW.timestamp()) * SECOND
    assert [(each.kind, each.reference) for each in sensing(now)] == [
        (SignalKind.CERTIFICATE_EXPIRING, served.certificate)]
    certificates.pair(tmp_path, "a.test", days=90)
    assert sensing(now) == []


def test_a_worker_that_is_short_of_files_overloads_the_gateway(scene: Scene) -> None:
    slot = scene.board.slot(0)
    slot["state"], slot["pid"] = State.READY, os.getpid()
    few = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert scene.second() == []
    open_now = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 1, few[1]))
    try:
        assert scene.second() == ["gateway overloaded gateway since 3"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, few)
