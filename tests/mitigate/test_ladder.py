"""The ladder as transcripts: a small site, incidents as the analysis leaves them, and one look each second."""
import dataclasses

import pytest

from gateway.mitigate import ladder
from gateway.mitigate.ladder import Readings
from gateway.mitigate.rungs import RUNGS, Site, rungs
from gateway.model import incident as incidents
from gateway.model.action import Action, ActionState, Policy, Sample
from gateway.model.fault import FaultClass
from gateway.model.incident import Incident
from gateway.model.safeguards import ENFORCE, OFF, PRIORITIES, SECOND, SHADOW, WHOLE
from gateway.model.signal import Signal, SignalKind

SHOP = Site(endpoints={"u": ("h:1", "h:2", "h:3"), "v": ("h:9",)}, behind={"list": "u", "other": "v"},
            fallbacks=frozenset({"list"}), priorities={"list": PRIORITIES["normal"], "other": PRIORITIES["bulk"]},
            in_flight={"upstream:u": 10.0}, revision=4, previous=3)
BAD, WELL = Sample((30,) * 10, (10,) * 10, (150,) * 10), Sample((30,) * 10, (0,) * 10, (150,) * 10)
THIRD = {"endpoint:u/h:1": WHOLE // 3, "endpoint:u/h:2": WHOLE // 3, "route:list": WHOLE}


def cause(share: float = 0.9, **where: str) -> dict[str, object]:
    return {"where": where, "share": share, "excess": 100.0}


def incident(fault: FaultClass, kind: SignalKind = SignalKind.ERRORS, target: str = "route:list",
             **finding: object) -> Incident:
    opened = incidents.opened((Signal(kind, target, 0, 0),), 0, revision=4)
    return dataclasses.replace(opened, id=1, fault=fault, finding={"words": "as found", **finding})


class Climb:
    """One incident on the ladder. `reads`: whether the numbers get better after each action."""

    def __init__(self, of: Incident, policy: Policy | None = None, site: Site = SHOP) -> None:
        self.policy, self.site, self.now = policy or Policy(), site, 0
        self.actions = [dataclasses.replace(each, id=number)
                        for number, each in enumerate(rungs(of, site, 0), 1)]
        self.before = self.after = self.felt = BAD
        self.routes: dict[str, Sample] = {}
        self.hurts = True
        self.lines: list[str] = []

    def seconds(self, count: int, goes_on: bool = True) -> "Climb":
        for _ in range(count):
            self.now += SECOND
            moved = ladder.step(self.actions, self._readings(), self.policy, self.site, goes_on, self.now)
            for each in moved:
                before = next(one for one in self.actions if one.id == each.id)
                if before.state is not each.state:
                    self.lines.append(f"{self.now // SECOND} {each.state} {each}")
            self.actions = [next((one for one in moved if one.id == each.id), each) for each in self.actions]
        return self

    def _readings(self) -> Readings:
        def since(action: Action, seconds: Sample) -> Sample:
            span = (self.now - action.done_ns) // SECOND - 1
            return Sample(*(column[:1] * span for column in dataclasses.astuple(seconds)))

        return Readings({each.measured: self.before for each in self.actions},
                        {each.id: since(each, self.after) for each in self.actions}, THIRD,
                        felt={each.id: (BAD, since(each, self.felt)) for each in self.actions}, routes=self.routes,
                        hurts=self.hurts)


def test_an_endpoint_that_fails_is_taken_out_measured_and_kept() -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]))
    climb.after = WELL
    assert climb.seconds(30).lines == ["1 tried eject endpoint:u/h:1", "12 kept eject endpoint:u/h:1",
                                       "22 shadow force fallback route:list"]
    assert climb.actions[0].helped is True
    assert "Fisher" in climb.actions[0].verdict


def test_what_did_not_help_is_undone_and_the_next_rung_is_tried() -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]),
                  Policy(wider=ENFORCE, at_most=WHOLE))
    assert climb.seconds(30).lines == ["1 tried eject endpoint:u/h:1", "12 undone eject endpoint:u/h:1",
                                       "12 tried force fallback route:list", "23 undone force fallback route:list"]


