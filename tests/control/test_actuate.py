"""The one hand that acts: after each `enforce` the board says what stands, and nothing else."""
import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as some

from gateway import _gates
from gateway.board import Board, Capacity, WorkerBoard
from gateway.control import actuate
from gateway.control.actuate import Actuator
from gateway.dataplane.clients import Clients
from gateway.dataplane.trusted import TrustedProxies
from gateway.isolate import breaker, isolation
from gateway.model.action import Action, ActionKind, ActionState
from gateway.model.override import Override
from gateway.model.safeguards import SECOND

UTC = 1_700_000_000 * SECOND
MONOTONIC = 500 * SECOND
MINUTE = 60 * SECOND


def made() -> Board:
    """Routes r and s, upstreams u and v, of which each has the endpoint h:1, and u another."""
    board = Board.create(Capacity.room_for(2, 2, 3), boot_ns=1, boot_utc_ns=1)
    board.name_rows(["r", "s"], [("u", "h:1"), ("v", "h:1"), ("u", "h:2")], 1, upstreams=["u", "v"])
    return board


def isolated(target: str, number: int = 1, ttl: int = MINUTE, keep_open: bool = False) -> Override:
    return dataclasses.replace(isolation.isolate(target, "why", "ops", UTC, ttl, keep_open), id=number)


def until(board: Board, section: str, name: str) -> int:
    return board.control(section, board.names(section)[name])["isolated_until"]


def test_an_isolation_is_on_the_row_of_its_target_until_its_moment_on_the_boards_clock():
    board = made()
    assert Actuator(board).enforce([isolated("route:s", keep_open=True)], UTC + 20 * SECOND, MONOTONIC) == frozenset()
    assert until(board, "routes", "s") == MONOTONIC + 40 * SECOND
    assert board.control("routes", board.names("routes")["s"])["isolation"] == 1
    assert until(board, "routes", "r") == 0
    gate = _gates.Gate(WorkerBoard(board, 1).control("routes", "s"))
    assert gate.isolated(MONOTONIC + 40 * SECOND - 1)
    assert not gate.isolated(MONOTONIC + 40 * SECOND)


def test_an_endpoint_is_isolated_in_one_upstream_or_in_every():
    board = made()
    actuator = Actuator(board)
    actuator.enforce([isolated("endpoint:h:1")], UTC, MONOTONIC)
    assert (until(board, "endpoints", "u h:1"), until(board, "endpoints", "v h:1")) == (MONOTONIC + MINUTE,) * 2
    actuator.enforce([isolated("endpoint:v/h:1")], UTC, MONOTONIC)
    assert (until(board, "endpoints", "u h:1"), until(board, "endpoints", "v h:1")) == (0, MONOTONIC + MINUTE)


def test_of_two_that_mean_the_same_endpoint_the_one_that_ends_last_holds():
    board = made()
    both = [isolated("endpoint:h:1", 1, 2 * MINUTE), isolated("endpoint:u/h:1", 2, MINUTE, keep_open=True)]
    Actuator(board).enforce(both, UTC, MONOTONIC)
    assert until(board, "endpoints", "u h:1") == MONOTONIC + 2 * MINUTE
    assert board.control("endpoints", 0)["isolation"] == 0


def test_a_breaker_forced_by_hand_is_obeyed_by_the_gate_until_its_end():
    board = made()
    gate = _gates.Gate(WorkerBoard(board, 0).control("upstreams", "u"))
    actuator = Actuator(board)
    actuator.enforce([breaker.by_hand("u", "open", "why", "ops", UTC, MINUTE)], UTC, MONOTONIC)
    assert [gate.admits(MONOTONIC + at, 0)[0] for at in (0, MINUTE - 1, MINUTE)] == [False, False, True]
    board.control("upstreams", 0)["breaker"] = _gates.word_of(_gates.BREAKER_OPEN, 1, 0)
    actuator.enforce([breaker.by_hand("u", "closed", "why", "ops", UTC, MINUTE)], UTC, MONOTONIC)
    assert [gate.admits(MONOTONIC + at, 0)[0] for at in (0, MINUTE - 1, MINUTE)] == [True, True, False]


