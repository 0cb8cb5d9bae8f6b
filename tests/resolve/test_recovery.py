"""What is kept is undone in stages, and taken back where it was too early."""
import dataclasses

import pytest

from gateway.model.action import Action, ActionKind, ActionState, Policy, Sample
from gateway.model.safeguards import SECOND
from gateway.resolve import recovery
from gateway.resolve.recovery import Returning, stands_in_the_way

POLICY = Policy()


def kept(kind: ActionKind = ActionKind.EJECT, target: str = "endpoint:u/h:1", value: int = 0) -> Action:
    return Action(1, kind, target, value, "why", (), 1, "upstream:u", "failures", 0, id=1, state=ActionState.KEPT,
                  expires_ns=10**18)


class Return:
    """The seconds after the last signal, which came at second 0."""

    def __init__(self, action: Action) -> None:
        self.action, self.now, self.quiet_since, self.lines = action, 0, 1, list[str]()
        self.requests, self.failing, self.ms, self.probes_fail = 30, 0.0, 5, False

    def seconds(self, count: int) -> "Return":
        for _ in range(count):
            self.now += SECOND
            after = recovery.step(self.action, self._seen(), POLICY, self.quiet_since, self.now)
            if after is not self.action:
                self.lines.append(f"{self.now // SECOND} {after.state} {after.stage}")
            self.action = after
        return self

    def _seen(self) -> Returning:
        span = (self.now - self.action.since_ns) // SECOND if self.action.state is ActionState.RETURNING else 0
        own = Sample((self.requests,) * span, (int(self.requests * self.failing),) * span,
                     (self.requests * self.ms,) * span)
        others = Sample((60,) * span, (0,) * span, (300,) * span)
        return Returning(own, others, self.probes_fail)


def test_an_endpoint_that_is_well_returns_with_a_tenth_then_half_then_all() -> None:
    assert Return(kept()).seconds(60).lines == ["31 returning 1", "41 returning 2", "51 undone 0"]


def test_one_that_still_fails_is_out_again_at_once_and_needs_twice_the_calm() -> None:
    back = Return(kept())
    back.failing = 0.3
    back.seconds(33)
    assert back.lines == ["31 returning 1", "32 kept 0"]
    assert "ln E" in back.action.verdict
    back.failing = 0.0
    assert back.seconds(90).lines[2:] == ["92 returning 1", "102 returning 2", "112 undone 0"]


def test_one_that_is_still_slow_is_out_again() -> None:
    back = Return(kept())
    back.ms = 300
    assert back.seconds(33).lines == ["31 returning 1", "32 kept 0"]
    assert back.action.verdict == "300 ms, 5 ms elsewhere"


def test_probes_that_fail_keep_it_out() -> None:
    back = Return(kept())
    back.probes_fail = True
    assert back.seconds(100).lines == []


def test_too_little_traffic_is_said() -> None:
    back = Return(kept())
    back.requests = 0
    assert back.seconds(200).lines == ["31 returning 1", "91 returning 2", "151 undone 0"]
    assert back.action.verdict == "too little traffic to prove anything"


def test_a_clamp_goes_back_by_the_signals() -> None:
    back = Return(kept(ActionKind.CLAMP, "client:192.0.2.7", 1000)).seconds(35)
    assert back.action.strength == 500
    back.quiet_since = 0
    assert back.seconds(1).lines == ["31 returning 1", "36 kept 0"]


def test_what_has_no_stages_is_undone_after_the_calm() -> None:
    assert Return(kept(ActionKind.BREAKER, "upstream:u", 1)).seconds(40).lines == ["31 undone 0"]


def test_a_roll_back_stays() -> None:
    assert Return(kept(ActionKind.ROLL_BACK, "revision:4", 3)).seconds(100).lines == []


def test_a_sequence_of_signals_keeps_all_in_force() -> None:
    back = Return(kept())
    back.quiet_since = 0
    assert back.seconds(300).lines == []


@pytest.mark.parametrize(("state", "in_the_way"), [
    (ActionState.TRIED, True), (ActionState.KEPT, True), (ActionState.RETURNING, True), (ActionState.HELD, False),
    (ActionState.UNDONE, False), (ActionState.SHADOW, False), (ActionState.PLANNED, False)])
def test_an_incident_is_over_when_the_gateway_has_undone_what_it_did(state: ActionState, in_the_way: bool) -> None:
    assert stands_in_the_way([dataclasses.replace(kept(), state=state)]) is in_the_way
