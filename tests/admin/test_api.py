"""The admin API over a board that the test writes, as the processes would."""
import asyncio
import time
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from gateway import _fastpath
from gateway.admin import api
from gateway.board import Board, Capacity, State, WorkerBoard


def make_board() -> Board:
    """Two workers that are ready with plan 0xabc, one route and one endpoint."""
    board = Board.create(Capacity.room_for(2, 1, 1), boot_ns=time.monotonic_ns(), boot_utc_ns=0)
    board.name_rows(("orders",), (("orders", "127.0.0.1:9001"),), generation=1)
    board.header["digest"] = 0xABC
    for index in range(3):
        slot = board.slot(index)
        slot["state"], slot["digest"], slot["heartbeat_ns"] = State.READY, 0xABC, time.monotonic_ns() + 60 * 10**9
    return board


def get(board: Board, path: str, **headers: str) -> tuple[int, Any]:
    """(status, document or text) of a GET."""
    async def ask() -> tuple[int, Any]:
        async with TestClient(TestServer(api.make_app(board))) as client:
            answer = await client.get(path, headers=headers)
            is_json = answer.content_type.endswith("json")
            return answer.status, await (answer.json(content_type=None) if is_json else answer.text())

    return asyncio.run(ask())


def test_ready_while_a_worker_serves() -> None:
    board = make_board()
    board.slot(0)["state"] = State.DEAD
    assert get(board, "/readyz") == (200, {"ready": True, "reason": "1 of 2 workers are ready"})


def test_not_ready_when_no_worker_serves_and_healthy_all_the_same() -> None:
    board = make_board()
    board.slot(0)["state"], board.slot(1)["heartbeat_ns"] = State.STARTING, 1
    assert get(board, "/readyz") == (503, {"ready": False, "reason": "no worker is ready: starting, silent"})
    assert get(board, "/healthz") == (200, {"healthy": True})


def test_not_ready_while_draining() -> None:
    board = make_board()
    board.header["draining"] = 1
    assert get(board, "/readyz") == (503, {"ready": False, "reason": "the gateway is draining"})


def test_status_adds_up_over_workers() -> None:
    board = make_board()
    for worker in range(2):
        board.slot(worker)["connections"] = 3
        _fastpath.count_request_at(WorkerBoard(board, worker).route_row("orders"), 503, 1000, None, 10, 5, 7)
    _, status = get(board, "/v1/status")
    orders = status["routes"]["orders"]
    assert (status["connections"], status["plan"]["agreed"]) == (6, True)
    assert (orders["requests"], orders["answers"]["5xx"], orders["bytes_out"]) == (2, 2, 14)
    assert abs(orders["latency_ms"]["p50"] - 1) < 0.04


def test_status_says_when_a_worker_has_another_plan() -> None:
    board = make_board()
    board.slot(1)["digest"] = 0xDEF
    assert get(board, "/v1/status")[1]["plan"]["agreed"] is False
    assert "gateway_workers_on_plan 1.0" in get(board, "/metrics")[1]


def test_metrics_tell_requests_by_route_and_class_and_how_long_they_took() -> None:
    board = make_board()
    _fastpath.count_request_at(WorkerBoard(board, 1).route_row("orders"), 204, 1500, 900, 12, 0, 0)
    lines = get(board, "/metrics")[1].splitlines()
    assert 'gateway_requests_total{route="orders",status="2xx"} 1.0' in lines
    assert 'gateway_request_duration_seconds_bucket{le="0.001024",route="orders"} 0.0' in lines
    assert 'gateway_request_duration_seconds_bucket{le="0.002048",route="orders"} 1.0' in lines
    assert 'gateway_request_duration_seconds_bucket{le="+Inf",route="orders"} 1.0' in lines
    assert 'gateway_request_duration_seconds_sum{route="orders"} 0.0015' in lines
    assert 'gateway_endpoint_requests_total{endpoint="127.0.0.1:9001",upstream="orders"} 0.0' in lines
    assert "gateway_workers_up 2.0" in lines


def test_a_rebound_name_and_a_foreign_page_are_refused() -> None:
    board = make_board()
    assert get(board, "/v1/status", Host="evil.example")[0] == 403
    assert get(board, "/healthz", Origin="https://evil.example")[0] == 403
    assert get(board, "/metrics", Host="localhost:1")[0] == 200


def test_a_worker_that_has_left_is_not_missed() -> None:
    board = make_board()
    board.header["workers_used"], board.slot(1)["state"] = 1, State.EMPTY
    status = get(board, "/v1/status")[1]
    assert [process["name"] for process in status["processes"]] == ["worker 0", "control"]
    assert (status["reason"], status["plan"]["agreed"]) == ("1 of 1 workers are ready", True)
    assert "gateway_workers 1.0" in get(board, "/metrics")[1]
