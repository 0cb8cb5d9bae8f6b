"""Rate limits on the board: GCRA on one 64-bit arrival time, exact over all workers; the bounded client table.

Formulas: algorithms.md 1.2 (GCRA), 1.4 (table), 1.6 (headers). An arrival time in the past is a full bucket, so a slot
needs no expiry, and only taking over a slot whose arrival time lies ahead loses anything: that is counted.

Races that are accepted, each worth at most one admission: two workers claim slots of one line for the same new key; a
slot changes its owner between look-up and debit.
"""
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t

from gateway._fastpath cimport add, cas, load, store

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <string.h>
    #define SIP_ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
    #define SIP_ROUND { a += b; b = SIP_ROTATE(b, 13); b ^= a; a = SIP_ROTATE(a, 32); c += d; d = SIP_ROTATE(d, 16); \
        d ^= c; a += d; d = SIP_ROTATE(d, 21); d ^= a; c += b; b = SIP_ROTATE(b, 17); b ^= c; c = SIP_ROTATE(c, 32); }
    /* SipHash-1-3 (Aumasson, Bernstein): keyed, so that clients cannot collide on purpose. */
    static inline uint64_t gateway_siphash13(const unsigned char *p, size_t size, uint64_t k0, uint64_t k1) {
        uint64_t a = k0 ^ 0x736f6d6570736575ULL, b = k1 ^ 0x646f72616e646f6dULL;
        uint64_t c = k0 ^ 0x6c7967656e657261ULL, d = k1 ^ 0x7465646279746573ULL;
        uint64_t word, last = (uint64_t)size << 56;
        size_t i = 0;
        for (; i + 8 <= size; i += 8) { memcpy(&word, p + i, 8); d ^= word; SIP_ROUND a ^= word; }
        for (size_t j = 0; i + j < size; j++) last |= (uint64_t)p[i + j] << (8 * j);
        d ^= last; SIP_ROUND a ^= last;
        c ^= 0xff; SIP_ROUND SIP_ROUND SIP_ROUND
        return a ^ b ^ c ^ d;
    }
    """
    uint64_t siphash13 "gateway_siphash13"(const unsigned char* key, size_t size, uint64_t k0, uint64_t k1) noexcept
    const uint64_t NEVER "UINT64_MAX"   # a wait that no time ends: more is asked for than the burst holds

cdef enum:
    CAS_TRIES = 8
    WAYS = 4
    LEFT_OVER = 1_000_000_000       # ns: far more than a worker's reading of the clock can be old (mitigate/limits.py)

cdef struct LimiterCounters:
    uint64_t claims                 # client keys that took a slot
    uint64_t evicted_live           # of these, from a key that was not yet back at its full burst
    uint64_t cas_giveups
    uint64_t reserved[5]

cdef struct ClientSlot:
    uint64_t tag                    # hash | 1; 0 = never used
    uint64_t arrival

cdef struct ClientTable:
    ClientSlot* slots               # 64-byte aligned
    uint64_t lines                  # a power of two
    LimiterCounters* counters

cdef struct Limit:
    uint64_t interval               # T, ns per request
    uint64_t burst                  # B*T, ns

cdef struct Verdict:
    uint64_t wait                   # ns; 0 = admitted, NEVER = costs more than the burst
    uint64_t arrival                # the arrival time after the decision


cdef inline Limit limit_of(uint64_t period_ns, uint64_t quota, uint64_t burst) noexcept nogil:
    """Terms of a limit: the interval is rounded up, so that the rate is never above what was asked for."""
    cdef Limit limit
    cdef uint64_t most = <uint64_t>1 << 61
    limit.interval = max(<uint64_t>1, (period_ns + max(quota, <uint64_t>1) - 1) // max(quota, <uint64_t>1))
    limit.burst = most if burst > most // limit.interval else max(burst, <uint64_t>1) * limit.interval
    return limit


cdef inline Verdict gcra(uint64_t* arrival, uint64_t now, Limit limit, uint64_t cost,
                         LimiterCounters* counters) noexcept nogil:
    """Ask for `cost` requests. A lost race is tried CAS_TRIES times, then settled by `add`. A denial writes nothing,
    but for an arrival time that only a stricter limit can have left: that becomes this limit's own full one, once."""
    cdef uint64_t seen = load(arrival), debit = cost * limit.interval
    cdef int _try
    cdef Verdict verdict
    if cost > 1 and cost > limit.burst // limit.interval:
        verdict.arrival, verdict.wait = seen, NEVER
        return verdict
    for _try in range(CAS_TRIES):
        verdict.arrival = max(now, min(seen, now + limit.burst))
        verdict.wait = 0
        if verdict.arrival + debit > now + limit.burst:
            verdict.wait = verdict.arrival + debit - limit.burst - now
            if seen > now + limit.burst + LEFT_OVER:
                cas(arrival, &seen, verdict.arrival)
            return verdict
        if cost == 0 or cas(arrival, &seen, verdict.arrival + debit):
            verdict.arrival += debit
            return verdict
    return settle(arrival, now, limit, debit, counters)


