"""What one worker is handed of the board: its slot, and the addresses of its rows for the compiled side."""

from collections.abc import Mapping

from gateway import _fastpath, _tick
from gateway.board.capacity import INTERNED, permits_stride
from gateway.board.layout import SIZE
from gateway.board.row import Row
from gateway.board.segment import COUNTERS, Board, endpoint_name, limit_name


class WorkerBoard:
    """Every address is valid while the board is mapped. Raises KeyError for a name without a row.

    `spare`: (route, limit) -> the limit whose row stands for it, for a plan beside another one.
    """

    def __init__(self, board: Board, worker: int, spare: Mapping[tuple[str, str], str] | None = None) -> None:
        self._spare = spare or {}
        self.slot = board.slot(worker)
        self.board = board
        self.worker = worker
        self._base = _fastpath.address_of(board.memory)
        self.rows = {section: board.names(section) for section in (*COUNTERS, "limits")}

    def route_row(self, name: str) -> int:
        """The address of the RouteCounters of a route, or of NO_ROUTE."""
        return self.counters("routes", name)

    def endpoint_row(self, upstream: str, address: str) -> int:
        """The address of the EndpointCounters of an endpoint."""
        return self.counters("endpoints", endpoint_name(upstream, address))

    def counters(self, section: str, name: str) -> int:
        """The address of this worker's counters of a route, upstream or endpoint."""
        return self._base + self.board.counters(section, self.worker, self.rows[section][name]).at

    def control(self, section: str, name: str) -> int:
        """The address of the Control of a target."""
        return self._base + self.board.control(section, self.rows[section][name]).at

    def control_row(self, section: str, name: str) -> Row:
        """The Control of a target, for Python."""
        return self.board.control(section, self.rows[section][name])

    def permits(self, section: str, name: str, *, tunnels: bool = False) -> tuple[int, int, int, int]:
        """For `_gates.Permits`: addresses of this worker's and of the first cell, bytes between cells, workers."""
        target = self.board.target(section, self.rows[section][name])
        own, first = (self._base + self.board.permit_at(worker, target, tunnels=tunnels)
                      for worker in (self.worker, 0))
        return own, first, permits_stride(self.board.targets), self.board.workers

    def window(self, section: str, name: str) -> int:
        """The address of the Window of a target."""
        return self._base + self.board.window(section, self.rows[section][name]).at

    def params(self, upstream: str) -> int:
        """The address of the Params of an upstream."""
        return self._base + self.board.params(self.rows["upstreams"][upstream]).at

    def limit(self, route: str, limit: str) -> tuple[int, int]:
        """The row number of a limit and the address of its arrival time."""
        row = self.rows["limits"][limit_name(route, self._spare.get((route, limit), limit))]
        return row, self._base + self.board.limit(row).at

    def client_table(self) -> tuple[int, int, int]:
        """For `_limiter.ClientTable`: address of the first slot, number of slots, address of this worker's counters."""
        header = self.board.header
        return (self._base + header["client_table_at"], header["client_slots"],
                self._base + self.board.limiter(self.worker).at)

    def client_rules(self) -> tuple[int, int, int]:
        """Addresses of the first ClientRule and of the word that counts those in use, and how many there can be."""
        header = self.board.header
        return self._base + header["clients_at"], self._base + self.board.header_at("clients_used"), header["clients"]

    def interned(self) -> tuple[int, int]:
        """The address of this worker's first interned text, and how many there can be."""
        first = self.board.header["interned_at"] + self.worker * INTERNED * SIZE["Interned"]
        return self._base + first, INTERNED

    def ring(self) -> int:
        """The address of this worker's Ring."""
        return self._base + self.board.ring(self.worker).at

    def ticker(self) -> _tick.Ticker:
        """The tick, for a worker to try every 100 ms."""
        return _tick.Ticker(self._base, self.board.header_at("routes_used"), self.board.header.snapshot())

    def beside(self, spare: Mapping[tuple[str, str], str]) -> "WorkerBoard":
        """The same for a plan beside another one, with the names as they are now."""
        return WorkerBoard(self.board, self.worker, spare)

    def share(self) -> int:
        """The address of the word that says how many of 2^32 clients have the revision on probation."""
        return self._base + self.board.header_at("share")

    def generation(self) -> int:
        """The address of the word that says which revision all should serve."""
        return self._base + self.board.header_at("generation")

    @property
    def seed(self) -> tuple[int, int]:
        """The key of this boot for hashes of client keys."""
        return self.board.header["seed0"], self.board.header["seed1"]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(rows)} {section}" for section, rows in self.rows.items())
        return f"<WorkerBoard {self.worker}: {sizes}>"