def test_what_lets_more_requests_fail_is_undone_at_once_whatever_it_was_for() -> None:
    climb = Climb(incident(FaultClass.SLOW_UPSTREAM, SignalKind.SLOW), Policy(wider=ENFORCE, at_most=WHOLE))
    climb.after, climb.felt = WELL, Sample((30,) * 10, (29,) * 10, (150,) * 10)
    assert climb.seconds(5).lines[:2] == ["1 tried lower concurrency upstream:u",
                                          "3 undone lower concurrency upstream:u"]
    assert climb.actions[0].helped is False
    assert climb.actions[0].verdict == "it does harm: 100 of 300 failed before, 29 of 30 since; Fisher p = 3.5e-12"


@pytest.mark.parametrize(("failed", "fallbacks", "state"), [
    (10, frozenset(), "shadow"), (29, frozenset(), "tried"), (10, frozenset({"list"}), "tried")])
def test_clients_are_not_cut_off_from_what_still_answers_them(failed: int, fallbacks: frozenset[str],
                                                              state: str) -> None:
    climb = Climb(incident(FaultClass.CODE_DEFECT, causes=[cause(route="list")]), Policy(wider=ENFORCE, at_most=WHOLE),
                  dataclasses.replace(SHOP, fallbacks=fallbacks))
    climb.routes = {"list": Sample((30,) * 10, (failed,) * 10, (150,) * 10)}
    assert climb.seconds(1).lines == [f"1 {state} isolate route:list"]
    if state == "shadow":
        assert climb.actions[0].verdict == "not done: 67% of the requests that it would cut off are answered"


def test_what_cuts_clients_off_ends_with_its_time_as_it_is_its_own_signal() -> None:
    climb = Climb(incident(FaultClass.CODE_DEFECT, causes=[cause(route="list")]), Policy(wider=ENFORCE, at_most=WHOLE))
    climb.after = WELL
    climb.seconds(620)
    assert climb.lines == ["1 tried isolate route:list", "12 kept isolate route:list", "601 expired isolate route:list"]


def test_where_a_reflex_holds_the_failures_down_an_action_waits_until_there_is_something_to_measure() -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]))
    climb.before, climb.after = Sample((30,) * 10, (0,) * 9 + (5,), (150,) * 10), WELL
    assert climb.seconds(20).lines == []
    climb.before = Sample((30,) * 10, (0,) * 8 + (6, 6), (150,) * 10)
    assert climb.seconds(12).lines == ["21 tried eject endpoint:u/h:1", "32 kept eject endpoint:u/h:1"]


def test_nothing_is_begun_once_it_is_over() -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]))
    assert climb.seconds(30, goes_on=False).lines == []


