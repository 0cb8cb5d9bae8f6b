"""The one way in which a safeguard, or an upstream's failure, ends an ordinary request.

`cause` is a Decision between ISOLATED and TIMEOUT: what a route's fallback is asked for by.
"""
from libc.stdint cimport uint64_t

from gateway._limiter cimport more_in, remaining
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.gates cimport RouteGates, RouteLimit
from gateway.dataplane.http1 cimport HeadWriter
from gateway.dataplane.own_answers cimport refuse

from gateway.dataplane.denied import Denial, told
from gateway.mitigate import limits
from gateway.model import decisions
from gateway.model.safeguards import CAUSES

if (len(decisions.Decision) != DECISION_COUNT or len(decisions.Safeguard) != SAFEGUARD_COUNT
        or decisions.Decision.GONE != DECIDED_GONE or decisions.Safeguard.RETRY_BUDGET != BY_RETRY_BUDGET
        or [decisions.Decision[cause.upper()].value for cause in CAUSES]
        != list(range(DECIDED_ISOLATED, DECIDED_TIMEOUT + 1))):
    raise ImportError("model/decisions.py and dataplane/denial.pxd disagree about numbers")


cdef int deny(Exchange exchange, int cause, int refusal, str detail, uint64_t now) except -1:
    """Answer with the route's fallback for this cause, or refuse."""
    exchange.decision = cause
    if exchange.safeguard == BY_NOTHING:
        return refuse(exchange, refusal, detail, now)
    fields, members = told(denial_of(exchange, now), (exchange.plane.draw() >> 11) / 9007199254740992.0)
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields]).encode()
    return refuse(exchange, refusal, detail, now, lines, members)


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