def test_a_client_is_found_under_the_key_that_the_data_plane_computes():
    board = made()
    Actuator(board).enforce([isolated("client:192.0.2.7"), isolated("client:2001:db8::7", 2)], UTC, MONOTONIC)
    rows = WorkerBoard(board, 0)
    clients = Clients(TrustedProxies(()), rows.seed)
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"):
        row = _gates.rule_on(rows.client_rules(), clients.of(address).key)
        assert row is not None
        assert board.client_rule(row)["isolated_until"] == MONOTONIC + MINUTE
    assert _gates.rule_on(rows.client_rules(), clients.of("192.0.2.8").key) is None


def test_a_target_without_a_row_waits_for_it():
    board = made()
    actuator, late = Actuator(board), isolated("route:late", 7)
    assert actuator.enforce([late], UTC, MONOTONIC) == {7}
    board.name_rows(["r", "s", "late"], [], 2, upstreams=["u", "v"])
    assert actuator.enforce([late], UTC, MONOTONIC) == frozenset()
    assert until(board, "routes", "late") == MONOTONIC + MINUTE


def test_what_a_predecessor_left_without_a_record_is_lifted_at_the_start():
    board = made()
    Actuator(board).enforce([isolated("route:r"), isolated("client:192.0.2.7", 2)], UTC, MONOTONIC)
    Actuator(board).enforce([], UTC, MONOTONIC)
    assert until(board, "routes", "r") == 0
    assert board.header["clients_used"] == 0


def test_a_clock_that_was_set_moves_the_end_and_a_reading_that_jitters_does_not():
    board = made()
    actuator, one = Actuator(board), isolated("route:r")
    actuator.enforce([one], UTC, MONOTONIC)
    actuator.enforce([one], UTC + SECOND, MONOTONIC + SECOND + 1000)
    assert until(board, "routes", "r") == MONOTONIC + MINUTE
    actuator.enforce([one], UTC + 31 * SECOND, MONOTONIC + SECOND)
    assert until(board, "routes", "r") == MONOTONIC + SECOND + 29 * SECOND


def number(board: Board, section: str, name: str) -> tuple[int, int]:
    word = board.control(section, board.names(section)[name])
    return word["isolation"] >> actuate.NUMBER, word["isolated_until"]


def test_the_number_of_an_open_incident_is_on_what_may_refuse_and_isolates_nothing() -> None:
    board = made()
    actuator = Actuator(board)
    opened = {"route:r": 5, "endpoint:u/h:2": 6, "client:192.0.2.7": 8, "route:gone": 9}
    actuator.enforce([], UTC, MONOTONIC, incidents=opened)
    assert [number(board, "routes", "r"), number(board, "upstreams", "u")] == [(5, 0), (6, 0)]
    assert number(board, "routes", "s") == number(board, "upstreams", "v") == (0, 0)
    actuator.enforce([isolated("route:r", keep_open=True)], UTC, MONOTONIC, incidents=opened)
    assert number(board, "routes", "r") == (5, MONOTONIC + MINUTE)
    assert board.control("routes", board.names("routes")["r"])["isolation"] & 1
    actuator.enforce([], UTC, MONOTONIC, [action(ActionKind.FALLBACK, "route:r", 1)], {"route:r": 5})
    assert number(board, "routes", "r") == (7, MONOTONIC + MINUTE)          # the action's own
    actuator.enforce([], UTC, MONOTONIC)
    assert number(board, "routes", "r") == number(board, "upstreams", "u") == (0, 0)


def test_an_incident_of_the_gateway_itself_is_on_everything_that_may_refuse() -> None:
    board = made()
    Actuator(board).enforce([], UTC, MONOTONIC, incidents={"gateway": 3})
    assert [number(board, "routes", name)[0] for name in "rs"] == [3, 3]
    assert [number(board, "upstreams", name)[0] for name in "uv"] == [3, 3]
    Actuator(board).enforce([], UTC, MONOTONIC)                             # a successor that knows of none
    assert number(board, "routes", "r") == (0, 0)


