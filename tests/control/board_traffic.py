"""A board that is written as workers write it, for tests of what control reads off it."""
from gateway import _fastpath
from gateway.board import Board, Capacity, WorkerBoard

WORKERS = 2


class BoardTraffic:
    """Two workers, routes a and b, upstream u with endpoints h:1 and h:2."""

    def __init__(self) -> None:
        self.board = Board.create(Capacity.room_for(WORKERS, 2, 2, 1), boot_ns=1, boot_utc_ns=1)
        self.name("a", "b")

    def name(self, *routes: str) -> None:
        self.board.name_rows(routes, [("u", "h:1"), ("u", "h:2")], 1, upstreams=["u"])

    def served(self, route: str, times: int = 1, *, status: int = 200, ms: int = 5, worker: int = 0) -> None:
        row = WorkerBoard(self.board, worker).route_row(route)
        for _ in range(times):
            _fastpath.count_request_at(row, status, ms * 1000, ms * 1000, 10, 0, 0)

    def asked(self, address: str, times: int = 1, *, failed: bool = False, ms: int = 5, worker: int = 0) -> None:
        row = WorkerBoard(self.board, worker).endpoint_row("u", address)
        for _ in range(times):
            _fastpath.count_endpoint_at(row, failed, ms * 1000)
