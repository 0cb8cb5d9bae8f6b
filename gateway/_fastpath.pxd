"""Compiled leaves on the board: the rows that a worker writes for each request, and the words that processes share.

A row has one writer, the worker of its slot, so its counters are plain stores: no lock prefix, no cache line bounced.
A reader may see one counter of a request and not yet the next; nothing relies on more. Words that several processes
write go through `load`, `store`, `add` and `cas`. Nothing here reads a clock but `clock_ns`: callers pass the time on.

`board/layout.py` holds the same layout as a table; `layout()` tells what the compiler made of it and a test compares
the two. The other leaves stand beside this file: `_limiter` (rate limits), `_gates` (permits, breaker, isolation,
shedding), `_tick` (windows and decisions over them), `_recorder` (the flight recorder).
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <time.h>
    static inline uint64_t gateway_clock_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
    }
    static inline int gateway_log2(uint64_t x) { return 63 - __builtin_clzll(x); }
    static inline uint64_t gateway_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static inline void gateway_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    static inline uint64_t gateway_add(uint64_t *p, int64_t d) {
        return __atomic_add_fetch(p, (uint64_t)d, __ATOMIC_SEQ_CST);
    }
    static inline int gateway_cas(uint64_t *p, uint64_t *seen, uint64_t wanted) {
        return __atomic_compare_exchange_n(p, seen, wanted, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
    """
    uint64_t clock_ns "gateway_clock_ns"() noexcept                     # CLOCK_MONOTONIC, the same for all processes
    int log2_floor "gateway_log2"(uint64_t x) noexcept                  # x must not be 0
    uint64_t load "gateway_load"(const uint64_t* word) noexcept
    void store "gateway_store"(uint64_t* word, uint64_t value) noexcept
    uint64_t add "gateway_add"(uint64_t* word, int64_t delta) noexcept  # the new value
    const uint64_t NOT_MEASURED "UINT64_MAX"        # a duration that this request does not have: no upstream was asked
    bint cas "gateway_cas"(uint64_t* word, uint64_t* seen, uint64_t wanted) noexcept    # refused: `seen` is reloaded

cdef enum:
    BUCKETS = 384                   # 1 µs to 134 s, 16 per octave: algorithms.md section 3
    OCTAVES = 22                    # above the 32 linear buckets

# One per worker and route. Thirty-two words, then three histograms of cumulative u32 counts (readers diff modulo 2^32).
cdef struct RouteCounters:
    uint64_t requests               # finished, in whatever way
    uint64_t answers[6]             # by status class; [0] = ended before any status was sent
    uint64_t refused                # answered by the gateway itself with an error
    uint64_t upstream_failures
    uint64_t retries
    uint64_t client_gone            # the client left before its answer was complete
    uint64_t bytes_in               # request bodies
    uint64_t bytes_out              # answer bodies
    uint64_t total_us               # sums of what the histograms hold
    uint64_t ttfb_us
    uint64_t own_us
    uint64_t slow                   # answers whose first byte came later than the upstream's breaker allows
    uint64_t isolated               # refused, by safeguard
    uint64_t limited
    uint64_t saturated
    uint64_t shed
    uint64_t open                   # the upstream's breaker
    uint64_t fallbacks              # answered by a fallback
    uint64_t shadow_fallbacks
    uint64_t shadow_limited         # would have been refused, were the safeguard enforced
    uint64_t shadow_saturated
    uint64_t shadow_shed
    uint64_t shadow_open
    uint64_t shadow_retries
    uint64_t reserved[3]
    uint32_t total[384]             # first request byte to last answer byte, µs
    uint32_t ttfb[384]              # request sent to the upstream's first answer byte
    uint32_t own[384]               # time that the gateway itself took

# One per worker and endpoint of an upstream.
cdef struct EndpointCounters:
    uint64_t requests
    uint64_t failures
    uint64_t connects
    uint64_t connect_failures
    uint64_t active                 # a gauge: requests in flight; the supervisor clears a dead worker's
    uint64_t idle                   # a gauge: pooled connections
    uint64_t ttfb_us
    uint64_t slow
    uint32_t ttfb[384]

# One per worker and upstream: what its breaker judges. Answers to requests of an older generation are not in it.
cdef struct UpstreamCounters:
    uint64_t requests
    uint64_t failures
    uint64_t slow
    uint64_t retries
    uint64_t refused                # by the breaker or the bulkhead
    uint64_t ttfb_us
    uint64_t reserved[2]


cdef inline int bucket(uint64_t us) noexcept nogil:
    """The histogram bucket of a duration in µs, 0..383; the last one takes everything above."""
    cdef int octave
    if us < 32:
        return <int>us
    octave = log2_floor(us) - 5
    if octave >= OCTAVES:
        return BUCKETS - 1
    return 32 + octave * 16 + <int>((us >> (octave + 1)) & 15)


cdef inline void count_request(RouteCounters* row, int status, uint64_t total_us, uint64_t ttfb_us, uint64_t own_us,
                               uint64_t bytes_in, uint64_t bytes_out) noexcept nogil:
    """One finished request. `status` 0: none was sent. `ttfb_us` NOT_MEASURED: no upstream answered."""
    row.requests += 1
    row.answers[status // 100 if 100 <= status < 600 else 0] += 1
    row.bytes_in += bytes_in
    row.bytes_out += bytes_out
    row.total_us += total_us
    row.total[bucket(total_us)] += 1
    row.own_us += own_us
    row.own[bucket(own_us)] += 1
    if ttfb_us != NOT_MEASURED:
        row.ttfb_us += ttfb_us
        row.ttfb[bucket(ttfb_us)] += 1


cdef inline void count_endpoint(EndpointCounters* row, bint failed, uint64_t ttfb_us) noexcept nogil:
    """One request that an endpoint was sent. `ttfb_us` NOT_MEASURED: it never answered."""
    row.requests += 1
    if failed:
        row.failures += 1
    if ttfb_us != NOT_MEASURED:
        row.ttfb_us += ttfb_us
        row.ttfb[bucket(ttfb_us)] += 1


cdef inline void count_upstream(UpstreamCounters* row, bint failed, bint slow, uint64_t ttfb_us) noexcept nogil:
    """One answer of an upstream, or its absence; call only if `_gates.breaker_takes` its generation."""
    row.requests += 1
    if failed:
        row.failures += 1
    if slow:
        row.slow += 1
    if ttfb_us != NOT_MEASURED:
        row.ttfb_us += ttfb_us
