from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange

# What a try at an upstream came to: isolate/outcomes.py is the readable reference.
cdef enum Outcome:
    NO_RESULT = 0                   # nothing was learnt of the upstream
    SUCCESS
    FAILURE

cdef int outcome_of(Exchange exchange) noexcept
cdef int count_try(Exchange exchange, int outcome, uint64_t now) except -1
cdef int account(Exchange exchange, uint64_t now) except -1
