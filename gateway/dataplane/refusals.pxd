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
