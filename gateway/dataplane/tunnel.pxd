from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head


cdef bint offers_h2c(const char* p, const Head* head) noexcept
cdef int open_tunnel(Exchange exchange, bytes data, Py_ssize_t at, const Head* head, uint64_t now) except -1
cdef int tunnel_data(Exchange exchange, bytes data, bint from_client, uint64_t now) except -1
cdef int tunnel_eof(Exchange exchange, bint from_client, uint64_t now) except -1
