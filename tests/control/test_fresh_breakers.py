"""An open breaker is closed where none of the endpoints that it was opened for is left."""
from gateway import _gates
from gateway.board import Board, Capacity
from gateway.control import fresh_breakers
from gateway.routing.plan import Endpoint, Listener, Plan, Upstream

NOW = 10**12


def plan(*addresses: str) -> Plan:
    return Plan((Listener("127.0.0.1:8080"),), (Upstream("api", tuple(Endpoint(each) for each in addresses)),))


def board_with(state: int) -> Board:
    board = Board.create(Capacity.room_for(1, 4, 4), boot_ns=1, boot_utc_ns=1)
    board.name_rows([], [], 1, upstreams=["api"])
    board.control("upstreams", 0)["breaker"] = _gates.word_of(state, 7, 0)
    return board


def state_of(board: Board) -> tuple[int, int]:
    return _gates.breaker(board.control("upstreams", 0)["breaker"])[:2]


def test_going_back_from_a_wrong_port_closes_it_and_what_failed_before_counts_no_more() -> None:
    board = board_with(_gates.BREAKER_OPEN)
    assert fresh_breakers.close(board, plan("127.0.0.1:1"), plan("127.0.0.1:9001"), NOW) == ["api"]
    assert state_of(board) == (_gates.BREAKER_CLOSED, 8)
    assert board.control("upstreams", 0)["since_ns"] == NOW


def test_it_stays_open_for_an_upstream_that_keeps_an_endpoint() -> None:
    board = board_with(_gates.BREAKER_OPEN)
    assert fresh_breakers.close(board, plan("127.0.0.1:1", "127.0.0.1:2"), plan("127.0.0.1:2"), NOW) == []
    assert state_of(board) == (_gates.BREAKER_OPEN, 7)


def test_a_closed_one_keeps_its_generation() -> None:
    board = board_with(_gates.BREAKER_CLOSED)
    assert fresh_breakers.close(board, plan("127.0.0.1:1"), plan("127.0.0.1:2"), NOW) == []
    assert state_of(board) == (_gates.BREAKER_CLOSED, 7)
