"""How much a board has room for, and where each section of it begins."""

from dataclasses import dataclass

from gateway.board.layout import ALIGNMENT, SIZE

CLIENT_LINES = 65_536
"""4 MiB: 262,144 client keys of rate limits (algorithms.md 1.4)."""
RECORDER_BYTES = 64 * 2**20
"""Per worker: 262,144 requests, a minute at 4,000 per second."""
CLIENT_RULES = 1024
INTERNED = 1024


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many rows a board has room for. The slots of control and of the supervisor come after those of the workers.

    `client_lines`: cache lines of four client keys each, a power of two. `ring_records`: per worker, a power of two.
    """

    workers: int
    routes: int
    endpoints: int
    upstreams: int = 64
    limits: int = 64
    client_lines: int = 1024
    ring_records: int = 1024

    def __post_init__(self) -> None:
        for name in ("client_lines", "ring_records"):
            value = getattr(self, name)
            if value < 1 or value & (value - 1):
                raise ValueError(f"{name} must be a power of two, not {value}")

    @classmethod
    def room_for(cls, workers: int, routes: int, endpoints: int, upstreams: int = 0, limits: int = 0, *,
                 client_lines: int = 1024, recorder_bytes: int = 2**18) -> "Capacity":
        """Room to grow to twice as many, at least 64 of each, before a restart is needed.

        `client_lines` and `recorder_bytes` are rounded down to powers of two; the defaults are those of a small board,
        CLIENT_LINES and RECORDER_BYTES those of a gateway that limits and records.
        """
        return cls(workers, max(64, 2 * (routes + 1)), max(64, 2 * endpoints), max(64, 2 * upstreams),
                   max(64, 2 * limits), _power_of_two(client_lines), _power_of_two(recorder_bytes // SIZE["Record"]))

    @property
    def targets(self) -> int:
        return self.routes + self.upstreams + self.endpoints

    def sections(self) -> dict[str, int]:
        """The offset of each section, and the size of the whole under "bytes"."""
        answer, offset = {}, SIZE["Header"]
        for name, size in self._sizes().items():
            answer[name] = offset
            offset += -(-size // ALIGNMENT) * ALIGNMENT
        return answer | {"bytes": offset}

    def _sizes(self) -> dict[str, int]:
        return {
            "names_at": SIZE["Name"] * (self.targets + self.limits),
            "slots_at": SIZE["Slot"] * (self.workers + 2),
            "routes_at": SIZE["RouteCounters"] * self.routes * self.workers,
            "upstreams_at": SIZE["UpstreamCounters"] * self.upstreams * self.workers,
            "endpoints_at": SIZE["EndpointCounters"] * self.endpoints * self.workers,
            "limiters_at": SIZE["LimiterCounters"] * self.workers,
            "controls_at": SIZE["Control"] * self.targets,
            "clients_at": SIZE["ClientRule"] * CLIENT_RULES,
            "permits_at": permits_stride(self.targets) * self.workers,
            "limits_at": SIZE["LimitRow"] * self.limits,
            "client_table_at": SIZE["ClientSlot"] * 4 * self.client_lines,
            "windows_at": SIZE["Window"] * self.targets,
            "params_at": SIZE["Params"] * self.upstreams,
            "tick_at": SIZE["Tick"],
            "interned_at": SIZE["Interned"] * INTERNED * self.workers,
            "rings_at": (SIZE["Ring"] + SIZE["Record"] * self.ring_records) * self.workers,
        }


def worker_room(workers: int) -> int:
    """Slots for a crew that begins with so many: it may grow to twice that, by eight at most. Every request sums one
    permit cell of each slot, so that more room is not free."""
    return max(4, workers + min(workers, 8))


def permits_stride(targets: int) -> int:
    """Bytes from one worker's permit cells to the next one's: whole cache lines, the cells of tunnels behind those of
    requests."""
    return 2 * tunnels_behind(targets)


def tunnels_behind(targets: int) -> int:
    """Bytes from a target's cell for requests to its cell for tunnels."""
    return -(-targets * 8 // ALIGNMENT) * ALIGNMENT


def _power_of_two(value: int) -> int:
    return 1 << (max(1, value).bit_length() - 1)
