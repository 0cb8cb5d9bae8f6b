from libc.stdint cimport uint64_t

from gateway.dataplane.http1 cimport Head

cdef enum:
    BY_HEADER = 1
    BY_COOKIE
    BY_CLAIM


cdef class ClientKey:
    cdef int kind
    cdef bytes name
    cdef uint64_t seed0
    cdef uint64_t seed1
    cdef dict claims                        # key by token

    cdef uint64_t of(self, const char* p, const Head* head) except? 0
    cdef uint64_t of_token(self, const char* value, size_t size) except? 0

cdef const char* header_value(const char* p, const Head* head, const char* name, size_t name_size,
                              size_t* size) noexcept
