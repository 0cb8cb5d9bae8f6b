from libc.stdint cimport uint64_t

from gateway.dataplane.pool cimport UpstreamGroup

cdef enum StepKind:
    BY_STALE = 0
    BY_UPSTREAM
    BY_ANSWER
    BY_REDIRECT


cdef class Step:
    cdef readonly int kind
    cdef readonly int status
    cdef readonly bytes fields              # of an answer or a redirect, ready to send
    cdef readonly bytes body
    cdef readonly tuple location            # template pieces of a redirect
    cdef readonly UpstreamGroup group       # the alternate


cdef class Fallbacks:
    cdef readonly tuple told                # of model.safeguards.Fallback
    cdef readonly tuple steps               # the same, ready
    cdef readonly bint reads_request        # some step needs what the client sent
    cdef readonly uint64_t keeps_for        # ns: the longest `for` of its stale steps, 0 without one
    cdef list always                        # by cause: the Step that needs no facts, or None
    cdef list names                         # by cause: its word
