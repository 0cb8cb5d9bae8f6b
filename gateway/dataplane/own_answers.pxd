from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head
from gateway.dataplane.refusals cimport Told


cdef bint is_health(Exchange exchange, const char* p, const Head* head) noexcept
cdef int answer_health(Exchange exchange, uint64_t now) except -1
cdef int answer_directly(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1
cdef int send_own(Exchange exchange, int status, bytes fields, bytes body, uint64_t now,
                  bint dated=*) except -1
cdef int refuse_unrouted(Exchange exchange, int index, const char* p, const Head* head, uint64_t now) except -1
cdef int refuse(Exchange exchange, int refusal, str detail, uint64_t now, Told told=*) except -1
cdef bytes id_line(Exchange exchange)
