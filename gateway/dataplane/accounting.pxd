from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange


cdef int account(Exchange exchange, uint64_t now) except -1
