"""The one way in which a safeguard, or an upstream's failure, ends an ordinary request.

`cause` is a Decision between ISOLATED and TIMEOUT: what a route's fallback is asked for by.
"""
from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.own_answers cimport refuse

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
    return refuse(exchange, refusal, detail, now)
