"""The one way in which a safeguard, or an upstream's failure, ends an ordinary request.

`cause` is a Decision between ISOLATED and TIMEOUT: what a route's fallback is asked for by. Which step answers is
decided in mitigate/fallback.py. A fallback is bounded: one alternate upstream at most is asked, once, and if it fails,
what is left is a step that needs nobody.
"""
from libc.stdint cimport uint64_t

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from gateway._fastpath cimport load
from gateway._gates cimport ClientRule, give_permit, rule_of
from gateway._limiter cimport more_in, remaining
from gateway._recorder cimport FELL_BACK
from gateway.dataplane.accounting cimport count_try, outcome_of
from gateway.dataplane.admission cimport admit_upstream
from gateway.dataplane.endings cimport drop_upstream
from gateway.dataplane.exchange cimport JOIN, Exchange
from gateway.dataplane.fallbacks cimport BY_REDIRECT, BY_STALE, BY_UPSTREAM, Fallbacks, Step
from gateway.dataplane.gates cimport RouteGates, RouteLimit
from gateway.dataplane.http1 cimport GET, HEAD, HeadWriter
from gateway.dataplane.keeping cimport ASKED, rescan, stale_answer
from gateway.dataplane.own_answers cimport id_line, refuse, send_own
from gateway.dataplane.refusals cimport REQUEST_TIMEOUT, Told
from gateway.dataplane.retries cimport begin_again
from gateway.dataplane.side cimport HOLD_CONNECTING

from gateway.dataplane.denied import Denial, told
from gateway.mitigate import fallback, limits, stale
from gateway.model import decisions
from gateway.model.safeguards import CAUSES

if (len(decisions.Decision) != DECISION_COUNT or len(decisions.Safeguard) != SAFEGUARD_COUNT
        or decisions.Decision.GONE != DECIDED_GONE or decisions.Safeguard.RETRY_BUDGET != BY_RETRY_BUDGET
        or [decisions.Decision[cause.upper()].value for cause in CAUSES]
        != list(range(DECIDED_ISOLATED, DECIDED_TIMEOUT + 1))):
    raise ImportError("model/decisions.py and dataplane/denial.pxd disagree about numbers")

cdef enum:
    JITTER_BITS = 3                         # eight different pieces of advice are enough to spread clients
    ROUND_NS = 125_000_000


cdef int deny(Exchange exchange, int cause, int refusal, str detail, uint64_t now) except -1:
    """Answer with the route's fallback for this cause, or refuse."""
    exchange.decision = cause
    if fall_back(exchange, cause, refusal == REQUEST_TIMEOUT, now):
        return 0
    if exchange.safeguard == BY_NOTHING or exchange.shadowed:
        return refuse(exchange, refusal, detail, now)
    return refuse(exchange, refusal, detail, now, told_of(exchange, now))


cdef bint fall_back(Exchange exchange, int cause, bint late, uint64_t now) except -1:
    """Whether a fallback has answered, or is under way; `late`: there is no time left to ask anybody."""
    cdef Fallbacks given
    cdef Step step
    stored = None
    if exchange.route is None or exchange.route.fallbacks is None or exchange.answer_begun or exchange.routes is None:
        return False
    given = exchange.route.fallbacks
    step = given.always[cause]
    if step is None:
        stored = stale_answer(exchange, now) if given.keeps_for else None
        at, shadows = fallback.taken(given.told, given.names[cause], facts_of(exchange, given, stored, late, now))
        exchange.route.counters.shadow_fallbacks += <uint64_t>shadows
        if at < 0:
            return False
        step = <Step>given.steps[at]
    exchange.decision = cause
    if step.kind == BY_UPSTREAM:
        ask_alternate(exchange, step, now)
    else:
        answer_by(exchange, step, stored, now)
    return True


cdef object facts_of(Exchange exchange, Fallbacks given, object stored, bint late, uint64_t now):
    cdef Step step
    alternates = {}
    if exchange.asked is not None and (exchange.replayable or not exchange.sent):
        for step in given.steps:
            if step.group is not None:
                alternates[step.group.name] = fallback.Alternate(spare=step.group.spare(now))
    return fallback.Facts("GET" if exchange.method == GET else "HEAD" if exchange.method == HEAD else "another method",
                          None if stored is None else stale.stale_for(stored, now), alternates,
                          exchange.alternate or late)


cdef int answer_by(Exchange exchange, Step step, object stored, uint64_t now) except -1:
    """A step that needs nobody."""
    exchange.route.counters.fallbacks += 1
    exchange.kept.flags |= FELL_BACK
    drop_upstream(exchange)
    if step.kind == BY_STALE:                           # a whole answer of its origin, the id of that time included
        fields = "".join([f"{name}: {value}\r\n" for name, value in stale.served(stored, now)])
        return send_own(exchange, stored.status, fields.encode("latin-1"), stored.body, now, True)
    if step.kind == BY_REDIRECT:
        return send_own(exchange, step.status, redirection(exchange, step) + id_line(exchange), b"", now)
    return send_own(exchange, step.status, step.fields + id_line(exchange), step.body, now)


cdef bytes redirection(Exchange exchange, Step step):
    cdef HeadWriter w = exchange.plane.writer
    w.clear()
    w.put("Location: ", 10)
    if exchange.asked is not None and rescan(exchange) > 0:
        exchange.routes.put_template(w, exchange.route, step.location, PyBytes_AS_STRING(exchange.asked), &ASKED)
    w.put("\r\n", 2)
    return w.take() + step.fields


