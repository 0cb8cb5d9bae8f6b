from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange

# Numbers of model.decisions; denial.pyx checks at import that they agree.
cdef enum Decision:
    DECIDED_NOTHING = 0
    DECIDED_ISOLATED
    DECIDED_LIMITED
    DECIDED_SHED
    DECIDED_SATURATED
    DECIDED_OPEN
    DECIDED_ERROR
    DECIDED_TIMEOUT
    DECIDED_REFUSED
    DECIDED_GONE
    DECISION_COUNT

cdef enum Safeguard:
    BY_NOTHING = 0
    BY_ISOLATION
    BY_CLIENT_ISOLATION
    BY_CLIENT_CLAMP
    BY_LIMIT
    BY_SHEDDING
    BY_ROUTE_CONCURRENCY
    BY_UPSTREAM_CONCURRENCY
    BY_BREAKER
    BY_EJECTION
    BY_RETRY_BUDGET
    SAFEGUARD_COUNT

cdef int tell_limit(Exchange exchange, uint64_t now) except -1
cdef bint fall_back(Exchange exchange, int cause, bint late, uint64_t now) except -1
cdef int deny(Exchange exchange, int cause, int refusal, str detail, uint64_t now) except -1
