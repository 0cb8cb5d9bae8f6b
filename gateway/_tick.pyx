"""The tick: every 100 ms one worker folds the counters into windows and moves breakers, ejections and slow starts.

The lease is a time before which nobody else may tick. Who takes it sets it HOLD ahead, and when done to the next turn;
so a holder that dies, or is stopped, is replaced after HOLD, and one that wakes up later finds its lease gone.
A tick that dies in the middle loses at most one target's counts of a turn: `seen` is written before the bucket.

What it decides stands in `_decisions.pxd`.
"""
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memset

from gateway._decisions cimport FAST, SECONDS, WHOLE, slow_start, step_breaker, step_ejection
from gateway._fastpath cimport EndpointCounters, RouteCounters, UpstreamCounters, add, cas, load, store

cdef enum:
    EVERY = 90_000_000              # a little less than the workers' 100 ms, so that none of them misses its turn
    HOLD = 500_000_000
    SECOND = 1_000_000_000
    ENFORCED = 2                    # model.safeguards.MODES


cdef inline uint64_t scramble(uint64_t x) noexcept nogil:
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    return x ^ (x >> 27)


cdef class Ticker:
    """The tick of one board at an address, its offsets and sizes as in the header."""

    def __init__(self, base: int, used_at: int, header: dict[str, int]) -> None:
        self.base = <char*><uintptr_t>base
        self.used = <uint64_t*>(self.base + <uint64_t>used_at)
        self.tick = <Tick*>(self.base + <uint64_t>header["tick_at"])
        self.workers, self.routes = header["workers"], header["routes"]
        self.upstreams, self.endpoints = header["upstreams"], header["endpoints"]
        self.routes_at, self.upstreams_at = header["routes_at"], header["upstreams_at"]
        self.endpoints_at, self.params_at = header["endpoints_at"], header["params_at"]
        self.controls_at, self.windows_at = header["controls_at"], header["windows_at"]

    def run(self, now: int) -> bool:
        """Tick if it is time and nobody else does. `now` in ns of the monotonic clock."""
        return self.turn(now, now)

    def run_early(self, now: int) -> bool:
        """Tick before its time, unless somebody is at it: an endpoint has failed as often in a row as it may."""
        return self.early(now)

    cdef bint early(self, uint64_t now) noexcept nogil:
        return self.turn(now, now + EVERY)

    cdef bint turn(self, uint64_t now, uint64_t due) noexcept nogil:
        """`due`: a lease up to here is taken; one that is held is always later."""
        cdef uint64_t seen = load(&self.tick.lease), mine = now + HOLD
        if due < seen or not cas(&self.tick.lease, &seen, mine):
            return False
        self.begin(now)
        if self.fold(mine) and self.decide(now, mine):
            store(&self.tick.last_ns, now)
            store(&self.tick.ticks, self.tick.ticks + 1)
            cas(&self.tick.lease, &mine, now + EVERY)
        else:
            add(&self.tick.torn, 1)
        return True

    cdef void begin(self, uint64_t now) noexcept nogil:
        """The next bucket, and each second the next of those."""
        if self.tick.last_ns == 0:
            store(&self.tick.last_ns, now)
        store(&self.tick.fast, self.tick.fast + 1)
        if self.tick.last_ns - self.tick.second_ns >= SECOND:
            store(&self.tick.second_ns, self.tick.last_ns)
            store(&self.tick.seconds, self.tick.seconds + 1)

    cdef bint held(self, uint64_t mine) noexcept nogil:
        return load(&self.tick.lease) == mine

    cdef Control* control(self, uint64_t target) noexcept nogil:
        return <Control*>(self.base + self.controls_at) + target

    cdef Window* window(self, uint64_t target) noexcept nogil:
        return <Window*>(self.base + self.windows_at) + target

    cdef bint fold(self, uint64_t mine) noexcept nogil:
        """All counters into this tick's buckets; False if the lease was lost."""
        cdef uint64_t row
        cdef Tally total
        for row in range(min(self.used[0], self.routes)):
            total = self.tally_route(row)
            if not self.fold_one(row, &total, mine):
                return False
        for row in range(min(self.used[1], self.upstreams)):
            total = self.tally_upstream(row)
            if not self.fold_one(self.routes + row, &total, mine):
                return False
        for row in range(min(self.used[2], self.endpoints)):
            total = self.tally_endpoint(row)
            if not self.fold_one(self.routes + self.upstreams + row, &total, mine):
                return False
        return True

    cdef Tally tally_route(self, uint64_t row) noexcept nogil:
        cdef Tally total
        cdef RouteCounters* counters
        cdef uint64_t worker
        memset(&total, 0, sizeof(total))
        for worker in range(self.workers):
            counters = <RouteCounters*>(self.base + self.routes_at) + worker * self.routes + row
            total.requests += counters.requests
            total.failures += counters.answers[5]
            total.slow += counters.slow
            total.refused += counters.refused
            total.client_errors += counters.answers[4]
            total.latency_us += counters.total_us
            total.retries += counters.retries
        return total

    cdef Tally tally_upstream(self, uint64_t row) noexcept nogil:
        cdef Tally total
        cdef UpstreamCounters* counters
        cdef uint64_t worker
        memset(&total, 0, sizeof(total))
        for worker in range(self.workers):
            counters = <UpstreamCounters*>(self.base + self.upstreams_at) + worker * self.upstreams + row
            total.requests += counters.requests
            total.failures += counters.failures
            total.slow += counters.slow
            total.refused += counters.refused
            total.latency_us += counters.ttfb_us
            total.retries += counters.retries
        return total

    cdef Tally tally_endpoint(self, uint64_t row) noexcept nogil:
        cdef Tally total
        cdef EndpointCounters* counters
        cdef uint64_t worker
        memset(&total, 0, sizeof(total))
        for worker in range(self.workers):
            counters = <EndpointCounters*>(self.base + self.endpoints_at) + worker * self.endpoints + row
            total.requests += counters.requests
            total.failures += counters.failures
            total.slow += counters.slow
            total.latency_us += counters.ttfb_us
        return total

    cdef bint fold_one(self, uint64_t target, const Tally* total, uint64_t mine) noexcept nogil:
        """What a target's counters grew by, into its buckets. Both indexes are masked to the rings' sizes."""
        cdef Window* window = self.window(target)
        cdef Bucket grown
        if not self.held(mine):
            return False
        grown.start_ns = self.tick.last_ns
        grown.requests = total.requests - window.seen.requests
        grown.failures = total.failures - window.seen.failures
        grown.slow = total.slow - window.seen.slow
        grown.refused = total.refused - window.seen.refused
        grown.client_errors = total.client_errors - window.seen.client_errors
        grown.latency_us = total.latency_us - window.seen.latency_us
        grown.retries = total.retries - window.seen.retries
        window.seen = total[0]
        window.fast[self.tick.fast & (FAST - 1)] = grown
        self.add_second(&window.seconds[self.tick.seconds & (SECONDS - 1)], &grown)
        return True

    cdef void add_second(self, Bucket* second, const Bucket* grown) noexcept nogil:
        if second.start_ns != self.tick.second_ns:
            memset(second, 0, sizeof(Bucket))
            second.start_ns = self.tick.second_ns
        second.requests += grown.requests
        second.failures += grown.failures
        second.slow += grown.slow
        second.refused += grown.refused
        second.client_errors += grown.client_errors
        second.latency_us += grown.latency_us
        second.retries += grown.retries

    cdef bint decide(self, uint64_t now, uint64_t mine) noexcept nogil:
        """Every upstream's breaker and endpoints; False if the lease was lost."""
        cdef uint64_t row, target
        cdef Params* params
        for row in range(min(self.used[1], self.upstreams)):
            if not self.held(mine):
                return False
            target = self.routes + row
            params = <Params*>(self.base + self.params_at) + row
            if params.breaker_mode and step_breaker(self.control(target), self.window(target), params, now):
                add(&self.tick.transitions, 1)
            self.decide_endpoints(self.control(target), params, now)
        return True

    cdef void decide_endpoints(self, Control* upstream, const Params* params, uint64_t now) noexcept nogil:
        """Walk the upstream's list of endpoints: a row is checked against the board's end, the walk against a loop.

        `out`: ejected, or out by the health checks, which counts for `at_most`; `missing`: those of them that really
        are not asked, as the mode is enforce, which counts for the panic rule.
        """
        cdef uint64_t first = self.routes + self.upstreams, row, target
        cdef uint64_t total = 0, out = 0, missing = 0, lost = 0
        cdef bint ejected, unhealthy
        row = upstream.first_endpoint
        while 0 < row <= self.endpoints and total < self.endpoints:
            total += 1
            ejected = self.control(first + row - 1).ejected_until > now
            unhealthy = load(&self.control(first + row - 1).unhealthy) != 0
            out += ejected or (unhealthy and params.health_mode == ENFORCED)
            missing += (ejected and params.eject_mode == ENFORCED) or (unhealthy and params.health_mode == ENFORCED)
            row = self.control(first + row - 1).next_endpoint
        row = upstream.first_endpoint
        while 0 < row <= self.endpoints and lost < total:
            lost += 1
            target = first + row - 1
            if params.eject_mode and step_ejection(self.control(target), self.window(target), params, out, total,
                                                   now, <uint32_t>scramble(now + target)):
                out += 1
                missing += params.eject_mode == ENFORCED
                add(&self.tick.transitions, 1)
            slow_start(self.control(target), params, now)
            row = self.control(target).next_endpoint
        store(&upstream.panic, (total - missing) * WHOLE < total * params.panic_ppm)

    def snapshot(self) -> dict[str, int]:
        return {"ticks": self.tick.ticks, "transitions": self.tick.transitions, "torn": self.tick.torn,
                "last_ns": self.tick.last_ns}

    def __repr__(self) -> str:
        return f"<Ticker {self.snapshot()}>"


