"""The gates that a routed request meets, in order. What is refused here has cost the upstream nothing.

    admit            isolated? the client's rule? too large? within its limits? important enough? a permit of the route
    admit_upstream   isolated? a permit of the upstream? its breaker

Each gate decides alike in every mode; `shadow` counts and notes its denial and lets the request pass. From then on the
other safeguards in shadow are not asked: enforced, this one would have ended the request here, so that they would not
have seen it. Limits that were charged for a request that a later limit denies are credited again.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from gateway._fastpath cimport RouteCounters, cas, load
from gateway._gates cimport (
    CLOSED, FORCED_OPEN, ClientRule, Control, Permits, breaker_admits, concurrency_of, give_permit, isolated, rank_of,
    rule_of, sheds, state_of, take_permit,
)
from gateway._limiter cimport Limit, Verdict, gcra, gcra_of_client, key_of, siphash13, slot_of
from gateway.dataplane.client_keys cimport header_value
from gateway.dataplane.cookies cimport cookie_value
from gateway.dataplane.denial cimport (
    BY_BREAKER, BY_CLIENT_CLAMP, BY_CLIENT_ISOLATION, BY_EJECTION, BY_ISOLATION, BY_LIMIT, BY_ROUTE_CONCURRENCY,
    BY_SHEDDING, BY_UPSTREAM_CONCURRENCY, DECIDED_ERROR, DECIDED_ISOLATED, DECIDED_LIMITED, DECIDED_OPEN,
    DECIDED_SATURATED, DECIDED_SHED, deny,
)
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.gates cimport (
    KEY_CLIENT, KEY_COOKIE, MODE_ENFORCE, MODE_OFF, MODE_SHADOW, Bulkhead, RouteGates, RouteLimit, UpstreamGates,
)
from gateway.dataplane.http1 cimport Head
from gateway.dataplane.own_answers cimport refuse
from gateway.dataplane.plane cimport Plane
from gateway.dataplane.pool cimport Endpoint
from gateway.dataplane.refusals cimport (
    BODY_TOO_LARGE, BREAKER_OPEN, ISOLATED_, LIMITED_, NO_ENDPOINT, SATURATED_, SHED_,
)
from gateway.dataplane.tunnel cimport offers_h2c

cdef enum:
    MAX_LIMITS = 16                 # per route: mitigate/settings.py
    CLAMP_ROW = 0xFFFFFFFE          # where clamps keep their slots in the client table: no limit's row
    CLAMP_BURST_NS = 1_000_000_000  # a clamped client may send one second's worth at once

cdef uint64_t NO_LEFT = 0xFFFFFFFFFFFFFFFF


cdef bint admit(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1:
    """The gates of the route; False: the request has been answered."""
    cdef RouteGates gates = exchange.route.gates
    cdef int64_t bound = exchange.route.max_body
    exchange.upgrade = head.upgrade and not exchange.http10 and not offers_h2c(p, head)
    if isolated(gates.control, now):
        return denied(exchange, DECIDED_ISOLATED, BY_ISOLATION, ISOLATED_, gates.control.isolation, 0, now)
    if load(exchange.plane.rules_used) and not admit_client(exchange, now):
        return False
    if bound and (head.content_length > bound or <int64_t>exchange.request.chunks.body > bound):
        refuse(exchange, BODY_TOO_LARGE, f"This route takes bodies up to {bound} bytes.", now)
        return False
    if gates.count and not admit_by_limits(exchange, gates, p, head, now):
        return False
    return admit_by_rank(exchange, gates, now) and admit_to_route(exchange, gates, now)


cdef bint admit_upstream(Exchange exchange, uint64_t now) except -1:
    """The gates of the exchange's upstream; False: the request has been answered. An alternate upstream comes here
    after another, whose permit it must not hold."""
    cdef UpstreamGates gates = exchange.group.gates
    if exchange.upstream_permit != NULL:
        give_permit(exchange.upstream_permit)
        exchange.upstream_permit = NULL
    if isolated(gates.control, now):
        return denied(exchange, DECIDED_ISOLATED, BY_ISOLATION, ISOLATED_, gates.control.isolation, 0, now)
    return admit_to_upstream(exchange, gates, now) and admit_by_breaker(exchange, gates, now)


# ---------------------------------------------------------------------- what a gate does with a denial

cdef int note(Exchange exchange, int decision, int safeguard, uint64_t observed, uint64_t threshold) noexcept:
    exchange.decision = decision
    exchange.safeguard = safeguard
    exchange.observed = observed
    exchange.threshold = threshold
    return 0


cdef bint denied(Exchange exchange, int decision, int safeguard, int refusal, uint64_t observed, uint64_t threshold,
                 uint64_t now) except -1:
    """Count and answer the denial; always False."""
    cdef RouteCounters* counters = exchange.route.counters
    note(exchange, decision, safeguard, observed, threshold)
    exchange.shadowed = False
    if decision == DECIDED_ISOLATED:
        counters.isolated += 1
    elif decision == DECIDED_LIMITED:
        counters.limited += 1
    elif decision == DECIDED_SHED:
        counters.shed += 1
    elif decision == DECIDED_SATURATED:
        counters.saturated += 1
    else:
        counters.open += 1
    deny(exchange, decision, refusal, "", now)
    return False


cdef bint shadow(Exchange exchange, int decision, int safeguard, uint64_t observed, uint64_t threshold) noexcept:
    """Count and note what would have been; always True. Nothing in shadow can isolate or shed."""
    cdef RouteCounters* counters = exchange.route.counters
    note(exchange, decision, safeguard, observed, threshold)
    exchange.shadowed = True
    if decision == DECIDED_LIMITED:
        counters.shadow_limited += 1
    elif decision == DECIDED_SATURATED:
        counters.shadow_saturated += 1
    else:
        counters.shadow_open += 1
    return True


# ---------------------------------------------------------------------- the gates

cdef bint admit_client(Exchange exchange, uint64_t now) except -1:
    """The rule on this client, if there is one: isolated, or clamped to a rate."""
    cdef Plane plane = exchange.plane
    cdef const ClientRule* rule = rule_on(exchange)
    cdef uint64_t key
    cdef Limit limit
    cdef Verdict verdict
    if rule == NULL:
        return True
    if load(&rule.isolated_until) > now:
        return denied(exchange, DECIDED_ISOLATED, BY_CLIENT_ISOLATION, ISOLATED_, rule.isolation, 0, now)
    if load(&rule.clamp_until) <= now or rule.clamp_ns == 0:
        return True
    key = load(&rule.hash)
    limit.interval = rule.clamp_ns
    limit.burst = max(rule.clamp_ns, <uint64_t>CLAMP_BURST_NS)
    verdict = gcra_of_client(&plane.client_table, key, CLAMP_ROW, now, limit, 1)
    if verdict.wait == 0:
        return True
    return denied(exchange, DECIDED_LIMITED, BY_CLIENT_CLAMP, LIMITED_, verdict.wait, limit.burst, now)


cdef const ClientRule* rule_on(Exchange exchange) noexcept:
    """By what its client is known by, or else by its address; NULL: none."""
    cdef Plane plane = exchange.plane
    cdef const ClientRule* rule = rule_of(plane.rules, plane.rules_used, plane.rules_room, exchange.client_key)
    if rule == NULL and exchange.address_key != exchange.client_key:
        rule = rule_of(plane.rules, plane.rules_used, plane.rules_room, exchange.address_key)
    return rule


cdef bint admit_by_limits(Exchange exchange, RouteGates gates, const char* p, const Head* head,
                          uint64_t now) except -1:
    """All limits are asked, in the order of the config; the first that denies is named."""
    cdef uint64_t* charged[MAX_LIMITS]
    cdef RouteLimit* limit
    cdef Verdict verdict
    cdef uint64_t left, least = NO_LEFT
    cdef int i
    for i in range(gates.count):
        limit = &gates.limits[i]
        charged[i] = NULL
        if limit.mode == MODE_SHADOW and exchange.shadowed:
            continue
        charged[i] = limit.arrival
        if charged[i] == NULL:
            charged[i] = slot_of(&exchange.plane.client_table,
                                 key_of(client_of(exchange, limit, p, head), limit.row), now)
        verdict = gcra(charged[i], now, limit.limit, 1, exchange.plane.client_table.counters)
        if verdict.wait:
            charged[i] = NULL
            exchange.limit_row = limit.row
            if limit.mode == MODE_SHADOW:
                credit(gates, charged, i, MODE_SHADOW)
                shadow(exchange, DECIDED_LIMITED, BY_LIMIT, verdict.wait, limit.limit.burst)
                continue
            credit(gates, charged, i, MODE_ENFORCE)
            exchange.near = 1 + i
            exchange.near_arrival = verdict.arrival
            return denied(exchange, DECIDED_LIMITED, BY_LIMIT, LIMITED_, verdict.wait, limit.limit.burst, now)
        left = now + limit.limit.burst - verdict.arrival
        if left < limit.tell_below and left < least:
            least = left
            exchange.near = 1 + i
            exchange.near_arrival = verdict.arrival
    return True


cdef void credit(RouteGates gates, uint64_t** charged, int count, int least_mode) noexcept:
    """Take back what the first `count` limits were charged: those in shadow only, or (MODE_ENFORCE) all of them."""
    cdef int i
    for i in range(count):
        if charged[i] != NULL and (least_mode == MODE_ENFORCE or gates.limits[i].mode == MODE_SHADOW):
            take_back(charged[i], gates.limits[i].limit.interval)
            charged[i] = NULL


cdef void take_back(uint64_t* arrival, uint64_t debit) noexcept:
    """Never below 0: another worker may have given the slot to another client meanwhile."""
    cdef uint64_t seen = load(arrival)
    while seen >= debit:
        if cas(arrival, &seen, seen - debit):
            return


cdef uint64_t client_of(Exchange exchange, const RouteLimit* limit, const char* p, const Head* head) noexcept:
    """The keyed hash of what a limit counts by. A request without the header or cookie shares the bucket of the empty
    value, so that leaving it out is no way around the limit."""
    cdef const char* value
    cdef size_t size = 0
    if limit.kind == KEY_CLIENT:
        return exchange.client_key
    if limit.kind == KEY_COOKIE:
        value = cookie_value(p, head, limit.name, limit.name_size, &size)
    else:
        value = header_value(p, head, limit.name, limit.name_size, &size)
    return siphash13(<const unsigned char*>value, size, exchange.plane.seed[0], exchange.plane.seed[1])


cdef bint admit_by_rank(Exchange exchange, RouteGates gates, uint64_t now) except -1:
    """Shed for the gateway's own sake: see mitigate/shedding.py, whose controller sets the worker's threshold."""
    cdef Plane plane = exchange.plane
    cdef uint64_t rank = rank_of(gates.priority, exchange.client_key, plane.shed_salt)
    if sheds(gates.control, rank, now):
        return denied(exchange, DECIDED_SHED, BY_SHEDDING, SHED_, rank, load(&gates.control.shed_rank), now)
    plane.count_rank(rank)
    if not plane.shedding:
        return True
    if not plane.has_room(rank):
        return denied(exchange, DECIDED_SHED, BY_SHEDDING, SHED_, rank, plane.shed_threshold, now)
    exchange.epoch = plane.came_in()
    return True


cdef bint admit_to_route(Exchange exchange, RouteGates gates, uint64_t now) except -1:
    cdef uint64_t limit = concurrency_of(gates.control, gates.bulkhead.limit, now)
    return admit_to_bulkhead(exchange, &gates.bulkhead, limit, &exchange.route_permit, BY_ROUTE_CONCURRENCY, NULL, now)


cdef bint admit_to_upstream(Exchange exchange, UpstreamGates gates, uint64_t now) except -1:
    cdef uint64_t limit = concurrency_of(gates.control, gates.bulkhead.limit, now)
    return admit_to_bulkhead(exchange, &gates.bulkhead, limit, &exchange.upstream_permit, BY_UPSTREAM_CONCURRENCY,
                             &gates.counters.refused, now)


cdef bint admit_to_bulkhead(Exchange exchange, Bulkhead* bulkhead, uint64_t limit, Permits** permit, int safeguard,
                            uint64_t* refused, uint64_t now) except -1:
    """`limit` 0: it has none. `permit` is what the exchange holds then; `refused` counts those that find no place."""
    cdef uint64_t observed = 0
    if limit == 0 or (bulkhead.mode == MODE_SHADOW and exchange.shadowed):
        return True
    permit[0] = &bulkhead.tunnels if exchange.upgrade else &bulkhead.requests
    if take_permit(permit[0], limit, &observed):
        return True
    permit[0] = NULL
    if refused != NULL:
        refused[0] += 1
    if bulkhead.mode == MODE_SHADOW:
        return shadow(exchange, DECIDED_SATURATED, safeguard, observed, limit)
    return denied(exchange, DECIDED_SATURATED, safeguard, SATURATED_, observed, limit, now)


cdef bint admit_by_breaker(Exchange exchange, UpstreamGates gates, uint64_t now) except -1:
    """Closed and not forced, the ordinary case, is two loads. A hand that forces it open is heeded in every mode."""
    cdef Control* control = gates.control
    cdef uint64_t word = load(&control.breaker)
    cdef bint forced = load(&control.forced_until) > now
    exchange.breaker_counts = not exchange.shadowed
    if not forced and (state_of(word) == CLOSED or gates.breaker_mode == MODE_OFF):
        exchange.breaker_generation = <uint32_t>(word >> 2) & 0x3FFFFFFF
        return True
    if breaker_admits(control, now, <uint32_t>(exchange.plane.draw() >> 32), &exchange.breaker_generation):
        return True
    exchange.breaker_counts = False
    gates.counters.refused += 1
    if gates.breaker_mode == MODE_ENFORCE or (forced and load(&control.forced) == FORCED_OPEN):
        return denied(exchange, DECIDED_OPEN, BY_BREAKER, BREAKER_OPEN, state_of(word), load(&control.breaker_until),
                      now)
    if exchange.shadowed:
        return True
    return shadow(exchange, DECIDED_OPEN, BY_BREAKER, state_of(word), load(&control.breaker_until))


cdef int deny_without_endpoint(Exchange exchange, uint64_t now) except -1:
    """The upstream has no endpoint to ask: all are isolated by hand, or out and no choice is left."""
    if exchange.group.all_isolated(now):
        denied(exchange, DECIDED_ISOLATED, BY_ISOLATION, ISOLATED_,
               (<Endpoint>exchange.group.endpoints[0]).control.isolation, 0, now)
        return 0
    note(exchange, DECIDED_ERROR, BY_EJECTION, 0, 0)
    return deny(exchange, DECIDED_ERROR, NO_ENDPOINT, "", now)


cdef int give_permits_back(Exchange exchange) noexcept:
    """Once: whoever gives one back forgets it."""
    if exchange.route_permit != NULL:
        give_permit(exchange.route_permit)
        exchange.route_permit = NULL
    if exchange.upstream_permit != NULL:
        give_permit(exchange.upstream_permit)
        exchange.upstream_permit = NULL
    return 0
