"""From records in the workers' rings to a cause in words: who fails, since when, after which change."""
import dataclasses
import logging
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway import _recorder
from gateway.board import Board, Capacity, WorkerBoard
from gateway.control import evidence, investigating
from gateway.control.analysing import ChildAnalyst
from gateway.control.evidence import RECORD
from gateway.control.investigating import Question
from gateway.model import incident as incidents
from gateway.model.change import Change, ChangeKind
from gateway.model.decisions import Decision
from gateway.model.fault import FaultClass
from gateway.model.safeguards import SECOND
from gateway.model.signal import Signal, SignalKind
from gateway.record import flight
from gateway.record.store import open_store

ONSET = 1000 * SECOND
NOW = ONSET + 30 * SECOND
OFFSET = 1_700_000_000 * SECOND


class Traffic:
    """Two workers, routes list and login, upstream orders with endpoints h:1, h:2 and h:3."""

    def __init__(self) -> None:
        self.board = Board.create(Capacity.room_for(2, 2, 3, 1, recorder_bytes=2**21), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["list", "login"], [("orders", f"h:{number}") for number in (1, 2, 3)], 1,
                             upstreams=["orders"])
        self.workers = [WorkerBoard(self.board, worker) for worker in range(2)]
        self.random = random.Random(5)

    def request(self, at: int, *, route: int = 1, endpoint: int = 0, status: int = 200, us: int = 5000,
                version: bytes = b"1.4.1", client: int = 9, decision: int = 0) -> None:
        fields = np.zeros(1, RECORD)
        for name, value in {"started_ns": at, "route": route, "endpoint": endpoint, "upstream": 0, "status": status,
                            "total_us": us, "ttfb_us": us, "generation": 3, "client_low": 0xFFFF << 32 | client,
                            "bytes_in": 100, "decision": decision}.items():
            fields[name] = value
        _recorder.write(self.random.choice(self.workers).ring(), fields.tobytes(), b"/orders", version)

    def minutes(self, fails: Callable[[int, int], bool], onset: int = ONSET) -> None:
        """A minute and a half before, half a minute since; 40 requests a second; one in 200 fails anyhow."""
        for at in range(onset - 90 * SECOND, onset + 30 * SECOND, SECOND // 40):
            route, endpoint = self.random.choice((1, 2)), self.random.randrange(3)
            bad = self.random.random() < 0.005 or (at >= onset and fails(route, endpoint))
            self.request(at, route=route, endpoint=endpoint, status=503 if bad else 200,
                         client=self.random.randrange(50))


def asked(onset: int = ONSET, slow: bool = False, changes: tuple[Change, ...] = ()) -> Question:
    return Question(onset, NOW, OFFSET, slow, False, 0.0, 0.0, changes)


def test_one_endpoint_that_fails_is_named_with_its_share() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1)
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.ENDPOINT_FAILURE
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}
    assert found["causes"][0]["share"] > 0.9
    assert found["reasons"][1] == "2 other endpoints of orders unchanged"
    assert found["evidence"]["records"] == 1200


def test_an_endpoint_that_fails_a_third_of_its_requests_fails() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1 and traffic.random.random() < 0.3)
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.ENDPOINT_FAILURE
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}


def test_an_endpoint_that_does_not_answer_is_named_and_not_the_version_it_did_not_say() -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        endpoint = traffic.random.randrange(3)
        gone = at >= ONSET and endpoint == 1
        traffic.request(at, endpoint=endpoint, status=502 if gone else 200, version=b"" if gone else b"1.4.1")
    found = investigating.investigate(traffic.board, asked())
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}


def test_what_an_open_breaker_turned_away_does_not_hide_where_it_failed_before() -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        endpoint = traffic.random.randrange(3)
        if at >= ONSET + 3 * SECOND:
            traffic.request(at, endpoint=evidence.NO_ROW, status=503, version=b"", decision=Decision.OPEN)
        else:
            traffic.request(at, endpoint=endpoint, status=500 if at >= ONSET and endpoint == 1 else 200)
    found = investigating.investigate(traffic.board, asked())
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}


