"""The table of clients: what the data plane's walk over it finds."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway import _gates
from gateway.board import Board, Capacity, WorkerBoard
from gateway.control import client_rules
from gateway.control.client_rules import Rule


def made() -> Board:
    return Board.create(Capacity.room_for(1, 1, 1), boot_ns=1, boot_utc_ns=1)


def found(board: Board, client: int) -> Rule | None:
    row = _gates.rule_on(WorkerBoard(board, 0).client_rules(), client)
    if row is None:
        return None
    entry = board.client_rule(row)
    return Rule(entry["isolated_until"], entry["isolation"], entry["clamp_ns"], entry["clamp_until"])


RULES = some.dictionaries(some.integers(1, 12), some.builds(Rule, *[some.integers(0, 9)] * 4), max_size=8)


@settings(max_examples=60, deadline=None)
@given(some.lists(RULES, max_size=6))
def test_after_each_writing_a_walk_finds_the_rules_and_no_others(writings):
    board = made()
    for rules in writings:
        client_rules.write(board, rules)
        assert {client: found(board, client) for client in range(1, 13)} == {
            client: rules.get(client) for client in range(1, 13)}


def test_a_rule_that_stands_stays_in_its_row_and_holes_are_filled():
    board, rule = made(), Rule(isolated_until=5)
    client_rules.write(board, {1: rule, 2: rule, 3: rule})
    client_rules.write(board, {1: rule, 3: rule})
    assert (board.client_rule(2)["hash"], board.header["clients_used"]) == (3, 3)
    client_rules.write(board, {1: rule, 3: rule, 4: rule})
    assert (board.client_rule(1)["hash"], board.header["clients_used"]) == (4, 3)
    client_rules.write(board, {})
    assert board.header["clients_used"] == 0


def test_more_rules_than_there_is_room_for_are_refused():
    board = made()
    with pytest.raises(ValueError, match="room for 1024 rules"):
        client_rules.write(board, {client: Rule() for client in range(1, 1026)})
