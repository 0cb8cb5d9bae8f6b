"""The endpoints of an upstream, as one worker sees them: which one is next, and its idle connections.

Balance. `least_request`: of two endpoints drawn at random the one with fewer requests in flight per weight
(Mitzenmacher, "The power of two choices", 1996). `round_robin`: nginx's smooth weighted form: each endpoint gains
its weight, the richest is taken and pays the sum. An endpoint that just refused a connection is passed over for a
second while another can be had; this is only so that one request's luck is not the next one's too: ejection proper
is a safeguard.

Connections are taken last-in-first-out, so that a pool shrinks to what the load needs: the rest ages out.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t

from gateway._fastpath cimport EndpointCounters
from gateway.dataplane.deadlines cimport DeadlineBook


cdef uint64_t AVOID_NS = 1_000_000_000


cdef class Endpoint:
    """One address of an upstream. `active` and `connections` count this worker's share."""

    def __init__(self, UpstreamGroup group, plan_endpoint, target, row):
        self.group = group
        self.address = plan_endpoint.address
        self.weight = plan_endpoint.weight
        self.target = target
        self.host = target.host_field
        self.idle = []
        self.counters = <EndpointCounters*><uintptr_t>row

    def connect_failed(self, uint64_t now):
        """Count a refused, unreachable or late connect, and look elsewhere for a second."""
        self.counters.connect_failures += 1
        self.avoid_until = now + AVOID_NS

    def has_room(self):
        """Whether one more connection may be opened (`pool.max_connections`, this worker)."""
        return self.group.max_connections == 0 or self.connections < self.group.max_connections

    def opening(self):
        """A connection is being opened: it counts from now on."""
        self.connections += 1
        self.counters.connects += 1

    def closed(self):
        """A connection is gone, or could not be opened."""
        self.connections -= 1

    def publish(self):
        """Write the gauges of this worker's share to the board."""
        self.counters.active = self.active
        self.counters.idle = len(self.idle)

    def close_idle(self):
        """Close what is in the pool, at the end of the worker."""
        for connection in list(self.idle):
            connection.give_up()

    def snapshot(self):
        """This worker's share: requests in flight, open and idle connections."""
        return {"address": self.address, "active": self.active, "connections": self.connections,
                "idle": len(self.idle)}

    def __repr__(self):
        return f"<Endpoint {self.group.name} {self.address} active={self.active} connections={self.connections}>"


cdef class UpstreamGroup:
    """One upstream of the plan with its endpoints. `seed` starts the random draws (never 0)."""

    def __init__(self, plan_upstream, DeadlineBook book, uint64_t seed):
        self.name = plan_upstream.name
        self.host = plan_upstream.host.encode()
        self.two_choices = plan_upstream.balance == "least_request"
        self.random = seed | 1
        self.limits.line = plan_upstream.limits.line
        self.limits.fields = plan_upstream.limits.fields
        self.limits.size = plan_upstream.limits.size
        self.first_byte = book.of(plan_upstream.timeouts.first_byte)
        self.silent = book.of(plan_upstream.timeouts.idle)
        self.parked = book.of(plan_upstream.pool.idle)
        self.connect_timeout = plan_upstream.timeouts.connect
        self.pool_idle = plan_upstream.pool.idle
        self.max_idle = plan_upstream.pool.max_idle
        self.max_connections = plan_upstream.pool.max_connections
        self.endpoints = ()

    def set_endpoints(self, endpoints):
        """Give the group its endpoints, once, before the first request."""
        self.endpoints = tuple(endpoints)

    cdef Endpoint choose(self, uint64_t now):
        """The endpoint for the next request; None only if the group has none."""
        if len(self.endpoints) == 1:
            return <Endpoint>self.endpoints[0]
        if len(self.endpoints) == 0:
            return None
        return self.least_request(now) if self.two_choices else self.round_robin(now)

    cdef uint32_t draw(self, uint32_t bound) noexcept:
        # xorshift64 (Marsaglia 2003); the high half, scaled: no modulo bias worth speaking of for a few endpoints
        self.random ^= self.random << 13
        self.random ^= self.random >> 7
        self.random ^= self.random << 17
        return <uint32_t>(((self.random >> 32) * bound) >> 32)

    cdef Endpoint least_request(self, uint64_t now):
        cdef uint32_t count = <uint32_t>len(self.endpoints)
        cdef uint32_t i = self.draw(count)
        cdef uint32_t j = self.draw(count - 1)
        cdef Endpoint one, other
        if j >= i:
            j += 1
        one = <Endpoint>self.endpoints[i]
        other = <Endpoint>self.endpoints[j]
        if one.usable(now) != other.usable(now):
            return one if one.usable(now) else other
        if not one.usable(now):
            return self.round_robin(now)
        # (active + 1) / weight, cross-multiplied
        if (<uint64_t>other.active + 1) * one.weight < (<uint64_t>one.active + 1) * other.weight:
            return other
        return one

    cdef Endpoint round_robin(self, uint64_t now):
        cdef Endpoint best = None, each
        cdef int64_t total = 0
        cdef bint any_usable = False
        for each in self.endpoints:
            any_usable = any_usable or each.usable(now)
        for each in self.endpoints:
            if any_usable and not each.usable(now):
                continue
            each.credit += each.weight
            total += each.weight
            if best is None or each.credit > best.credit:
                best = each
        best.credit -= total
        return best

    def others(self, tried, uint64_t now):
        """The endpoint to try after `tried` (a set of Endpoint) failed to connect, usable ones first; or None."""
        left = [each for each in self.endpoints if each not in tried]
        left.sort(key=lambda each: (not (<Endpoint>each).usable(now), (<Endpoint>each).active))
        return left[0] if left else None

    def pick(self, uint64_t now):
        """`choose` for Python callers."""
        return self.choose(now)

    def snapshot(self):
        """The endpoints' snapshots, in the plan's order."""
        return [each.snapshot() for each in self.endpoints]
