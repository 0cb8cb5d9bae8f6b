from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head


cdef int client_gone(Exchange exchange, uint64_t now) except -1
cdef int upstream_ended(Exchange exchange, bint cleanly, uint64_t now) except -1
cdef int upstream_late(Exchange exchange, uint64_t now) except -1
cdef int upstream_failure(Exchange exchange, int refusal, str detail, uint64_t now) except -1
cdef bint answered_otherwise(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1
cdef int drop_upstream(Exchange exchange) except -1
cdef int break_down(Exchange exchange) except -1
