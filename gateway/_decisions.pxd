"""What the tick decides over windows: breakers, ejections, slow starts. No clock, no lease, no counters here.

The same is told, readably, in `gateway/isolate/breaker.py` and `ejection.py`, and a test holds this to those. A window
counts only buckets that began after the present state did, so that nothing older is held against it.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from gateway._fastpath cimport load, store
from gateway._gates cimport CLOSED, HALF_OPEN, OPEN, Control, breaker_word, generation_of, state_of

cdef enum:
    FAST = 128                      # buckets of one tick: about 100 ms
    SECONDS = 64
    WHOLE = 1_000_000               # parts per million
    STEPS = 5                       # of the ramp

cdef struct Tally:
    uint64_t requests
    uint64_t failures
    uint64_t slow
    uint64_t refused
    uint64_t client_errors
    uint64_t latency_us
    uint64_t retries
    uint64_t reserved

cdef struct Bucket:
    uint64_t start_ns               # when the one before it ended
    uint64_t requests
    uint64_t failures
    uint64_t slow
    uint64_t refused
    uint64_t client_errors
    uint64_t latency_us
    uint64_t retries

cdef struct Window:
    Tally seen                      # all workers' counters at the last fold
    Bucket fast[128]
    Bucket seconds[64]

cdef struct Params:
    uint64_t breaker_mode           # 0 = off; shadow and enforce are moved alike
    uint64_t breaker_window_ns
    uint64_t breaker_min_requests
    uint64_t breaker_failures_ppm
    uint64_t breaker_slow_ppm       # 0 = slowness does not count
    uint64_t breaker_slow_us
    uint64_t open_ns
    uint64_t open_cap_ns
    uint64_t forget_ns
    uint64_t step_ns
    uint64_t step_results
    uint64_t step_failures_ppm
    uint64_t reopen_ppm
    uint64_t spare
    uint64_t eject_mode
    uint64_t eject_consecutive
    uint64_t eject_window_ns
    uint64_t eject_min_requests
    uint64_t eject_failures_ppm
    uint64_t eject_ns
    uint64_t eject_cap_ns
    uint64_t eject_jitter_ppm
    uint64_t eject_at_most_ppm
    uint64_t panic_ppm
    uint64_t slow_start_ns
    uint64_t slow_start_min_ppm
    uint64_t health_mode            # of what the checks say; the tick only heeds it
    uint64_t reserved[5]


cdef inline uint64_t ramp(uint64_t step) noexcept nogil:
    """Share of the requests in ppm that a step lets through: 1, 5, 25, 50, 100 %."""
    if step < 3:
        return 10_000 if step == 0 else 50_000 if step == 1 else 250_000
    return 500_000 if step == 3 else 1_000_000


cdef inline bint reached(uint64_t count, uint64_t of, uint64_t share_ppm) noexcept nogil:
    return of > 0 and count * WHOLE >= of * share_ppm


cdef inline Tally since(const Window* window, uint64_t start) noexcept nogil:
    """The sum of the buckets that began at `start` or later."""
    cdef Tally total
    cdef int i
    memset(&total, 0, sizeof(total))
    for i in range(FAST):
        if window.fast[i].start_ns >= start:
            total.requests += window.fast[i].requests
            total.failures += window.fast[i].failures
            total.slow += window.fast[i].slow
            total.retries += window.fast[i].retries
    return total


cdef inline bint too_slow(const Tally* seen, const Params* params) noexcept nogil:
    return params.breaker_slow_ppm > 0 and reached(seen.slow, seen.requests, params.breaker_slow_ppm)


cdef inline void move_to(Control* control, int state, uint64_t step, uint64_t now) noexcept nogil:
    """A new generation of the breaker; the word is stored last."""
    cdef uint64_t generation = generation_of(load(&control.breaker)) + 1
    store(&control.since_ns, now)
    store(&control.step, step)
    store(&control.probes, 1)
    store(&control.breaker, breaker_word(state, generation, (ramp(step) << 32) // WHOLE if state == HALF_OPEN else 0))


cdef inline void open_breaker(Control* control, const Params* params, uint64_t now) noexcept nogil:
    cdef uint64_t before = control.opens
    if state_of(control.breaker) == CLOSED and now - control.since_ns >= params.forget_ns:
        before = 0
    store(&control.opens, before + 1)
    store(&control.breaker_until, now + min(params.open_ns << min(before, <uint64_t>8), params.open_cap_ns))
    move_to(control, OPEN, 0, now)


cdef inline bint step_breaker(Control* control, const Window* window, const Params* params,
                              uint64_t now) noexcept nogil:
    """One look at a breaker; whether its state or its step of the ramp changed."""
    cdef int state = state_of(control.breaker)
    cdef Tally seen
    if state == OPEN:
        if now < control.breaker_until:
            return False
        move_to(control, HALF_OPEN, 0, now)
        return True
    seen = since(window, max(control.since_ns, now - min(now, params.breaker_window_ns)))
    if state == HALF_OPEN:
        return step_ramp(control, &seen, params, now)
    if seen.requests < params.breaker_min_requests or not (
            reached(seen.failures, seen.requests, params.breaker_failures_ppm) or too_slow(&seen, params)):
        return False
    open_breaker(control, params, now)
    return True


cdef inline bint step_ramp(Control* control, const Tally* seen, const Params* params, uint64_t now) noexcept nogil:
    """HALF_OPEN: one more probe is granted each tick, so that no lost one holds the ramp up."""
    store(&control.probes, 1)
    if seen.requests < params.step_results:
        return False
    if seen.failures * WHOLE > seen.requests * params.reopen_ppm or too_slow(seen, params):
        open_breaker(control, params, now)
        return True
    if now - control.since_ns < params.step_ns or seen.failures * WHOLE >= seen.requests * params.step_failures_ppm:
        return False
    if control.step + 1 < STEPS:
        move_to(control, HALF_OPEN, control.step + 1, now)
    else:
        move_to(control, CLOSED, 0, now)
    return True


cdef inline uint64_t ejection_ns(uint64_t times, const Params* params, uint32_t draw) noexcept nogil:
    """30 s * k up to the cap, and by `draw` up to a tenth less or more."""
    cdef uint64_t whole = min(params.eject_ns * times, max(params.eject_cap_ns, params.eject_ns))
    cdef uint64_t jitter = whole // WHOLE * params.eject_jitter_ppm
    return whole - jitter + <uint64_t>(2.0 * <double>jitter * <double>draw / 4294967296.0)


cdef inline bint offends(const Control* control, const Window* window, const Params* params,
                         uint64_t now) noexcept nogil:
    cdef Tally seen
    if params.eject_consecutive and load(&control.consecutive) >= params.eject_consecutive:
        return True
    seen = since(window, max(control.returned_ns, now - min(now, params.eject_window_ns)))
    return (seen.requests >= params.eject_min_requests and seen.failures > 0
            and reached(seen.failures, seen.requests, params.eject_failures_ppm))


cdef inline bint step_ejection(Control* control, const Window* window, const Params* params, uint64_t others_out,
                               uint64_t total, uint64_t now, uint32_t draw) noexcept nogil:
    """One look at an endpoint; whether it was ejected. One alone never is."""
    cdef uint64_t healthy, most = max(<uint64_t>1, total * params.eject_at_most_ppm // WHOLE) if total > 1 else 0
    if control.ejected_until > now or others_out >= most or not offends(control, window, params, now):
        return False
    healthy = (now - min(now, control.returned_ns)) // max(params.eject_ns, <uint64_t>1)
    store(&control.ejections, control.ejections - min(control.ejections, healthy) + 1)
    store(&control.consecutive, 0)
    store(&control.returned_ns, now + ejection_ns(control.ejections, params, draw))
    store(&control.ejected_until, control.returned_ns)
    return True


cdef inline void slow_start(Control* control, const Params* params, uint64_t now) noexcept nogil:
    """The pair of an endpoint's share: from a tenth to the whole after its return."""
    cdef uint64_t passed
    if control.returned_ns == 0 or params.slow_start_ns == 0 or now >= control.returned_ns + params.slow_start_ns:
        return
    passed = now - min(now, control.returned_ns)
    store(&control.ramp_ppm, max(params.slow_start_min_ppm, passed * WHOLE // params.slow_start_ns))
    store(&control.ramp_until, control.returned_ns + params.slow_start_ns)
