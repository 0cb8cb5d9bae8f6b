"""The gates that a request meets on the board, one after the other: isolated? shed? a permit? the breaker?

Each reads words that control or the tick wrote; a word that came with an `until` counts only before it. A zeroed row is
a target without any restriction. Nothing here decides when a gate closes: that is `_tick` and control.

Breaker word: state in bits 0-1, generation in bits 2-31, admitted fraction in bits 32-63 (HALF_OPEN only). Each
change of state is a new generation; an exchange carries the one that it was admitted under, and the answer to a request
of an older one is not counted.
"""
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

from gateway._fastpath cimport add, cas, load, store

cdef enum BreakerState:
    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2

cdef enum Forced:
    NOT_FORCED = 0
    FORCED_OPEN = 1
    FORCED_CLOSED = 2

cdef enum:
    COHORTS = 128                   # client cohorts per priority tier

# One per route, upstream and endpoint: four cache lines. First what every request reads, then what decisions keep.
cdef struct Control:
    uint64_t isolated_until
    uint64_t isolation              # incident number << 8 | flags (1 = leave open tunnels alone)
    uint64_t breaker
    uint64_t breaker_until          # OPEN: when the ramp begins
    uint64_t shed_rank              # pair: requests ranked above are shed
    uint64_t shed_until
    uint64_t concurrency            # pair: instead of the plan's limit
    uint64_t concurrency_until
    uint64_t forced                 # pair: Forced
    uint64_t forced_until
    uint64_t probes                 # HALF_OPEN: how many are still admitted whatever their draw
    uint64_t weight                 # pair: instead of the plan's
    uint64_t weight_until
    uint64_t ramp_ppm               # pair: slow start, share of the weight
    uint64_t ramp_until
    uint64_t consecutive            # failures of an endpoint since its last success, counted by all workers
    uint64_t ejected_until
    uint64_t ejections              # k: back-off grows with it, health lets it decay
    uint64_t returned_ns            # when the last ejection ended
    uint64_t decayed_ns
    uint64_t unhealthy              # active health checks failed
    uint64_t panic                  # upstream: too few endpoints are left, so ejections are ignored
    uint64_t opens                  # how often in a row the breaker has opened
    uint64_t since_ns               # when the breaker's state or ramp step began
    uint64_t step
    uint64_t probed_ns              # when probes were last granted
    uint64_t upstream               # endpoint: row of its upstream + 1
    uint64_t next_endpoint          # endpoint: row of the upstream's next one + 1, 0 = the last
    uint64_t first_endpoint         # upstream: row of its first one + 1
    uint64_t check_due              # endpoint: when its next health check is due; who moves it on makes it
    uint64_t check_streak           # checks in a row that contradict `unhealthy`
    uint64_t retry_spent            # upstream: of the retry tokens, in thousandths; 0 = all are there

cdef struct ClientRule:
    uint64_t hash                   # of the client's key; 0 = free
    uint64_t isolated_until
    uint64_t isolation              # as in Control
    uint64_t clamp_ns               # emission interval of a clamped client
    uint64_t clamp_until
    uint64_t reserved[3]

cdef enum:
    TOKEN = 1000                    # of retries, as in mitigate/retry.py
    TOKENS_MAX = 10 * TOKEN
    TOKENS_PER_SUCCESS = TOKEN // 10
    TOKEN_TRIES = 8                 # lost races for the word before an outcome is let go

cdef struct Permits:
    uint64_t* own
    const char* first               # worker 0's cell
    size_t stride                   # bytes to the next worker's
    int workers


cdef inline bint isolated(const Control* control, uint64_t now) noexcept nogil:
    return load(&control.isolated_until) > now


cdef inline const ClientRule* rule_of(const ClientRule* rules, const uint64_t* used, uint64_t capacity,
                                      uint64_t client) noexcept nogil:
    """The rule on a client, or NULL: a walk over those in use, ordinarily none."""
    cdef uint64_t i, count = min(load(used), capacity)
    for i in range(count):
        if load(&rules[i].hash) == client:
            return &rules[i]
    return NULL


cdef inline uint64_t rank_of(int priority, uint64_t client, uint64_t salt) noexcept nogil:
    """Importance: tier, then a cohort that a client keeps as long as the salt does. Lower is more important."""
    return <uint64_t>priority * COHORTS + ((client ^ salt) & (COHORTS - 1))


cdef inline uint64_t lot_of(uint64_t client, uint64_t revision) noexcept nogil:
    """A client's lot of 2^32 under a revision on probation: another draw for each, and of no other use of its key.

    The finaliser of splitmix64 (Steele, Lea and Flood 2014).
    """
    cdef uint64_t x = client + <uint64_t>0x9E3779B97F4A7C15 * (revision + 1)
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return (x ^ (x >> 31)) >> 32


