from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head


cdef bint try_again(Exchange exchange, int refusal, int status, bint shed, uint64_t now) except -1
cdef int begin_again(Exchange exchange) except -1
cdef bint has_field(const char* p, const Head* head, const char* name, Py_ssize_t size) noexcept
cdef bint has_idempotency_key(const char* p, const Head* head) noexcept
