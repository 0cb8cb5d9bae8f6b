"""The endpoints of an upstream, as one worker sees them: which one is next, and its idle connections.

Balance. `least_request`: of two endpoints drawn at random the one with fewer requests in flight per weight
(Mitzenmacher, "The power of two choices", 1996); between two idle ones the lot is by weight, or a light one would get
nothing on a quiet route. `round_robin`: nginx's smooth weighted form: each
endpoint gains its weight, the richest is taken and pays the sum.

Who is asked at all is on the board: an endpoint that is isolated is not, and one that is ejected or unhealthy is not
unless too few would be left. An endpoint that just refused a connection is passed over for a second while another can
be had; this is only so that one request's luck is not the next one's too.

Connections are taken last-in-first-out, so that a pool shrinks to what the load needs: the rest ages out.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t

from gateway._decisions cimport Window, since
from gateway._fastpath cimport EndpointCounters, load
from gateway._gates cimport (
    CLOSED, FORCED_OPEN, Control, concurrency_of, count_consecutive, in_flight, isolated, retry_tokens, state_of,
)
from gateway.dataplane.deadlines cimport DeadlineBook
from gateway.dataplane.gates cimport UpstreamGates

from gateway.board import endpoint_name
from gateway.mitigate import retry as retrying
from gateway.model.safeguards import ENFORCE, OFF


cdef uint64_t AVOID_NS = 1_000_000_000
cdef uint64_t BUDGET_NS = 10_000_000_000         # of the tries whose share retries may be

HELD_BODY = 64 * 1024


cdef class Endpoint:
    """One address of an upstream. `active` and `connections` count this worker's share; `board` has rows for it."""

    def __init__(self, UpstreamGroup group, plan_endpoint, target, board):
        self.group = group
        self.address = plan_endpoint.address
        self.weight = plan_endpoint.weight
        self.target = target
        self.host = target.host_field
        self.idle = []
        name = endpoint_name(group.name, plan_endpoint.address)
        self.row = board.rows["endpoints"][name]
        self.counters = <EndpointCounters*><uintptr_t>board.counters("endpoints", name)
        self.control = <Control*><uintptr_t>board.control("endpoints", name)

    cdef bint count(self, bint failed, uint64_t now) noexcept:
        """One outcome for the ejection to see, from any worker; True: as many failures in a row as eject."""
        cdef uint64_t failures = count_consecutive(self.control, failed, now)
        return failed and self.group.eject_consecutive and failures >= self.group.eject_consecutive

    def connect_failed(self, uint64_t now):
        """Count a refused, unreachable or late connect, and look elsewhere for a second.

        True: it was the last failure in a row that ejection waited for.
        """
        self.counters.connect_failures += 1
        self.counters.requests += 1
        self.counters.failures += 1
        self.avoid_until = now + AVOID_NS
        return self.count(True, now)

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

    def publish(self, bint more=False):
        """Write the gauges of this worker's share to the board; `more`: beside what another one of this row wrote."""
        self.counters.active = self.active + (self.counters.active if more else 0)
        self.counters.idle = <uint64_t>len(self.idle) + (self.counters.idle if more else 0)

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


def time_for_try(plan_upstream):
    """Nanoseconds to the first byte of an answer, 0 where they are not bounded."""
    retry, first_byte = plan_upstream.retry, plan_upstream.timeouts.first_byte
    return retrying.time_for_try(retry, first_byte) if retry.mode == ENFORCE else first_byte


