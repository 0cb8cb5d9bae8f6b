from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head


cdef Head ASKED                     # filled and read within one call: by `rescan`

cdef Py_ssize_t rescan(Exchange exchange) noexcept
cdef int remember(Exchange exchange, const char* p, const Head* head, Py_ssize_t take) except -1
cdef int note_write(Exchange exchange, const char* p, const Head* head) except -1
cdef int begin_keeping(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1
cdef int end_keeping(Exchange exchange, uint64_t now) except -1
cdef object stale_answer(Exchange exchange, uint64_t now)