def test_one_route_of_an_upstream_is_a_defect_and_not_the_upstream() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: route == 1)
    found = investigating.investigate(traffic.board, asked())
    assert found["causes"][0]["where"] == {"route": "list"}
    assert found["fault"] == FaultClass.CODE_DEFECT


def test_a_client_that_sends_more_is_a_surge_though_nothing_fails() -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        traffic.request(at, client=traffic.random.randrange(50), us=traffic.random.randrange(4000, 6000))
        for _ in range(3 if at >= ONSET else 0):
            traffic.request(at, client=77)
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.CLIENT_SURGE
    assert found["surge"]["where"] == {"client": "0.0.0.77"}
    assert found["words"] == "100% of the new requests: client 0.0.0.77"


def test_a_revision_that_touched_the_place_is_blamed() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1)
    applied = Change(ChangeKind.CONFIG, OFFSET + ONSET - 2 * SECOND, "revision 4 was applied",
                     (("upstream", "orders"),), "4")
    found = investigating.investigate(traffic.board, asked(changes=(applied,)))
    assert found["fault"] == FaultClass.MISCONFIGURATION
    assert found["changes"][0]["reference"] == "4"


def test_the_onset_is_found_though_the_signal_named_a_later_one() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1)
    found = investigating.investigate(traffic.board, asked(ONSET + 12 * SECOND))
    assert abs(found["onset_ns"] - OFFSET - ONSET) <= SECOND


def test_an_upstream_that_fails_everywhere_is_named_as_a_whole() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: traffic.random.random() < 0.8)
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.UPSTREAM_FAILURE
    assert found["reach"] == "global"


def test_the_onset_is_found_after_a_short_past() -> None:
    traffic = Traffic()
    for at in range(ONSET - 4 * SECOND, NOW, SECOND // 40):
        traffic.request(at, endpoint=traffic.random.randrange(3), status=500 if at >= ONSET - 2 * SECOND else 200)
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.UPSTREAM_FAILURE
    assert abs(found["onset_ns"] - OFFSET - ONSET + 2 * SECOND) <= SECOND


def test_the_onset_is_found_though_a_reflex_has_ended_the_failures_before_the_signal() -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 20):
        endpoint = traffic.random.randrange(3)
        bad = endpoint == 1 and ONSET - 9 * SECOND <= at < ONSET - 2 * SECOND
        if endpoint != 1 or at < ONSET - 2 * SECOND:
            traffic.request(at, endpoint=endpoint, status=504 if bad else 200)
    traffic.board.control("endpoints", 1)["ejected_until"] = NOW + 20 * SECOND
    found = investigating.investigate(traffic.board, asked())
    assert abs(found["onset_ns"] - OFFSET - ONSET + 9 * SECOND) <= SECOND
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}
    assert found["fault"] == FaultClass.ENDPOINT_FAILURE


def test_an_endpoint_that_is_out_fails_though_it_is_asked_nothing() -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        endpoint = traffic.random.randrange(3) if at < ONSET else 0
        traffic.request(at, endpoint=endpoint, status=502 if at >= ONSET else 200)
    for endpoint in (1, 2):
        traffic.board.control("endpoints", endpoint)["ejected_until"] = NOW + 20 * SECOND
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.UPSTREAM_FAILURE


def test_a_deploy_just_before_is_the_suspect_and_one_after_is_not() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1)
    before, after = (Change(ChangeKind.DEPLOY, OFFSET + ONSET + seconds * SECOND, words, (("endpoint", "h:2"),))
                     for seconds, words in ((-12, "orders 1.4.2"), (120, "orders 1.4.3")))
    found = investigating.investigate(traffic.board, asked(changes=(before, after)))
    assert found["words"].endswith("; orders 1.4.2, 12 s before onset")
    assert [bool(each["veto"]) for each in found["changes"]] == [False, True]


