"""Host names as bytes: what of a Host field names the host, and a hash made from its end. No allocation, no Python."""
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memchr

cdef enum:
    MAX_HOST = 253                  # as in pattern.py
    MAX_ROOTS = 128                 # any host, at most 126 suffixes of a name of 253 bytes, and the name itself


cdef inline char lower(char c) noexcept nogil:
    return c + 32 if c'A' <= c <= c'Z' else c


# One byte more of a host that is hashed from its end (FNV-1a), so that one pass gives the hash of each suffix.
cdef inline uint64_t add_byte(uint64_t hashed, char c) noexcept nogil:
    return (hashed ^ <uint8_t>c) * <uint64_t>0x100000001B3


cdef inline uint64_t hash_host(const char* p, Py_ssize_t n, uint64_t seed) noexcept nogil:
    cdef uint64_t hashed = seed
    while n > 0:
        n -= 1
        hashed = add_byte(hashed, p[n])
    return hashed


# Bytes of p[:n] that name the host: without a port, without a final dot.
cdef inline Py_ssize_t name_size(const char* p, Py_ssize_t n) noexcept nogil:
    cdef const char* end = NULL
    if n > 0 and p[0] == c'[':
        end = <const char*>memchr(p, c']', n)
        return n if end == NULL else end + 1 - p
    if n > 0:
        end = <const char*>memchr(p, c':', n)
    if end != NULL:
        n = end - p
    return n - 1 if n > 0 and p[n - 1] == c'.' else n