cdef inline Verdict settle(uint64_t* arrival, uint64_t now, Limit limit, uint64_t debit,
                           LimiterCounters* counters) noexcept nogil:
    """Debit first and take it back if that was too much: others may be denied meanwhile, none is admitted beyond."""
    cdef Verdict verdict
    counters.cas_giveups += 1
    verdict.arrival = add(arrival, <int64_t>debit)
    verdict.wait = 0
    if verdict.arrival > now + limit.burst:
        verdict.wait = verdict.arrival - limit.burst - now
        verdict.arrival = add(arrival, -<int64_t>debit)
    return verdict


cdef inline uint64_t remaining(uint64_t arrival, uint64_t now, Limit limit) noexcept nogil:
    """How many requests would be admitted now: `r` of the RateLimit header."""
    cdef uint64_t owed = arrival - now if arrival > now else 0
    return 0 if owed > limit.burst else (limit.burst - owed) // limit.interval


cdef inline uint64_t more_in(uint64_t arrival, uint64_t now, Limit limit) noexcept nogil:
    """ns until one request is admitted: `t` of the RateLimit header."""
    cdef uint64_t free_at = now + limit.burst - limit.interval
    return arrival - free_at if arrival > free_at else 0


cdef inline uint64_t retry_after(uint64_t wait, uint64_t draw) noexcept nogil:
    """Whole seconds for Retry-After: the wait and up to a fifth more by a random 32-bit draw, rounded up."""
    cdef uint64_t jittered = wait + <uint64_t>(<double>(wait // 5) * <double>draw / 4294967296.0)
    return jittered // 1_000_000_000 + (1 if jittered % 1_000_000_000 else 0)


cdef inline uint64_t key_of(uint64_t client, uint64_t limit_row) noexcept nogil:
    """The hash of a client's key under one limit (splitmix64's finish), so that limits do not share slots."""
    cdef uint64_t x = client ^ ((limit_row + 1) * 0x9E3779B97F4A7C15ULL)
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL
    return x ^ (x >> 31)


cdef inline uint64_t* slot_of(ClientTable* table, uint64_t key, uint64_t now) noexcept nogil:
    """The arrival time of a key: its slot, or the emptiest one of its line, taken over. The line is within the table:
    its index is below `lines`."""
    cdef ClientSlot* line = &table.slots[(key >> 8 & (table.lines - 1)) * WAYS]
    cdef uint64_t tag = key | 1, seen
    cdef int way, emptiest = 0
    for way in range(WAYS):
        if load(&line[way].tag) == tag:
            return &line[way].arrival
        if line[way].arrival < line[emptiest].arrival:
            emptiest = way
    seen = load(&line[emptiest].tag)
    if seen == tag or cas(&line[emptiest].tag, &seen, tag):
        table.counters.claims += 1
        if load(&line[emptiest].arrival) > now:
            table.counters.evicted_live += 1
        store(&line[emptiest].arrival, 0)
    return &line[emptiest].arrival


cdef inline Verdict gcra_of_client(ClientTable* table, uint64_t client, uint64_t limit_row, uint64_t now, Limit limit,
                                   uint64_t cost) noexcept nogil:
    """GCRA for one client (its `siphash13`) under the limit of this row."""
    return gcra(slot_of(table, key_of(client, limit_row), now), now, limit, cost, table.counters)
