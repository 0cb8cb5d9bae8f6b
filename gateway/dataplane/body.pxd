from libc.stdint cimport int64_t, uint64_t

from gateway.dataplane.http1 cimport Chunks


cdef struct Body:
    int kind                        # http1.BodyKind
    bint done                       # its last byte has been seen
    int64_t left                    # BY_LENGTH: bytes still to come
    Chunks chunks                   # BY_CHUNKS


cdef void body_start(Body* body, int kind, int64_t length) noexcept nogil
cdef Py_ssize_t body_take(Body* body, const char* p, Py_ssize_t n) noexcept nogil