cdef int leave_upstream(Exchange exchange, uint64_t now) except -1:
    """The upstream before is done with: its outcome is counted, its permit given back."""
    if not exchange.counted:
        count_try(exchange, outcome_of(exchange), now)
    if exchange.upstream_permit != NULL:
        give_permit(exchange.upstream_permit)
        exchange.upstream_permit = NULL
    return begin_again(exchange)


cdef int ask_alternate(Exchange exchange, Step step, uint64_t now) except -1:
    """Send the request to another upstream, as if it were the route's own."""
    cdef Py_ssize_t take
    cdef list later = exchange.rest or []
    cdef bytes piece
    rescan(exchange)
    take = PyBytes_GET_SIZE(exchange.asked) - ASKED.size
    if take > JOIN and exchange.first is not None:
        later = later[1:]                               # the first piece of it came along with the head
    leave_upstream(exchange, now)
    exchange.alternate = True
    exchange.group = step.group
    if admit_upstream(exchange, now):
        exchange.forward(PyBytes_AS_STRING(exchange.asked), &ASKED, take, now)
    if exchange.client is None or exchange.group is not step.group:
        return 0                                        # denied there, and answered
    if exchange.upstream is not None:
        exchange.client.go_on(HOLD_CONNECTING)
    for piece in later:
        if exchange.client is None or exchange.group is not step.group:
            break
        exchange.hold_piece(piece)
        if exchange.upstream is not None:
            exchange.upstream.send(piece)
    return 0


cdef Told told_of(Exchange exchange, uint64_t now):
    """What to tell about the safeguard that denied: as before in this second, where it is the same denial."""
    cdef int jitter = <int>(exchange.plane.draw() >> (64 - JITTER_BITS))
    cdef tuple key = (exchange.limit_row, jitter, *denial_of(exchange, now))
    cdef Told known = exchange.plane.sayings.get(key)
    if known is not None:
        return known
    limit = exchange.route.gates.plans[exchange.near - 1] if exchange.near else None
    fields, members = told(Denial(*key[2:]), limit, jitter / 2.0**JITTER_BITS)
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields]).encode()
    return exchange.plane.sayings.put(key, Told(lines, members))


cdef tuple denial_of(Exchange exchange, uint64_t now):
    """What denied this request: the members of `denied.Denial`."""
    cdef uint64_t wait = 0, reset = 0, left = 0, incident = 0
    cdef RouteLimit* limit
    if exchange.safeguard == BY_LIMIT and exchange.near:
        limit = &exchange.route.gates.limits[exchange.near - 1]
        wait = exchange.observed
        reset = more_in(exchange.near_arrival, now, limit.limit)
        left = remaining(exchange.near_arrival, now, limit.limit)
    elif exchange.safeguard == BY_CLIENT_CLAMP:
        wait = exchange.observed
    elif exchange.safeguard == BY_BREAKER and exchange.threshold > now:
        wait = exchange.threshold - now
    if exchange.safeguard == BY_ISOLATION or exchange.safeguard == BY_CLIENT_ISOLATION:
        incident = exchange.observed >> 8               # of the isolation's word: 0 without one
    else:
        incident = incident_of(exchange)
    return exchange.safeguard, rounded(wait), rounded(reset), left, incident


cdef uint64_t incident_of(Exchange exchange) noexcept:
    """The one that is open on what denied: on the client, the upstream or the route; 0 without one."""
    cdef const ClientRule* rule
    if exchange.safeguard == BY_CLIENT_CLAMP:
        rule = rule_of(exchange.plane.rules, exchange.plane.rules_used, exchange.plane.rules_room, exchange.client_key)
        return load(&rule.isolation) >> 8 if rule != NULL else 0
    if exchange.group is not None and (exchange.safeguard == BY_UPSTREAM_CONCURRENCY or exchange.safeguard == BY_BREAKER
                                       or exchange.safeguard == BY_EJECTION):
        return load(&exchange.group.gates.control.isolation) >> 8
    return load(&exchange.route.gates.control.isolation) >> 8


cdef inline uint64_t rounded(uint64_t wait) noexcept:
    """Up, so that nobody is told to come too early."""
    return (wait + ROUND_NS - 1) // ROUND_NS * ROUND_NS


cdef object decision_of(Exchange exchange, uint64_t now):
    """What the limit that `near` names, and that let the request in, decided."""
    cdef RouteLimit* limit = &exchange.route.gates.limits[exchange.near - 1]
    cdef uint64_t arrival = exchange.near_arrival
    return limits.Decision(True, arrival, remaining(arrival, now, limit.limit), 0, more_in(arrival, now, limit.limit))


cdef int tell_limit(Exchange exchange, uint64_t now) except -1:
    """RateLimit and RateLimit-Policy of a limit that is nearly used up, into the head that is being written."""
    cdef HeadWriter w = exchange.plane.writer
    cdef RouteGates gates = exchange.route.gates
    planned = gates.plans[exchange.near - 1]
    cdef bytes lines = b"RateLimit-Policy: %s\r\nRateLimit: %s\r\n" % (
        <bytes>gates.policies[exchange.near - 1], limits.state(planned, decision_of(exchange, now)).encode())
    return w.put(lines, len(lines))
