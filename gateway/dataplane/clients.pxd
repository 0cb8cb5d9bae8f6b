from libc.stdint cimport uint64_t

from gateway.dataplane.client_keys cimport ClientKey
from gateway.dataplane.http1 cimport Head


cdef class Client:
    cdef readonly str address               # an IP address; empty: unknown, or a Unix socket
    cdef readonly uint64_t high             # the address, IPv4 as mapped IPv6, as two big-endian numbers
    cdef readonly uint64_t low
    cdef readonly uint64_t key              # keyed hash of its 16 bytes: never 0


cdef class Clients:
    cdef readonly object trusted            # trusted.TrustedProxies
    cdef uint64_t seed0
    cdef uint64_t seed1
    cdef dict known
    cdef readonly ClientKey named           # by what else clients are known, or None

    cdef Client of_address(self, str address)
    cdef Client of_forwarded(self, str peer, const char* p, const Head* head)