cdef class UpstreamGroup:
    """One upstream of the plan with its endpoints. `seed` starts the random draws; `board` has rows for it."""

    def __init__(self, plan_upstream, DeadlineBook book, uint64_t seed, board):
        self.name = plan_upstream.name
        self.host = plan_upstream.host.encode()
        self.two_choices = plan_upstream.balance == "least_request"
        self.ejects = plan_upstream.eject.mode == ENFORCE
        self.checks = plan_upstream.health.mode == ENFORCE
        self.eject_consecutive = 0 if plan_upstream.eject.mode == OFF else plan_upstream.eject.consecutive_failures
        self.random = seed | 1
        self.limits.line = plan_upstream.limits.line
        self.limits.fields = plan_upstream.limits.fields
        self.limits.size = plan_upstream.limits.size
        self.retry = plan_upstream.retry if plan_upstream.retry.mode != OFF else None
        self.held_body = HELD_BODY if self.retry is None else self.retry.max_body
        self.first_byte = book.of(time_for_try(plan_upstream))
        self.silent = book.of(plan_upstream.timeouts.idle)
        self.parked = book.of(plan_upstream.pool.idle)
        self.connect_timeout = plan_upstream.timeouts.connect
        self.pool_idle = plan_upstream.pool.idle
        self.max_idle = plan_upstream.pool.max_idle
        self.max_connections = plan_upstream.pool.max_connections
        self.endpoints = ()
        self.gates = UpstreamGates(plan_upstream, board)
        self.window = <const Window*><uintptr_t>board.window("upstreams", plan_upstream.name)

    cdef bint spare(self, uint64_t now) noexcept:
        """Whether it can help out for another upstream: breaker closed, not isolated, a fifth of its permits free."""
        cdef const Control* control = self.gates.control
        cdef uint64_t limit = concurrency_of(control, self.gates.bulkhead.limit, now)
        if isolated(control, now) or state_of(load(&control.breaker)) != CLOSED:
            return False
        if load(&control.forced_until) > now and load(&control.forced) == FORCED_OPEN:
            return False
        return limit == 0 or in_flight(&self.gates.bulkhead.requests) * 5 < limit * 4

    def budget(self, uint64_t now):
        """For its retries: (tries, retries) of the last 10 s by all workers, and the tokens left in thousandths."""
        seen = since(self.window, now - BUDGET_NS if now > BUDGET_NS else 1)
        return (seen.requests, seen.retries), retry_tokens(self.gates.control)

    def set_endpoints(self, endpoints):
        """Give the group its endpoints, once, before the first request."""
        self.endpoints = tuple(endpoints)

    cdef Endpoint choose(self, uint64_t now):
        """The endpoint for the next request; None if the group has none that may be asked."""
        cdef Endpoint only
        if len(self.endpoints) == 1:
            only = <Endpoint>self.endpoints[0]
            return only if only.is_in(now) else None
        if len(self.endpoints) == 0:
            return None
        return self.least_request(now) if self.two_choices else self.round_robin(now)

    cdef bint all_isolated(self, uint64_t now) noexcept:
        cdef Endpoint each
        for each in self.endpoints:
            if not isolated(each.control, now):
                return False
        return len(self.endpoints) > 0

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
        if one.usable(now) and other.usable(now):
            return self.lighter(one, other, now)
        if not one.usable(now) and not other.usable(now):
            return self.round_robin(now)
        return one if one.usable(now) else other

    cdef Endpoint lighter(self, Endpoint one, Endpoint other, uint64_t now):
        """The one with fewer requests in flight for its weight; between idle ones a lot by weight."""
        cdef double weight = one.share(now), other_weight = other.share(now)
        if one.active == 0 and other.active == 0:
            return other if self.draw(1 << 30) * (weight + other_weight) < other_weight * (1 << 30) else one
        # (active + 1) / weight, cross-multiplied
        return other if (other.active + 1) * weight < (one.active + 1) * other_weight else one

    cdef Endpoint round_robin(self, uint64_t now):
        """Over those that may be asked, those that did not just refuse a connection first; None without any."""
        cdef Endpoint best = None, each
        cdef int64_t total = 0, share
        cdef bint any_usable = False
        for each in self.endpoints:
            any_usable = any_usable or each.usable(now)
        for each in self.endpoints:
            if not (each.usable(now) if any_usable else each.is_in(now)):
                continue
            share = <int64_t>each.share(now)
            each.credit += share
            total += share
            if best is None or each.credit > best.credit:
                best = each
        if best is not None:
            best.credit -= total
        return best

    def others(self, tried, uint64_t now):
        """The endpoint to try after `tried` (a set of Endpoint) failed to connect, usable ones first; or None."""
        left = [each for each in self.endpoints if each not in tried and (<Endpoint>each).is_in(now)]
        left.sort(key=lambda each: (not (<Endpoint>each).usable(now), (<Endpoint>each).active))
        return left[0] if left else None

    def pick(self, uint64_t now):
        """`choose` for Python callers."""
        return self.choose(now)

    def snapshot(self):
        """The endpoints' snapshots, in the plan's order."""
        return [each.snapshot() for each in self.endpoints]
