from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Chunks, Head

# How the answer's body goes on to the client.
cdef enum Relay:
    AS_IT_CAME = 0
    UNCHUNKED                       # an HTTP/1.0 client cannot read chunks
    CHUNKED_BY_US                   # the upstream ends its answer by closing


cdef int put_framing(Exchange exchange, const Head* head) except -1
cdef int emit(Exchange exchange, bytes data, Py_ssize_t at, Py_ssize_t take) except -1
cdef int emit_chunk(Exchange exchange, bytes data, Py_ssize_t at, Py_ssize_t take) except -1
cdef int emit_unchunked(Exchange exchange, bytes data, Py_ssize_t at, Chunks* before) except -1
cdef int pass_interim(Exchange exchange, const char* p, const Head* head) except -1
cdef int end_with_connection(Exchange exchange, uint64_t now) except -1
