"""Recorded requests as rows over the text that they were read from."""
from libc.stdint cimport uint32_t, uint64_t

from gateway._recorder cimport Record

cdef enum Knowledge:
    WHOLE = 0
    CUT                             # the path goes on, nobody knows how
    PARTLY                          # its method or host is not known

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
    uint32_t known                  # of Knowledge


cdef struct Known:
    uint64_t key                    # 0 = free
    uint32_t number


cdef class Clients:
    cdef tuple seed
    cdef dict numbers
    cdef uint64_t* keys
    cdef readonly list names
    cdef Known* known               # by key, of flight records: open addressing, at most half full
    cdef size_t room                # a power of two
    cdef size_t taken

    cdef uint32_t number_of(self, bytes name) except? 0xFFFFFFFF
    cdef uint32_t number_of_key(self, uint64_t key, uint64_t high, uint64_t low) except? 0xFFFFFFFF
    cdef uint32_t remember(self, uint64_t key, uint64_t high, uint64_t low) except? 0xFFFFFFFF
    cdef int make_room(self) except -1


cdef class Requests:
    cdef Clients clients
    cdef object text
    cdef Row* rows
    cdef uint32_t count
    cdef uint32_t room
    cdef readonly uint64_t unread           # lines that are no request of this format

    cdef Row* next_row(self) except NULL
    cdef int read_part(self, Py_ssize_t at, Py_ssize_t count, dict hosts, uint64_t offset, uint64_t since) except -1
    cdef int read_one(self, const Record* record, uint32_t path_at, uint32_t names, const uint32_t* host_at,
                      const uint32_t* host_size, uint64_t offset, uint64_t since) except -1
    cdef int read_line(self, const char* text, Py_ssize_t at, Py_ssize_t end, uint64_t since) except -1
    cdef int put_client(self, Row* row, bytes name) except -1
    cdef void sort(self) noexcept
