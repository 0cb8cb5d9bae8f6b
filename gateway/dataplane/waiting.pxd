from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange


cdef int await_answer(Exchange exchange, uint64_t now) except -1
cdef int await_upstream(Exchange exchange, uint64_t now) except -1