TARGETS = ("route:r", "route:s", "upstream:u", "endpoint:u/h:1", "endpoint:h:1", "client:10.0.0.1", "client:10.0.0.2")
STANDING = some.lists(some.builds(isolated, some.sampled_from(TARGETS), ttl=some.sampled_from([MINUTE, 2 * MINUTE])),
                      max_size=5, unique_by=lambda each: each.target)


def words(board: Board) -> list[int]:
    controls = [board.control(section, row)["isolated_until"] for section in actuate.SECTIONS.values()
                for row in board.names(section).values()]
    clients = [board.client_rule(row)["isolated_until"] for row in range(board.header["clients_used"])
               if board.client_rule(row)["hash"]]
    return controls + sorted(clients)


@settings(max_examples=60, deadline=None)
@given(some.lists(STANDING, max_size=5))
def test_it_does_not_matter_what_stood_before(standings):
    board = made()
    actuator = Actuator(board)
    for standing in standings:
        actuator.enforce(standing, UTC, MONOTONIC)
        fresh = made()
        Actuator(fresh).enforce(standing, UTC, MONOTONIC)
        assert words(board) == words(fresh)


def action(kind: ActionKind, target: str, value: int = 0, **more: object) -> Action:
    made = Action(7, kind, target, value, "why", (), 1, target, "failures", UTC, id=1, state=ActionState.KEPT,
                  expires_ns=UTC + MINUTE)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def test_each_kind_of_action_is_a_word_that_ends_with_it() -> None:
    board = made()
    actions = [action(ActionKind.EJECT, "endpoint:u/h:1"), action(ActionKind.EJECT, "endpoint:u/h:2", stage=1),
               action(ActionKind.CONCURRENCY, "upstream:u", 20, stage=1), action(ActionKind.BREAKER, "upstream:v", 1),
               action(ActionKind.SHED, "route:r", 127), action(ActionKind.FALLBACK, "route:s", 1),
               action(ActionKind.CLAMP, "client:192.0.2.7", 1000), action(ActionKind.ROLL_BACK, "revision:4", 3)]
    Actuator(board).enforce([], UTC, MONOTONIC, actions)
    end = MONOTONIC + MINUTE

    def word(section: str, name: str, *fields: str) -> list[int]:
        row = board.control(section, board.names(section)[name])
        return [row[each] for each in fields]

    assert word("endpoints", "u h:1", "isolation", "isolated_until", "ramp_until") == [7 << 8 | 1, end, 0]
    assert word("endpoints", "u h:2", "ramp_ppm", "ramp_until", "isolated_until") == [100_000, end, 0]
    assert word("upstreams", "u", "concurrency", "concurrency_until") == [40, end]
    assert word("upstreams", "v", "forced", "forced_until") == [1, end]
    assert word("routes", "r", "shed_rank", "shed_until") == [127, end]
    assert word("routes", "s", "isolated_until") == [end]
    rule = board.client_rule(0)
    assert (rule["clamp_ns"], rule["clamp_until"], rule["isolated_until"]) == (1000, end, 0)


def test_what_is_planned_or_over_is_no_word_and_what_stood_before_is_lifted() -> None:
    board = made()
    actuator, one = Actuator(board), action(ActionKind.EJECT, "endpoint:u/h:1")
    actuator.enforce([], UTC, MONOTONIC, [one])
    for state in (ActionState.PLANNED, ActionState.SHADOW, ActionState.UNDONE):
        actuator.enforce([], UTC, MONOTONIC, [dataclasses.replace(one, state=state)])
        assert until(board, "endpoints", "u h:1") == 0


def test_where_a_person_and_the_gateway_want_the_same_word_the_person_has_it() -> None:
    board = made()
    by_itself = [action(ActionKind.EJECT, "endpoint:u/h:1"), action(ActionKind.CLAMP, "client:192.0.2.7", 1000)]
    Actuator(board).enforce([isolated("endpoint:u/h:1", 3, 2 * MINUTE), isolated("client:192.0.2.7", 4)], UTC,
                            MONOTONIC, by_itself)
    assert until(board, "endpoints", "u h:1") == MONOTONIC + 2 * MINUTE
    assert board.control("endpoints", 0)["isolation"] == 0
    rule = board.client_rule(0)
    assert (rule["isolated_until"], rule["clamp_ns"]) == (MONOTONIC + MINUTE, 1000)
