from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

from gateway._recorder cimport Interned, Ring
from gateway.dataplane.exchange cimport ClientSide, Exchange
from gateway.dataplane.http1 cimport Head
from gateway.dataplane.kept cimport CACHED_TEXT, Seen

cdef enum:
    NO_ROW = 0xFFFFFFFF

cdef class Recording:
    cdef Ring* ring
    cdef Interned* interned
    cdef uint32_t rows
    cdef uint64_t seed[2]
    cdef readonly bytes version_header      # lower case; of answers; empty = none is recorded

    cdef int keep_head(self, Exchange exchange, const char* p, const Head* head) noexcept
    cdef int keep_version(self, Exchange exchange, const char* p, const Head* head) noexcept
    cdef uint32_t number_of(self, Seen* seen, const char* text, size_t size, size_t family) noexcept
    cdef int record(self, Exchange exchange, uint64_t now) noexcept
    cdef int record_turned_away(self, ClientSide client, int status, uint64_t now) noexcept