@pytest.mark.parametrize(("times", "endpoints"), [(20.0, 3), (1.7, 3), (4.0, 1)])
def test_slowness_without_failures_is_a_slow_upstream(times: float, endpoints: int) -> None:
    """All much slower, all a little, and some much: the median tells the one, the tail the other."""
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        usual, endpoint = int(1000 * traffic.random.lognormvariate(3.7, 0.5)), traffic.random.randrange(3)
        more = int(40_000 * (times - 1)) if at >= ONSET and endpoint < endpoints else 0
        traffic.request(at, endpoint=endpoint, us=usual + more)
    found = investigating.investigate(traffic.board, asked(slow=True))
    assert found["fault"] == FaultClass.SLOW_UPSTREAM


def test_without_any_record_nothing_is_claimed() -> None:
    found = investigating.investigate(Traffic().board, asked())
    assert found["fault"] == FaultClass.UNKNOWN
    assert found["evidence"]["records"] == 0


def test_frozen_records_are_those_of_all_workers_in_their_order() -> None:
    traffic = Traffic()
    for second in range(20):
        traffic.request(ONSET + second * SECOND)
    frozen = evidence.freeze(traffic.board, ONSET + 5 * SECOND, ONSET + 15 * SECOND)
    assert (frozen.records["started_ns"] // SECOND).tolist() == list(range(1005, 1015))
    assert set(frozen.worker.tolist()) == {0, 1}


@pytest.mark.parametrize("dies", [False, True])
def test_a_child_thinks_and_a_later_turn_has_its_answer(tmp_path: Path, dies: bool) -> None:
    traffic, now = Traffic(), time.time_ns()
    began = time.monotonic_ns() - 30 * SECOND
    traffic.minutes(lambda route, endpoint: endpoint == 1, began)
    store = open_store(tmp_path, now, logging.getLogger("test"))
    analyst = ChildAnalyst(traffic.board, tmp_path, lambda: store, logging.getLogger("test"))
    onset = now - 30 * SECOND
    signal = Signal(SignalKind.ERRORS, "route:list", onset, onset)
    incident = incidents.opened((signal,), onset)
    analyst.ask(incident, time.time_ns())
    assert analyst.answer(incident, now) is None
    child = analyst._child
    assert child is not None
    if dies:
        child.kill()
    child.wait(30)
    findings = analyst.answer(incident, now)
    if dies:
        assert findings is None
        analyst.ask(incident, now)                          # a second try
        assert analyst._child is not None
        analyst._child.kill()
        analyst._child.wait(30)
    else:
        assert findings is not None
        assert findings.fault is FaultClass.ENDPOINT_FAILURE


def test_the_child_says_with_its_exit_code_that_it_could_not(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "gateway.processes.analyst", "0", str(tmp_path / "no"), "x"],
                          capture_output=True, timeout=30, check=False)
    assert done.returncode != 0
    assert not (tmp_path / "x").exists()


def test_an_endpoint_that_fails_a_third_of_its_requests_has_failed() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1 and traffic.random.random() < 0.3)
    found = investigating.investigate(traffic.board, asked())
    assert found["fault"] == FaultClass.ENDPOINT_FAILURE
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}


def test_what_a_limit_in_shadow_would_have_denied_is_no_failure() -> None:
    made = np.zeros(3, RECORD)
    made["status"], made["decision"] = (200, 200, 429), Decision.LIMITED
    made["flags"] = (flight.SHADOW, 0, 0)
    assert evidence.failed(made).tolist() == evidence.denied(made).tolist() == [False, True, True]


def test_a_client_that_surges_without_any_failure_is_found_and_what_is_usual_for_it() -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        traffic.request(at, client=traffic.random.randrange(50))
        if at >= ONSET:
            traffic.request(at, client=7)
            traffic.request(at, client=7)
    question = dataclasses.replace(asked(), rate_up=True)
    found = investigating.investigate(traffic.board, question)
    assert found["fault"] == FaultClass.CLIENT_SURGE
    assert found["surge"]["where"] == {"client": "0.0.0.7"}
    assert found["surge"]["usual_per_second"] < 5
    assert 0.6 < found["surge"]["traffic"] < 0.7
    assert found["surge"]["usual_traffic"] < 0.05


