"""What a route and an upstream of the plan know of the board, so that a request's gates are a few loads.

Made when a plan is prepared, never changed. Every address is of a row that the board gives this name for good.
"""
from libc.stdint cimport uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

from gateway._fastpath cimport UpstreamCounters
from gateway._gates cimport Control, Permits, in_flight
from gateway._limiter cimport limit_of

from gateway.mitigate import limits as limiting
from gateway.model.safeguards import MODES, OFF

cdef dict KINDS = {"route": KEY_ROUTE, "client": KEY_CLIENT, "route+client": KEY_CLIENT, "header": KEY_HEADER,
                   "cookie": KEY_COOKIE}
if MODES != ("off", "shadow", "enforce"):
    raise ImportError("model/safeguards.py and dataplane/gates.pxd disagree about the modes")


cdef Permits permits_at(tuple addresses):
    """`WorkerBoard.permits` in the compiled form."""
    cdef Permits permits
    permits.own = <uint64_t*><uintptr_t>addresses[0]
    permits.first = <const char*><uintptr_t>addresses[1]
    permits.stride = addresses[2]
    permits.workers = addresses[3]
    return permits


cdef Bulkhead bulkhead_of(concurrency, board, str section, str name):
    cdef Bulkhead bulkhead
    bulkhead.requests = permits_at(board.permits(section, name))
    bulkhead.tunnels = permits_at(board.permits(section, name, tunnels=True))
    bulkhead.limit = concurrency.limit
    bulkhead.mode = MODES.index(concurrency.mode)
    return bulkhead


cdef class RouteGates:
    """Raises KeyError where the board has no row for the route or one of its limits."""

    def __init__(self, route, board):
        self.row = board.rows["routes"][route.name]
        self.control = <Control*><uintptr_t>board.control("routes", route.name)
        self.bulkhead = bulkhead_of(route.concurrency, board, "routes", route.name)
        self.priority = route.priority
        self.plans = tuple([each for each in route.limits if each.mode != OFF])
        self.policies = tuple([limiting.policy(each).encode() for each in self.plans])
        self.limits = <RouteLimit*>calloc(max(1, len(self.plans)), sizeof(RouteLimit))
        if self.limits == NULL:
            raise MemoryError
        self.count = len(self.plans)
        self.names = tuple([self.set_limit(index, each, route.name, board) for index, each in enumerate(self.plans)])

    def __dealloc__(self):
        free(self.limits)

    cdef bytes set_limit(self, int index, planned, str route, board):
        """Fill `limits[index]`; returns the name that it points into."""
        cdef RouteLimit* limit = &self.limits[index]
        kind, name = limiting.parse_key(planned.key)
        cdef bytes text = name.encode()
        row, arrival = board.limit(route, planned.name)
        limit.limit = limit_of(planned.period_ns, planned.quota, planned.burst)
        limit.row = row
        limit.kind = KINDS[kind]
        limit.mode = MODES.index(planned.mode)
        limit.arrival = <uint64_t*><uintptr_t>arrival if limit.kind == KEY_ROUTE else NULL
        limit.name = text
        limit.name_size = len(text)
        if limit.mode == MODE_ENFORCE:
            limit.tell_below = limit.limit.burst // limiting.NEAR_EXHAUSTION
        return text

    def in_flight(self):
        """Requests that hold a permit of this route, over all workers."""
        return in_flight(&self.bulkhead.requests)

    def __repr__(self):
        return f"<RouteGates {self.count} limits, priority {self.priority}, concurrency {self.bulkhead.limit}>"


cdef class UpstreamGates:
    """Raises KeyError where the board has no row for the upstream."""

    def __init__(self, upstream, board):
        breaker = upstream.breaker
        self.row = board.rows["upstreams"][upstream.name]
        self.control = <Control*><uintptr_t>board.control("upstreams", upstream.name)
        self.counters = <UpstreamCounters*><uintptr_t>board.counters("upstreams", upstream.name)
        self.bulkhead = bulkhead_of(upstream.concurrency, board, "upstreams", upstream.name)
        self.breaker_mode = MODES.index(breaker.mode)
        self.slow_us = breaker.slow_over // 1000 if breaker.mode != OFF else 0

    def in_flight(self):
        """Requests that hold a permit of this upstream, over all workers."""
        return in_flight(&self.bulkhead.requests)

    def __repr__(self):
        return f"<UpstreamGates breaker mode {self.breaker_mode}, concurrency {self.bulkhead.limit}>"
