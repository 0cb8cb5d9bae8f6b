"""The Python face of the rate limits, for tests, replays and the slow path; addresses are those of `WorkerBoard`."""
from libc.stdint cimport uint64_t, uintptr_t

from gateway._fastpath cimport clock_ns


def hash_key(key: bytes, seed: tuple[int, int]) -> int:
    """SipHash-1-3 of a client key under a 128-bit seed."""
    cdef const unsigned char[::1] view = key
    if not key:
        return siphash13(NULL, 0, seed[0], seed[1])
    return siphash13(&view[0], view.shape[0], seed[0], seed[1])


cdef class RateLimit:
    """A limit of `quota` per `period_ns` with a burst. Answers are (wait ns, arrival ns); wait NEVER_NS = never."""

    cdef Limit limit

    def __init__(self, period_ns: int, quota: int, burst: int) -> None:
        if period_ns < 1 or quota < 1 or burst < 1:
            raise ValueError(f"a limit needs period, quota and burst of at least 1, not {period_ns}, {quota}, {burst}")
        self.limit = limit_of(period_ns, quota, burst)

    def take_at(self, arrival: int, now: int, cost: int, counters: int) -> tuple[int, int]:
        """GCRA on the arrival time at an address."""
        verdict = gcra(<uint64_t*><uintptr_t>arrival, now, self.limit, cost, <LimiterCounters*><uintptr_t>counters)
        return verdict.wait, verdict.arrival

    def take_of_client(self, table: tuple[int, int, int], client: int, row: int, now: int,
                       cost: int) -> tuple[int, int]:
        """GCRA in a client table as `WorkerBoard.client_table` gives it."""
        cdef ClientTable clients = table_at(table)
        verdict = gcra_of_client(&clients, client, row, now, self.limit, cost)
        return verdict.wait, verdict.arrival

    def remaining(self, arrival: int, now: int) -> int:
        return remaining(arrival, now, self.limit)

    def more_in(self, arrival: int, now: int) -> int:
        """ns until one more is admitted."""
        return more_in(arrival, now, self.limit)

    def hammer(self, arrival: int, counters: int, until: int) -> int:
        """Ask again and again until a time; how often it was admitted."""
        cdef uint64_t admitted = 0, end = until
        cdef uint64_t now = clock_ns()
        while now < end:
            if gcra(<uint64_t*><uintptr_t>arrival, now, self.limit, 1, <LimiterCounters*><uintptr_t>counters).wait == 0:
                admitted += 1
            now = clock_ns()
        return admitted

    def __repr__(self) -> str:
        return f"<RateLimit one per {self.limit.interval} ns, burst {self.limit.burst} ns>"


NEVER_NS = NEVER


cdef ClientTable table_at(tuple table):
    cdef ClientTable clients
    clients.slots = <ClientSlot*><uintptr_t>table[0]
    clients.lines = table[1] // WAYS
    clients.counters = <LimiterCounters*><uintptr_t>table[2]
    return clients


def retry_after_seconds(wait_ns: int, draw: int) -> int:
    return retry_after(wait_ns, draw)


def key_under(client: int, row: int) -> int:
    """The key of a client under the limit of a row."""
    return key_of(client, row)


def layout() -> dict[str, dict[str, int]]:
    """Each compiled row: the offset of every field, and its size under "sizeof"."""
    cdef LimiterCounters* c = NULL
    cdef ClientSlot* s = NULL
    return {
        "LimiterCounters": {
            "claims": <uintptr_t>&c.claims, "evicted_live": <uintptr_t>&c.evicted_live,
            "cas_giveups": <uintptr_t>&c.cas_giveups, "reserved": <uintptr_t>&c.reserved[0],
            "sizeof": sizeof(LimiterCounters),
        },
        "ClientSlot": {"tag": <uintptr_t>&s.tag, "arrival": <uintptr_t>&s.arrival, "sizeof": sizeof(ClientSlot)},
    }
