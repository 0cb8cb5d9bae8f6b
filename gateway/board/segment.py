"""The mapped board: made by the supervisor, attached by its children, its rows found by name and number."""

import mmap
import os
import secrets
from collections.abc import Iterable, Iterator

from gateway.board.capacity import CLIENT_RULES, Capacity, permits_stride, tunnels_behind
from gateway.board.layout import MAGIC, NAME_BYTES, NAMED, OFFSETS, SIZE, TARGETS, VERSION
from gateway.board.row import Row
from gateway.board.state import State

NO_ROUTE = "-"
"""The row of requests that matched no route or had no readable head; no configured route can have this name."""
COUNTERS = {"routes": "RouteCounters", "upstreams": "UpstreamCounters", "endpoints": "EndpointCounters"}


class BoardFullError(ValueError):
    """A name or one more row does not fit; the message says which limit."""


def endpoint_name(upstream: str, address: str) -> str:
    return f"{upstream} {address}"


def limit_name(route: str, limit: str) -> str:
    return f"{route} {limit}"


class Board:
    """A mapped board. Make one with `create` (the supervisor) or `attach` (its children)."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.memory = mmap.mmap(fd, size)
        self._bytes = memoryview(self.memory)
        self._words = self._bytes.cast("Q")
        self.header = Row(self._words, "Header", 0)

    @classmethod
    def create(cls, capacity: Capacity, *, boot_ns: int, boot_utc_ns: int, workers: int | None = None) -> "Board":
        """`workers`: how many there are at first, all that there is room for by default; the ring of any other takes
        no memory before `take_ring`. Raises OSError when the machine has no memory for it."""
        sections = capacity.sections()
        fd = os.memfd_create("gateway-board", os.MFD_CLOEXEC)
        os.ftruncate(fd, sections["bytes"])
        os.posix_fallocate(fd, 0, sections["rings_at"])
        board = cls(fd, sections["bytes"])
        rooms = {name: getattr(capacity, name) for name in ("workers", *NAMED, "ring_records")}
        seeds = {"seed0": secrets.randbits(64), "seed1": secrets.randbits(64)}
        sizes = {"version": VERSION, "clients": CLIENT_RULES, "client_slots": 4 * capacity.client_lines}
        for field, value in (sizes | rooms | seeds | sections).items():
            board.header[field] = value
        board.header["workers_used"] = capacity.workers if workers is None else workers
        for worker in range(board.header["workers_used"]):
            board.take_ring(worker)
        board.header["boot_ns"], board.header["boot_utc_ns"] = boot_ns, boot_utc_ns
        board.header["magic"] = MAGIC
        return board

    @classmethod
    def attach(cls, fd: int) -> "Board":
        """Raises ValueError if the descriptor is not a board of this version."""
        board = cls(fd, os.fstat(fd).st_size)
        if board.header["magic"] != MAGIC or board.header["version"] != VERSION:
            raise ValueError(f"descriptor {fd} is not a board of layout version {VERSION}")
        return board

    @property
    def workers(self) -> int:
        """Slots for workers. How many of them, from the first on, there should be is `header["workers_used"]`; those
        that have left keep their counters."""
        return self.header["workers"]

    def crew(self) -> list[int]:
        """The slots of the workers that there should be, and of those that are still leaving."""
        used = self.header["workers_used"]
        return [slot for slot in range(self.workers) if slot < used or self.slot(slot)["state"] != State.EMPTY]

    def slot(self, index: int) -> Row:
        """A worker's slot, control's at index `workers`, or the supervisor's behind it."""
        if not 0 <= index <= self.workers + 1:
            raise IndexError(f"the board has slots 0 to {self.workers + 1}, not {index}")
        return Row(self._words, "Slot", self.header["slots_at"] + index * SIZE["Slot"])

    @property
    def supervisor_slot(self) -> Row:
        return self.slot(self.workers + 1)

    def take_ring(self, worker: int) -> None:
        """Give a worker's recorder its memory, before the worker's first start. Raises OSError."""
        ring = self.ring(worker)
        os.posix_fallocate(self.fd, ring.at, SIZE["Ring"] + SIZE["Record"] * self.header["ring_records"])
        ring["records"] = self.header["ring_records"]

    def counters(self, section: str, worker: int, row: int) -> Row:
        """One worker's counters of a route, upstream or endpoint."""
        kind, capacity = COUNTERS[section], self.header[section]
        if not (0 <= worker < self.workers and 0 <= row < capacity):
            raise IndexError(f"no {kind} row {row} of worker {worker}")
        return Row(self._words, kind, self.header[f"{section}_at"] + (worker * capacity + row) * SIZE[kind])

    def route(self, worker: int, row: int) -> Row:
        return self.counters("routes", worker, row)

    def endpoint(self, worker: int, row: int) -> Row:
        return self.counters("endpoints", worker, row)

    def limiter(self, worker: int) -> Row:
        """How one worker fared with the client table: claims, live evictions, compare-and-swaps given up."""
        return self._at("LimiterCounters", "limiters_at", worker, self.workers)

    def target(self, section: str, row: int) -> int:
        """The number of a route, upstream or endpoint among all targets."""
        if not 0 <= row < self.header[section]:
            raise IndexError(f"the board has {self.header[section]} {section}, not a row {row}")
        return sum(self.header[before] for before in TARGETS[: TARGETS.index(section)]) + row

    @property
    def targets(self) -> int:
        return sum(self.header[section] for section in TARGETS)

    def control(self, section: str, row: int) -> Row:
        return self._at("Control", "controls_at", self.target(section, row), self.targets)

    def window(self, section: str, row: int) -> Row:
        return self._at("Window", "windows_at", self.target(section, row), self.targets)

    def params(self, upstream: int) -> Row:
        return self._at("Params", "params_at", upstream, self.header["upstreams"])

    def limit(self, row: int) -> Row:
        return self._at("LimitRow", "limits_at", row, self.header["limits"])

    def client_rule(self, row: int) -> Row:
        return self._at("ClientRule", "clients_at", row, self.header["clients"])

    def tick(self) -> Row:
        return self._at("Tick", "tick_at", 0, 1)

    def ring(self, worker: int) -> Row:
        """The head of a worker's recorder; its records follow, see `_recorder.read`."""
        if not 0 <= worker < self.workers:
            raise IndexError(f"the board has rings of {self.workers} workers, not of {worker}")
        size = SIZE["Ring"] + SIZE["Record"] * self.header["ring_records"]
        return Row(self._words, "Ring", self.header["rings_at"] + worker * size)

    def permit_at(self, worker: int, target: int, *, tunnels: bool = False) -> int:
        """The byte offset of the cell in which a worker counts what it has in flight for a target: requests, or
        tunnels, which have permits of their own."""
        if not (0 <= worker < self.workers and 0 <= target < self.targets):
            raise IndexError(f"no permits of worker {worker} for target {target}")
        behind = tunnels_behind(self.targets) if tunnels else 0
        return self.header["permits_at"] + worker * permits_stride(self.targets) + behind + target * 8

    def in_flight(self, section: str, row: int, *, tunnels: bool = False) -> int:
        """The sum of all workers' cells of a target."""
        target = self.target(section, row)
        return sum(self._words[self.permit_at(worker, target, tunnels=tunnels) // 8] for worker in range(self.workers))

    def header_at(self, field: str) -> int:
        """The byte offset of a word of the header."""
        return OFFSETS["Header"][field]

    def _at(self, kind: str, section: str, row: int, rows: int) -> Row:
        if not 0 <= row < rows:
            raise IndexError(f"the board has {rows} {kind} rows, not a row {row}")
        return Row(self._words, kind, self.header[section] + row * SIZE[kind])

    def name_rows(self, routes: Iterable[str], endpoints: Iterable[tuple[str, str]], generation: int, *,
                  upstreams: Iterable[str] = (), limits: Iterable[tuple[str, str]] = ()) -> None:
        """Give every route, upstream, (upstream, address) and (route, limit) a row, keeping those that have one.

        Supervisor only. Raises BoardFullError.
        """
        self._claim("routes", (NO_ROUTE, *routes), generation)
        self._claim("upstreams", upstreams, generation)
        self._claim("endpoints", (endpoint_name(upstream, address) for upstream, address in endpoints), generation)
        self._claim("limits", (limit_name(route, limit) for route, limit in limits), generation)

    def _claim(self, section: str, names: Iterable[str], generation: int) -> None:
        known = self.names(section)
        for name in names:
            text = name.encode()
            if len(text) > NAME_BYTES:
                raise BoardFullError(f"the name {name[:40]!r}… is longer than {NAME_BYTES} bytes; shorten it")
            row = known.setdefault(name, len(known))
            if row >= self.header[section]:
                room = self.header[section]
                raise BoardFullError(f"more than {room} {section} since the start; restart to make room")
            self._write_name(self._name(section, row), text, generation)
            self.header[f"{section}_used"] = len(known)

    def _write_name(self, entry: Row, text: bytes, generation: int) -> None:
        at = entry.at + OFFSETS["Name"]["text"]
        self._bytes[at : at + len(text)] = text
        entry["size"] = len(text)
        entry["generation"] = generation
        entry["used"] = 1

    def names(self, section: str) -> dict[str, int]:
        """Row number by name; `section` is "routes", "upstreams", "endpoints" or "limits"."""
        return {name: row for row, name in enumerate(self._read_names(section))}

    def _read_names(self, section: str) -> Iterator[str]:
        for row in range(self.header[section]):
            entry = self._name(section, row)
            if not entry["used"]:
                return
            at = entry.at + OFFSETS["Name"]["text"]
            yield bytes(self._bytes[at : at + min(entry["size"], NAME_BYTES)]).decode()

    def _name(self, section: str, row: int) -> Row:
        first = sum(self.header[before] for before in NAMED[: NAMED.index(section)])
        return Row(self._words, "Name", self.header["names_at"] + (first + row) * SIZE["Name"])

    def clear_gauges(self, slot: int) -> None:
        """What a dead process left that is no longer so, its permits among it: to be called after it was reaped,
        before its successor."""
        self.slot(slot).clear_gauges()
        if slot < self.workers:
            first = self.permit_at(slot, 0)
            self._bytes[first : first + permits_stride(self.targets)] = bytes(permits_stride(self.targets))
            for row in range(len(self.names("endpoints"))):
                self.endpoint(slot, row).clear_gauges()

    def __repr__(self) -> str:
        return f"<Board {self.header.snapshot()}>"
