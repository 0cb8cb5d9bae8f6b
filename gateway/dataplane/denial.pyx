"""The one way in which a safeguard, or an upstream's failure, ends an ordinary request.

`cause` is a Decision between ISOLATED and TIMEOUT: what a route's fallback is asked for by. Which step answers is
decided in mitigate/fallback.py. A fallback is bounded: one alternate upstream at most is asked, once, and if it fails,
what is left is a step that needs nobody.
"""
from libc.stdint cimport uint64_t

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from gateway._gates cimport give_permit
from gateway._limiter cimport more_in, remaining
from gateway.dataplane.accounting cimport count_try, outcome_of
from gateway.dataplane.admission cimport admit_upstream
from gateway.dataplane.endings cimport drop_upstream
from gateway.dataplane.exchange cimport JOIN, Exchange
from gateway.dataplane.fallbacks cimport BY_REDIRECT, BY_STALE, BY_UPSTREAM, Fallbacks, Step
from gateway.dataplane.gates cimport RouteGates, RouteLimit
from gateway.dataplane.http1 cimport GET, HEAD, Head, HeadWriter, scan_request
from gateway.dataplane.keeping cimport stale_answer
from gateway.dataplane.own_answers cimport refuse, send_own
from gateway.dataplane.refusals cimport REQUEST_TIMEOUT
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

cdef Head ASKED                             # filled and read within one call


cdef int deny(Exchange exchange, int cause, int refusal, str detail, uint64_t now) except -1:
    """Answer with the route's fallback for this cause, or refuse."""
    exchange.decision = cause
    if fall_back(exchange, cause, refusal == REQUEST_TIMEOUT, now):
        return 0
    if exchange.safeguard == BY_NOTHING:
        return refuse(exchange, refusal, detail, now)
    fields, members = told(denial_of(exchange, now), (exchange.plane.draw() >> 11) / 9007199254740992.0)
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields]).encode()
    return refuse(exchange, refusal, detail, now, lines, members)


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
    drop_upstream(exchange)
    if step.kind == BY_STALE:
        fields = "".join([f"{name}: {value}\r\n" for name, value in stale.served(stored, now)])
        return send_own(exchange, stored.status, fields.encode("latin-1"), stored.body, now, True)
    if step.kind == BY_REDIRECT:
        return send_own(exchange, step.status, redirection(exchange, step), b"", now)
    return send_own(exchange, step.status, step.fields, step.body, now)


cdef bytes redirection(Exchange exchange, Step step):
    cdef HeadWriter w = exchange.plane.writer
    w.clear()
    w.put("Location: ", 10)
    if exchange.asked is not None and rescan(exchange) > 0:
        exchange.routes.put_template(w, exchange.route, step.location, PyBytes_AS_STRING(exchange.asked), &ASKED)
    w.put("\r\n", 2)
    return w.take() + step.fields


cdef Py_ssize_t rescan(Exchange exchange) noexcept:
    """The request's head once more; it was sound before."""
    return scan_request(PyBytes_AS_STRING(exchange.asked), PyBytes_GET_SIZE(exchange.asked),
                        &exchange.client.door.limits, &ASKED)


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


cdef object denial_of(Exchange exchange, uint64_t now):
    """What denied this request, as `denied.py` reads it."""
    if exchange.safeguard != BY_LIMIT or exchange.near == 0:
        return Denial(exchange.safeguard, exchange.observed, exchange.threshold, now)
    planned = exchange.route.gates.plans[exchange.near - 1]
    return Denial(exchange.safeguard, now=now, limit=planned, decision=decision_of(exchange, now, exchange.observed))


cdef object decision_of(Exchange exchange, uint64_t now, uint64_t wait):
    """What the limit that `near` names decided: denied for `wait` ns, or 0."""
    cdef RouteLimit* limit = &exchange.route.gates.limits[exchange.near - 1]
    cdef uint64_t arrival = exchange.near_arrival
    return limits.Decision(wait == 0, arrival, remaining(arrival, now, limit.limit), wait,
                           more_in(arrival, now, limit.limit))


cdef int tell_limit(Exchange exchange, uint64_t now) except -1:
    """RateLimit and RateLimit-Policy of a limit that is nearly used up, into the head that is being written."""
    cdef HeadWriter w = exchange.plane.writer
    cdef RouteGates gates = exchange.route.gates
    planned = gates.plans[exchange.near - 1]
    cdef bytes lines = b"RateLimit-Policy: %s\r\nRateLimit: %s\r\n" % (
        <bytes>gates.policies[exchange.near - 1], limits.state(planned, decision_of(exchange, now, 0)).encode())
    return w.put(lines, len(lines))
