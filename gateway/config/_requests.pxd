"""Recorded requests as rows over the text that they were read from."""
from libc.stdint cimport uint32_t, uint64_t

cdef struct Row:
    uint64_t time                   # ns on the record's own clock
    uint64_t client_key             # keyed hash, as the request path knows the client
    uint32_t client                 # its number in Clients
    uint32_t order                  # of reading
    uint32_t method_bit
    uint32_t method_at              # offsets into the text
    uint32_t method_size
    uint32_t host_at
    uint32_t host_size              # 0 = the record does not say
    uint32_t path_at
    uint32_t path_size


cdef class Clients:
    cdef tuple seed
    cdef dict numbers
    cdef uint64_t* keys
    cdef readonly list names

    cdef uint32_t number_of(self, bytes name) except? 0xFFFFFFFF


cdef class Requests:
    cdef Clients clients
    cdef object text
    cdef Row* rows
    cdef uint32_t count
    cdef uint32_t room
    cdef readonly uint64_t unread           # lines that are no request of this format

    cdef Row* next_row(self) except NULL
    cdef int read_line(self, const char* text, Py_ssize_t at, Py_ssize_t end, uint64_t since) except -1
    cdef int put_client(self, Row* row, bytes name) except -1
    cdef void sort(self) noexcept