@pytest.mark.parametrize("seconds", [5, 600])
def test_requests_without_a_route_are_failures_where_a_revision_was_just_applied(seconds: int) -> None:
    traffic = Traffic()
    for at in range(ONSET - 90 * SECOND, NOW, SECOND // 40):
        lost = at >= ONSET and traffic.random.random() < 0.5
        traffic.request(at, route=0 if lost else 2, status=404 if lost else 200,
                        decision=Decision.REFUSED if lost else 0)
    applied = Change(ChangeKind.CONFIG, OFFSET + ONSET - seconds * SECOND, "revision 2 was applied",
                     (("route", "list"),), "2")
    found = investigating.investigate(traffic.board, asked(changes=(applied,)))
    assert (found["fault"] == FaultClass.MISCONFIGURATION) is (seconds == 5)


def test_an_endpoint_that_a_revision_brought_and_a_reflex_took_out_at_once_is_a_misconfiguration() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: False)
    applied = Change(ChangeKind.CONFIG, OFFSET + ONSET - 5 * SECOND, "revision 2 was applied",
                     (("upstream", "orders"),), "2")
    quick = dataclasses.replace(asked(changes=(applied,)), ejected=("orders/h:3",))
    assert investigating.investigate(traffic.board, quick)["fault"] == FaultClass.MISCONFIGURATION
    elsewhere = dataclasses.replace(applied, scope=(("upstream", "users"),))
    found = investigating.investigate(traffic.board, dataclasses.replace(quick, changes=(elsewhere,)))
    assert found["fault"] == FaultClass.ENDPOINT_FAILURE


def test_what_is_another_open_incident_explains_nothing_of_this_one() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: route == 2 or (route == 1 and endpoint == 0))
    mixed = investigating.investigate(traffic.board, asked())
    apart = investigating.investigate(traffic.board, dataclasses.replace(
        asked(), scope=("route:list",), others=("route:login",)))
    assert {"endpoint": "h:1"} not in [each["where"] for each in mixed["causes"]]
    assert [each["where"] for each in apart["causes"]] == [{"endpoint": "h:1"}]
    assert apart["evidence"]["records"] < mixed["evidence"]["records"]


def test_what_both_are_about_stays() -> None:
    traffic = Traffic()
    traffic.minutes(lambda route, endpoint: endpoint == 1)
    beside = dataclasses.replace(asked(), scope=("endpoint:orders/h:2",), others=("route:login",))
    assert investigating.investigate(traffic.board, beside)["evidence"]["records"] == 1200


@pytest.mark.parametrize("seed", [1, 2, 33])
def test_a_few_failures_before_a_reflex_are_its_endpoints_whatever_fails_beside(seed: int) -> None:
    """With the last seed, failures of the minutes before seem to be part of it, and nothing narrows the whole."""
    traffic, at, left, until = Traffic(), ONSET - 90 * SECOND, 5, ONSET + 7 * SECOND
    draw = traffic.random = random.Random(seed)
    while at < until:
        at += int(draw.expovariate(100) * SECOND)
        route, endpoint = draw.choice((1, 2)), draw.randrange(3)
        if endpoint == 1 and left == 0:
            endpoint = draw.choice((0, 2))
        bad = draw.random() < 0.003
        if at >= ONSET and endpoint == 1:
            bad, left = True, left - 1
        traffic.request(at, route=route, endpoint=endpoint, status=503 if bad else 200, client=draw.randrange(20))
    found = investigating.investigate(traffic.board, dataclasses.replace(
        asked(), now=until, ejected=("orders/h:2",), scope=("endpoint:orders/h:2",)))
    assert found["fault"] == FaultClass.ENDPOINT_FAILURE
    assert found["causes"][0]["where"] == {"endpoint": "h:2"}
