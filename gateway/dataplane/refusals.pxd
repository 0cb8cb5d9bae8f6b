from libc.stdint cimport uint64_t

from gateway.dataplane.http1 cimport HeadWriter

# Indexes into model.errors.REFUSALS; refusals.pyx checks at import that they agree.
cdef enum Refusal:
    BAD_REQUEST = 0
    NO_ROUTE_FOUND
    METHOD_NOT_ALLOWED
    HEAD_TIMEOUT
    BODY_TIMEOUT
    BODY_TOO_LARGE
    TARGET_TOO_LONG_
    HEAD_TOO_LARGE_
    GATEWAY_FAULT
    NOT_IMPLEMENTED
    VERSION_NOT_SUPPORTED
    CONNECT_FAILED
    UPSTREAM_RESET
    UPSTREAM_MALFORMED
    NO_ENDPOINT
    POOL_FULL
    TOO_MANY_CONNECTIONS
    DRAINING
    CONNECT_TIMEOUT
    FIRST_BYTE_TIMEOUT
    UPSTREAM_IDLE
    REQUEST_TIMEOUT
    ISOLATED_
    LIMITED_
    SHED_
    SATURATED_
    BREAKER_OPEN
    REFUSAL_COUNT

cdef int refusal_of_fault(Py_ssize_t fault) noexcept
cdef str text_of_fault(Py_ssize_t fault)
cdef str text_of_answer_fault(Py_ssize_t fault)
cdef int status_of(int refusal) noexcept
cdef bytes refusal_answer(int refusal, str detail, str request_id, bint keep, bint without_body, bytes fields=*,
                          dict members=*)
cdef bytes date_line()


cdef class Answer:
    cdef bytes text
    cdef Py_ssize_t in_head
    cdef Py_ssize_t in_body

    cdef bytes of(self, HeadWriter w, uint64_t high, uint64_t low)


cdef class Told:
    cdef bytes fields
    cdef dict members
    cdef dict answers

    cdef Answer answer(self, int refusal, bint has_id, bint keep, bint without_body)


cdef class Sayings:
    cdef bytes date
    cdef dict told
    cdef Told plain

    cdef void forget(self)
    cdef Told nothing(self)
    cdef Told get(self, tuple key)
    cdef Told put(self, tuple key, Told told)
