from libc.stdint cimport int64_t, uint32_t, uint64_t

from gateway._fastpath cimport EndpointCounters
from gateway.dataplane.deadlines cimport DeadlineList
from gateway.dataplane.http1 cimport Limits


cdef class Endpoint:
    cdef readonly object address            # plan.Endpoint.address
    cdef readonly object target             # how to dial it: dial.Target
    cdef readonly bytes host                # for a request that has no Host
    cdef readonly UpstreamGroup group
    cdef readonly uint32_t weight
    cdef readonly uint32_t active           # requests in flight on it, in this worker
    cdef readonly uint32_t connections      # open or opening, in this worker
    cdef list idle                          # of UpstreamConnection, the one used last at the end
    cdef uint64_t avoid_until               # after a failed connect, while there is another choice
    cdef int64_t credit                     # smooth weighted round robin
    cdef EndpointCounters* counters

    cdef inline bint usable(self, uint64_t now) noexcept:
        return self.avoid_until <= now


cdef class UpstreamGroup:
    cdef readonly str name
    cdef readonly tuple endpoints
    cdef readonly bytes host                # replaces the client's Host; empty keeps it
    cdef Limits limits
    cdef bint two_choices
    cdef uint64_t random
    cdef readonly DeadlineList first_byte
    cdef readonly DeadlineList silent       # `idle` of a body in flight
    cdef readonly DeadlineList parked       # `pool.idle`
    cdef readonly uint64_t connect_timeout
    cdef readonly uint64_t pool_idle
    cdef readonly uint32_t max_idle
    cdef readonly uint32_t max_connections

    cdef Endpoint choose(self, uint64_t now)
    cdef Endpoint round_robin(self, uint64_t now)
    cdef Endpoint least_request(self, uint64_t now)
    cdef uint32_t draw(self, uint32_t bound) noexcept