@pytest.mark.parametrize(("policy", "state"), [(Policy(mode=OFF), "skipped"), (Policy(mode=SHADOW), "shadow"),
                                               (Policy(at_most=WHOLE // 10), "shadow")])
def test_the_config_says_how_far_it_may_go(policy: Policy, state: str) -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]), policy)
    assert climb.seconds(1).lines == [f"1 {state} eject endpoint:u/h:1"]
    assert not any(each.in_force for each in climb.actions)


def test_what_touches_too_much_says_how_much() -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]), Policy(at_most=WHOLE // 10))
    climb.seconds(1)
    assert climb.actions[0].verdict == "not done: with what is in force it would touch 33 % of the traffic, " \
                                       "more than 10 %"


def test_a_reflex_goes_first_and_half_of_the_endpoints_are_left() -> None:
    by_reflex = dataclasses.replace(SHOP, out=frozenset({"u/h:1"}))
    of = incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")])
    assert Climb(of, site=by_reflex).seconds(5).lines == []
    another_out = dataclasses.replace(SHOP, out=frozenset({"u/h:2"}))
    assert [str(each) for each in rungs(of, another_out, 0)] == ["force fallback route:list"]


def test_two_endpoints_that_are_blamed_do_not_leave_too_few() -> None:
    of = incident(FaultClass.ENDPOINT_FAILURE,
                  causes=[cause(0.5, endpoint="h:1"), cause(0.5, endpoint="h:2")])
    climb = Climb(of).seconds(1)
    assert climb.lines == ["1 tried eject endpoint:u/h:1", "1 shadow eject endpoint:u/h:2"]
    assert climb.actions[1].verdict == "not done: fewer than half of the endpoints of u would be left"


def test_an_action_is_prolonged_as_long_as_somebody_looks_and_ends_with_its_time_otherwise() -> None:
    climb = Climb(incident(FaultClass.ENDPOINT_FAILURE, causes=[cause(endpoint="h:1")]))
    climb.after = WELL
    climb.seconds(1000)
    assert climb.actions[0].state is ActionState.KEPT
    climb.now = climb.actions[0].expires_ns
    assert climb.seconds(1).actions[0].state is ActionState.EXPIRED


def test_a_client_is_clamped_to_what_it_usually_sends() -> None:
    surge = {"where": {"client": "192.0.2.7"}, "share": 0.8, "usual_per_second": 20.0}
    found = rungs(incident(FaultClass.CLIENT_SURGE, SignalKind.RATE_UP, surge=surge), SHOP, 0)
    assert [(str(each), each.value) for each in found] == [("clamp client:192.0.2.7", SECOND // 20),
                                                           ("isolate client:192.0.2.7", 1)]


def test_a_client_that_is_clamped_and_sends_on_is_isolated_only_if_it_still_hurts() -> None:
    surge = {"where": {"client": "192.0.2.7"}, "share": 0.8, "usual_per_second": 20.0}
    climb = Climb(incident(FaultClass.CLIENT_SURGE, SignalKind.RATE_UP, surge=surge))
    climb.after, climb.hurts = Sample((8,) * 10, (0,) * 10, (40,) * 10), False
    assert climb.seconds(60).lines == ["1 tried clamp client:192.0.2.7", "12 kept clamp client:192.0.2.7"]
    climb.hurts = True
    assert climb.seconds(1).lines[2:] == ["61 tried isolate client:192.0.2.7"]


def test_a_surge_that_only_its_client_shows_is_measured_at_the_busiest_upstream() -> None:
    surge = {"where": {"client": "192.0.2.7"}, "share": 0.8, "usual_per_second": 20.0}
    seen = incident(FaultClass.CLIENT_SURGE, SignalKind.RATE_UP, "client:192.0.2.7", surge=surge)
    first = rungs(seen, SHOP, 0)[0]
    assert (str(first), first.measured) == ("clamp client:192.0.2.7", "upstream:u")


def test_a_bound_refuses_nothing_of_what_is_usual() -> None:
    of = incident(FaultClass.SLOW_UPSTREAM, SignalKind.SLOW)
    assert [rungs(of, dataclasses.replace(SHOP, in_flight={"upstream:u": usual}), 0)[0].value
            for usual in (0.0, 2.3, 10.0, 100.0)] == [4, 11, 33, 240]


def test_a_roll_back_is_measured_at_an_upstream_where_no_route_shows_the_trouble() -> None:
    seen = incident(FaultClass.MISCONFIGURATION, SignalKind.ENDPOINT_EJECTED, "endpoint:u/h:1")
    assert [each.measured for each in rungs(seen, SHOP, 0)] == ["upstream:u"]


@pytest.mark.parametrize(("fault", "found"), [
    (FaultClass.GATEWAY_OVERLOAD, ["shed route:other"]),
    (FaultClass.MISCONFIGURATION, ["roll back revision:4"]),
    (FaultClass.CLIENT_SURGE, []),
    (FaultClass.NETWORK_FAILURE, ["force fallback route:list", "open breaker upstream:u"]),
    (FaultClass.UPSTREAM_FAILURE, ["force fallback route:list", "lower concurrency upstream:u",
                                   "open breaker upstream:u"]),
    (FaultClass.SLOW_UPSTREAM, ["lower concurrency upstream:u", "force fallback route:list"]),
    (FaultClass.CODE_DEFECT, []),
    (FaultClass.UNKNOWN, []),
])
def test_each_class_has_its_rungs_the_gentlest_first(fault: FaultClass, found: list[str]) -> None:
    assert [str(each) for each in rungs(incident(fault), SHOP, 0)] == found
    assert set(RUNGS) == set(FaultClass)


def test_what_only_people_say_causes_no_action() -> None:
    said = incident(FaultClass.ENDPOINT_FAILURE, SignalKind.OPERATOR_REPORT, causes=[cause(endpoint="h:1")])
    assert rungs(said, SHOP, 0) == []


def test_slowness_is_judged_by_latency() -> None:
    slow = incident(FaultClass.SLOW_UPSTREAM, SignalKind.SLOW, causes=[cause(endpoint="h:1")])
    assert next((str(each), each.by) for each in rungs(slow, SHOP, 0)) == ("eject endpoint:u/h:1", "latency")
