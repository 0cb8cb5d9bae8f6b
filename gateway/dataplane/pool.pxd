from libc.stdint cimport int64_t, uint32_t, uint64_t

from gateway._decisions cimport Window
from gateway._fastpath cimport EndpointCounters, load
from gateway._gates cimport Control, isolated, weight_of
from gateway.dataplane.deadlines cimport DeadlineList
from gateway.dataplane.gates cimport UpstreamGates
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
    cdef readonly uint32_t row              # on the board
    cdef EndpointCounters* counters
    cdef Control* control                   # on the board: ejected, unhealthy, isolated, its weight

    cdef bint count(self, bint failed, uint64_t now) noexcept

    cdef inline bint is_in(self, uint64_t now) noexcept:
        """Neither isolated nor, unless too few are left (panic), ejected or unhealthy."""
        if isolated(self.control, now):
            return False
        if load(&self.group.gates.control.panic):
            return True
        return not (self.group.ejects and load(&self.control.ejected_until) > now
                    or self.group.checks and load(&self.control.unhealthy))

    cdef inline bint usable(self, uint64_t now) noexcept:
        return self.avoid_until <= now and self.is_in(now)

    cdef inline uint64_t share(self, uint64_t now) noexcept:
        """Its weight in millionths of a unit, slow start included."""
        return weight_of(self.control, self.weight, now)


cdef class UpstreamGroup:
    cdef readonly str name
    cdef readonly tuple endpoints
    cdef readonly bytes host                # replaces the client's Host; empty keeps it
    cdef Limits limits
    cdef bint two_choices
    cdef bint ejects                        # what ejection and health checks find is heeded: mode enforce
    cdef bint checks
    cdef uint64_t eject_consecutive         # failures in a row from which an endpoint is ejected; 0 = never
    cdef uint64_t random
    cdef readonly DeadlineList first_byte
    cdef readonly DeadlineList silent       # `idle` of a body in flight
    cdef readonly DeadlineList parked       # `pool.idle`
    cdef readonly uint64_t connect_timeout
    cdef readonly uint64_t pool_idle
    cdef readonly uint32_t max_idle
    cdef readonly uint32_t max_connections
    cdef readonly UpstreamGates gates
    cdef readonly object retry              # plan.Retry, None where a failed try is never repeated
    cdef readonly int64_t held_body         # a request is held for another try up to this size
    cdef const Window* window               # of the upstream, on the board

    cdef bint spare(self, uint64_t now) noexcept
    cdef Endpoint choose(self, uint64_t now)
    cdef Endpoint lighter(self, Endpoint one, Endpoint other, uint64_t now)
    cdef Endpoint round_robin(self, uint64_t now)
    cdef Endpoint least_request(self, uint64_t now)
    cdef bint all_isolated(self, uint64_t now) noexcept
    cdef uint32_t draw(self, uint32_t bound) noexcept