def layout() -> dict[str, dict[str, int]]:
    """Each compiled row: the offset of every field, and its size under "sizeof"."""
    cdef Params* params = NULL
    cdef Tick* tick = NULL
    cdef Window* window = NULL
    return {
        "Params": {
            "breaker_mode": <uintptr_t>&params.breaker_mode,
            "breaker_window_ns": <uintptr_t>&params.breaker_window_ns,
            "breaker_min_requests": <uintptr_t>&params.breaker_min_requests,
            "breaker_failures_ppm": <uintptr_t>&params.breaker_failures_ppm,
            "breaker_slow_ppm": <uintptr_t>&params.breaker_slow_ppm,
            "breaker_slow_us": <uintptr_t>&params.breaker_slow_us, "open_ns": <uintptr_t>&params.open_ns,
            "open_cap_ns": <uintptr_t>&params.open_cap_ns, "forget_ns": <uintptr_t>&params.forget_ns,
            "step_ns": <uintptr_t>&params.step_ns, "step_results": <uintptr_t>&params.step_results,
            "step_failures_ppm": <uintptr_t>&params.step_failures_ppm, "reopen_ppm": <uintptr_t>&params.reopen_ppm,
            "spare": <uintptr_t>&params.spare, "eject_mode": <uintptr_t>&params.eject_mode,
            "eject_consecutive": <uintptr_t>&params.eject_consecutive,
            "eject_window_ns": <uintptr_t>&params.eject_window_ns,
            "eject_min_requests": <uintptr_t>&params.eject_min_requests,
            "eject_failures_ppm": <uintptr_t>&params.eject_failures_ppm, "eject_ns": <uintptr_t>&params.eject_ns,
            "eject_cap_ns": <uintptr_t>&params.eject_cap_ns, "eject_jitter_ppm": <uintptr_t>&params.eject_jitter_ppm,
            "eject_at_most_ppm": <uintptr_t>&params.eject_at_most_ppm, "panic_ppm": <uintptr_t>&params.panic_ppm,
            "slow_start_ns": <uintptr_t>&params.slow_start_ns,
            "slow_start_min_ppm": <uintptr_t>&params.slow_start_min_ppm, "health_mode": <uintptr_t>&params.health_mode,
            "reserved": <uintptr_t>&params.reserved[0], "sizeof": sizeof(Params),
        },
        "Tick": {
            "lease": <uintptr_t>&tick.lease, "ticks": <uintptr_t>&tick.ticks, "fast": <uintptr_t>&tick.fast,
            "seconds": <uintptr_t>&tick.seconds, "second_ns": <uintptr_t>&tick.second_ns,
            "last_ns": <uintptr_t>&tick.last_ns, "transitions": <uintptr_t>&tick.transitions,
            "torn": <uintptr_t>&tick.torn, "sizeof": sizeof(Tick),
        },
        "Window": {
            "requests": <uintptr_t>&window.seen.requests, "failures": <uintptr_t>&window.seen.failures,
            "slow": <uintptr_t>&window.seen.slow, "refused": <uintptr_t>&window.seen.refused,
            "client_errors": <uintptr_t>&window.seen.client_errors, "latency_us": <uintptr_t>&window.seen.latency_us,
            "retries": <uintptr_t>&window.seen.retries,
            "reserved": <uintptr_t>&window.seen.reserved, "fast": <uintptr_t>&window.fast[0],
            "seconds": <uintptr_t>&window.seconds[0], "sizeof": sizeof(Window),
        },
    }
