"""An action is moved by one table: what it lists can happen, nothing else."""
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.model import action as acting
from gateway.model.action import (
    BY_PEOPLE,
    IN_FORCE,
    MOVES,
    STAGES,
    Action,
    ActionKind,
    ActionState,
    IllegalMove,
    Move,
    move,
)
from gateway.model.safeguards import SECOND, WHOLE


def action(kind: ActionKind = ActionKind.EJECT, target: str = "endpoint:u/h:1", value: int = 0,
           **more: object) -> Action:
    return Action(1, kind, target, value, "why", ("seen",), 1, "upstream:u", "failures", 0,
                  **more)  # type: ignore[arg-type]


def test_every_state_has_a_line_in_the_table_and_every_move_leads_to_a_state() -> None:
    assert set(MOVES) == set(ActionState)
    assert {state for moves in MOVES.values() for state in moves.values()} <= set(ActionState)


@given(some.lists(some.sampled_from(Move), max_size=12))
def test_whatever_happens_an_action_that_is_not_in_force_says_nothing_to_the_board(events: list[Move]) -> None:
    now, one = 0, action(expires_ns=100 * SECOND)
    for event in events:
        now += SECOND
        try:
            one = move(one, event, now)
        except IllegalMove:
            continue
        assert one.in_force == (one.state in IN_FORCE)
        assert one.since_ns == now
    assert one.in_force or not one.is_active(now)


@pytest.mark.parametrize("state", [ActionState.TRIED, ActionState.KEPT, ActionState.RETURNING])
def test_a_person_can_hold_and_undo_whatever_the_gateway_does(state: ActionState) -> None:
    one = action(state=state)
    assert move(one, Move.HOLD, 1, "ann").state is ActionState.HELD
    assert move(one, Move.UNDO, 1, "ann").state is ActionState.UNDONE


def test_what_cannot_be_done_is_refused_with_what_can() -> None:
    with pytest.raises(IllegalMove, match="possible: force"):
        move(action(state=ActionState.UNDONE), Move.HOLD, 1, "ann")
    assert set(BY_PEOPLE) <= set(Move)


def test_the_way_back_of_each_kind_gets_weaker_stage_by_stage() -> None:
    assert [action(stage=stage).strength for stage in (0, 1, 2)] == [0, WHOLE // 10, WHOLE // 2]
    clamp = action(ActionKind.CLAMP, "client:192.0.2.7", 1000)
    assert [dataclasses.replace(clamp, stage=stage).strength for stage in (0, 1, 2)] == [1000, 500, 250]
    assert all(action(kind, value=100).undo for kind in ActionKind)
    assert set(STAGES) <= set(ActionKind)


def test_an_action_ends_with_its_time_whoever_is_dead() -> None:
    one = action(state=ActionState.KEPT, expires_ns=10 * SECOND)
    assert one.is_active(10 * SECOND - 1)
    assert not one.is_active(10 * SECOND)
    assert (one.left(4 * SECOND), one.left(20 * SECOND)) == (6 * SECOND, 0)


def test_shares_add_up_to_the_whole_at_most() -> None:
    half = action(state=ActionState.KEPT, reach=WHOLE // 2)
    assert acting.touched([half, action(reach=WHOLE // 2)]) == WHOLE // 2
    assert acting.touched([half, half, half]) == WHOLE
