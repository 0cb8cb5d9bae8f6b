from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from gateway._fastpath cimport UpstreamCounters
from gateway._gates cimport Control, Permits
from gateway._limiter cimport Limit

# What a gate does with a denial. OFF is never asked.
cdef enum Mode:
    MODE_OFF = 0
    MODE_SHADOW = 1
    MODE_ENFORCE = 2

# What a limit counts by.
cdef enum KeyKind:
    KEY_ROUTE = 0
    KEY_CLIENT
    KEY_HEADER
    KEY_COOKIE

cdef struct RouteLimit:
    Limit limit
    uint64_t* arrival               # of KEY_ROUTE; NULL: a slot of the client table
    uint64_t tell_below             # ns: remaining burst from which an answer tells of it; 0 in shadow
    const char* name                # of the header or cookie; within the RouteGates that has this limit
    size_t name_size
    uint32_t row
    uint8_t kind
    uint8_t mode

cdef struct Bulkhead:
    Permits requests
    Permits tunnels                 # an upgrade counts here instead, as long as its tunnel stands
    uint64_t limit
    uint8_t mode


cdef class RouteGates:
    cdef readonly uint32_t row              # on the board
    cdef Control* control
    cdef Bulkhead bulkhead
    cdef int priority
    cdef RouteLimit* limits
    cdef int count                          # of limits
    cdef readonly tuple plans               # model.safeguards.Limit, in the same order
    cdef readonly tuple policies            # what the RateLimit-Policy field says of each
    cdef tuple names                        # keeps the bytes that `limits` points into

    cdef bytes set_limit(self, int index, planned, str route, board)


cdef class UpstreamGates:
    cdef readonly uint32_t row
    cdef Control* control
    cdef UpstreamCounters* counters
    cdef Bulkhead bulkhead
    cdef uint8_t breaker_mode
    cdef uint64_t slow_us                   # an answer is slow whose first byte took longer; 0 = never
