"""The Python face of the gates, for tests and for control; addresses are those of `WorkerBoard`."""
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN = CLOSED, OPEN, HALF_OPEN


cdef class Bulkhead:
    """The permits of one target as `WorkerBoard.permits` gives them."""

    cdef Permits permits

    def __init__(self, own: int, first: int, stride: int, workers: int) -> None:
        self.permits.own = <uint64_t*><uintptr_t>own
        self.permits.first = <const char*><uintptr_t>first
        self.permits.stride = stride
        self.permits.workers = workers

    def take(self, limit: int) -> bool:
        cdef uint64_t observed = 0
        return take_permit(&self.permits, limit, &observed)

    def give(self) -> None:
        """Once per permit taken."""
        give_permit(&self.permits)

    def in_flight(self) -> int:
        return in_flight(&self.permits)

    def __repr__(self) -> str:
        return f"<Bulkhead {self.in_flight()} in flight>"


cdef class Gate:
    """One Control row by its address. All times in ns of the monotonic clock."""

    cdef Control* control

    def __init__(self, address: int) -> None:
        self.control = <Control*><uintptr_t>address

    def isolated(self, now: int) -> bool:
        return isolated(self.control, now)

    def sheds(self, priority: int, client: int, salt: int, now: int) -> bool:
        return sheds(self.control, rank_of(priority, client, salt), now)

    def concurrency(self, planned: int, now: int) -> int:
        return concurrency_of(self.control, planned, now)

    def admits(self, now: int, draw: int) -> tuple[bool, int]:
        """Whether the breaker admits, and the generation to keep."""
        cdef uint32_t generation = 0
        admitted = breaker_admits(self.control, now, draw, &generation)
        return admitted, generation

    def takes(self, generation: int) -> bool:
        return breaker_takes(self.control, generation)

    def endpoint_in(self, now: int) -> bool:
        return endpoint_in(self.control, now)

    def weight(self, planned: int, now: int) -> int:
        return weight_of(self.control, planned, now)

    def claim_check(self, now: int, following: int) -> bool:
        """Whether a health check is due and now the caller's to make; the next is due at `following`."""
        cdef uint64_t due = load(&self.control.check_due)
        return due <= <uint64_t>now and cas(&self.control.check_due, &due, following)

    def count_consecutive(self, failed: bool, now: int) -> int:
        return count_consecutive(self.control, failed, now)

    def count_for_retries(self, failed: bool) -> None:
        count_for_retries(self.control, failed)

    def retry_tokens(self) -> int:
        """In thousandths."""
        return retry_tokens(self.control)

    def __repr__(self) -> str:
        word = self.control.breaker
        state = ("closed", "open", "half-open", "?")[state_of(word)]
        return f"<Gate breaker {state}, generation {generation_of(word)}>"


def breaker(word: int) -> tuple[int, int, float]:
    """State, generation and admitted fraction of a breaker word."""
    return state_of(word), generation_of(word), (<uint64_t>word >> 32) / 0xFFFFFFFF


def word_of(state: int, generation: int, fraction: int) -> int:
    """The breaker word; `fraction` of 2^32."""
    return breaker_word(state, generation, fraction)


def lot(client: int, revision: int) -> int:
    """The lot of 2^32 by which a client has a revision on probation, or the one before."""
    return lot_of(client, revision)


def rule_on(rules: tuple[int, int, int], client: int) -> int | None:
    """Which rule of `WorkerBoard.client_rules` is on a client."""
    cdef const ClientRule* first = <const ClientRule*><uintptr_t>rules[0]
    cdef const ClientRule* found = rule_of(first, <const uint64_t*><uintptr_t>rules[1], rules[2], client)
    return None if found == NULL else found - first


def layout() -> dict[str, dict[str, int]]:
    """Each compiled row: the offset of every field, and its size under "sizeof"."""
    cdef Control* control = NULL
    cdef ClientRule* rule = NULL
    return {
        "Control": {
            "isolated_until": <uintptr_t>&control.isolated_until, "isolation": <uintptr_t>&control.isolation,
            "breaker": <uintptr_t>&control.breaker, "breaker_until": <uintptr_t>&control.breaker_until,
            "shed_rank": <uintptr_t>&control.shed_rank, "shed_until": <uintptr_t>&control.shed_until,
            "concurrency": <uintptr_t>&control.concurrency,
            "concurrency_until": <uintptr_t>&control.concurrency_until, "forced": <uintptr_t>&control.forced,
            "forced_until": <uintptr_t>&control.forced_until, "probes": <uintptr_t>&control.probes,
            "weight": <uintptr_t>&control.weight, "weight_until": <uintptr_t>&control.weight_until,
            "ramp_ppm": <uintptr_t>&control.ramp_ppm, "ramp_until": <uintptr_t>&control.ramp_until,
            "consecutive": <uintptr_t>&control.consecutive, "ejected_until": <uintptr_t>&control.ejected_until,
            "ejections": <uintptr_t>&control.ejections, "returned_ns": <uintptr_t>&control.returned_ns,
            "decayed_ns": <uintptr_t>&control.decayed_ns, "unhealthy": <uintptr_t>&control.unhealthy,
            "panic": <uintptr_t>&control.panic, "opens": <uintptr_t>&control.opens,
            "since_ns": <uintptr_t>&control.since_ns, "step": <uintptr_t>&control.step,
            "probed_ns": <uintptr_t>&control.probed_ns, "upstream": <uintptr_t>&control.upstream,
            "next_endpoint": <uintptr_t>&control.next_endpoint, "first_endpoint": <uintptr_t>&control.first_endpoint,
            "check_due": <uintptr_t>&control.check_due, "check_streak": <uintptr_t>&control.check_streak,
            "retry_spent": <uintptr_t>&control.retry_spent, "sizeof": sizeof(Control),
        },
        "ClientRule": {
            "hash": <uintptr_t>&rule.hash, "isolated_until": <uintptr_t>&rule.isolated_until,
            "isolation": <uintptr_t>&rule.isolation, "clamp_ns": <uintptr_t>&rule.clamp_ns,
            "clamp_until": <uintptr_t>&rule.clamp_until, "reserved": <uintptr_t>&rule.reserved[0],
            "sizeof": sizeof(ClientRule),
        },
    }
