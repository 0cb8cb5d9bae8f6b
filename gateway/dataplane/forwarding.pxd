from libc.stdint cimport uint64_t

from gateway.dataplane.clients cimport Client
from gateway.dataplane.http1 cimport Head, HeadWriter
from gateway.dataplane.routes cimport Route, RoutePlan


cdef class Origin:
    cdef readonly str address               # of the peer; of the client where PROXY protocol told it
    cdef readonly bint trusted              # its X-Forwarded-* and Forwarded are kept
    cdef readonly bytes node                # as Forwarded writes it
    cdef readonly bytes lines               # ready to copy, up to the place where the host belongs
    cdef readonly bytes proto
    cdef readonly Client client             # of the peer


# What the request head needs besides the client's own head.
cdef struct Identity:
    uint64_t id_high
    uint64_t id_low
    uint64_t span


cdef int put_request(HeadWriter w, const char* p, const Head* head, RoutePlan routes, Route route, Origin origin,
                     bytes own_host, bytes endpoint_host, const Identity* identity, bint upgrade) except -1
cdef int put_response(HeadWriter w, const char* p, const Head* head, Route route, bint upgrade,
                      bint drop_length) except -1