cdef inline bint sheds(const Control* control, uint64_t rank, uint64_t now) noexcept nogil:
    """Whether the board has a request of this rank shed; tier 0 never is."""
    return load(&control.shed_until) > now and rank >= COHORTS and rank > load(&control.shed_rank)


cdef inline uint64_t concurrency_of(const Control* control, uint64_t planned, uint64_t now) noexcept nogil:
    return load(&control.concurrency) if load(&control.concurrency_until) > now else planned


cdef inline uint64_t in_flight(const Permits* permits) noexcept nogil:
    cdef uint64_t total = 0
    cdef int worker
    for worker in range(permits.workers):
        total += load(<const uint64_t*>(permits.first + worker * permits.stride))
    return total


cdef inline bint take_permit(Permits* permits, uint64_t limit, uint64_t* observed) noexcept nogil:
    """Count one more in flight, unless that would be above the limit. Two workers that meet at the last permit may both
    be refused; never both admitted."""
    add(permits.own, 1)
    observed[0] = in_flight(permits)
    if observed[0] <= limit:
        return True
    add(permits.own, -1)
    return False


cdef inline void give_permit(Permits* permits) noexcept nogil:
    add(permits.own, -1)


cdef inline int state_of(uint64_t word) noexcept nogil:
    return <int>(word & 3)


cdef inline uint32_t generation_of(uint64_t word) noexcept nogil:
    return <uint32_t>(word >> 2) & 0x3FFFFFFF


cdef inline uint64_t breaker_word(int state, uint64_t generation, uint64_t fraction) noexcept nogil:
    return <uint64_t>state | (generation & 0x3FFFFFFF) << 2 | min(fraction, 0xFFFFFFFFULL) << 32


cdef inline bint take_probe(Control* control) noexcept nogil:
    cdef uint64_t seen = load(&control.probes)
    while seen > 0:
        if cas(&control.probes, &seen, seen - 1):
            return True
    return False


cdef inline bint breaker_admits(Control* control, uint64_t now, uint32_t draw, uint32_t* generation) noexcept nogil:
    """`draw` is random in 0..2^32-1; `generation` is for the exchange to keep. A hand that forces goes first."""
    cdef uint64_t word = load(&control.breaker)
    generation[0] = generation_of(word)
    if load(&control.forced_until) > now and load(&control.forced) != NOT_FORCED:
        return load(&control.forced) == FORCED_CLOSED
    if state_of(word) == CLOSED:
        return True
    if state_of(word) == OPEN:
        return False
    return draw < word >> 32 or take_probe(control)


cdef inline bint breaker_takes(const Control* control, uint32_t generation) noexcept nogil:
    """Whether the answer to a request admitted under this generation still tells of the present state."""
    return generation_of(load(&control.breaker)) == generation


cdef inline bint endpoint_in(const Control* control, uint64_t now) noexcept nogil:
    """Neither ejected, isolated nor unhealthy; the balancer ignores the first and the last in panic."""
    return not (load(&control.ejected_until) > now or load(&control.unhealthy) or isolated(control, now))


cdef inline uint64_t weight_of(const Control* control, uint64_t planned, uint64_t now) noexcept nogil:
    """The endpoint's weight in millionths of a unit, slow start included; at least 1 unless the weight is 0."""
    cdef uint64_t weight = load(&control.weight) if load(&control.weight_until) > now else planned
    cdef uint64_t share = load(&control.ramp_ppm) if load(&control.ramp_until) > now else 1_000_000
    return max(<uint64_t>1, weight * share) if weight else 0


cdef inline uint64_t count_consecutive(Control* control, bint failed, uint64_t now) noexcept nogil:
    """One outcome of an endpoint, from any worker: the failures in a row. Outcomes while it is ejected are late."""
    if load(&control.ejected_until) > now:
        return 0
    if failed:
        return add(&control.consecutive, 1)
    if load(&control.consecutive) != 0:
        store(&control.consecutive, 0)
    return 0


cdef inline void count_for_retries(Control* control, bint failed) noexcept nogil:
    """The outcome of a try at an upstream, for its token gate. Nothing is written while all is well."""
    cdef uint64_t seen = load(&control.retry_spent)
    cdef uint64_t wanted
    cdef int _try
    for _try in range(TOKEN_TRIES):
        if failed:
            wanted = min(seen + TOKEN, <uint64_t>TOKENS_MAX)
        else:
            wanted = seen - TOKENS_PER_SUCCESS if seen > TOKENS_PER_SUCCESS else 0
        if wanted == seen or cas(&control.retry_spent, &seen, wanted):
            return


cdef inline uint64_t retry_tokens(const Control* control) noexcept nogil:
    """What is left, in thousandths."""
    return TOKENS_MAX - min(load(&control.retry_spent), <uint64_t>TOKENS_MAX)
