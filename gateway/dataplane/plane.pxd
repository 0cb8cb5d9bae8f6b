from libc.stdint cimport uint32_t, uint64_t

from gateway.dataplane.clients cimport Clients
from gateway.dataplane.deadlines cimport DeadlineBook, DeadlineList
from gateway.dataplane.http1 cimport HeadWriter, Limits
from gateway.dataplane.routes cimport RoutePlan
from gateway._fastpath cimport RouteCounters


cdef class Door:
    cdef readonly int index
    cdef Limits limits
    cdef readonly bytes health
    cdef readonly bint tls
    cdef readonly DeadlineList head
    cdef readonly DeadlineList body
    cdef readonly DeadlineList keep_alive
    cdef readonly DeadlineList send


cdef class Plane:
    cdef readonly object loop
    cdef readonly object log
    cdef readonly Clients known             # who requests are from
    cdef readonly RoutePlan routes
    cdef readonly uint64_t serves           # the number of the revision that `routes` is of
    cdef const uint64_t* wanted             # the one that all should serve: a word of the board
    cdef object follow                      # takes the plan that is wanted, if it is prepared
    cdef readonly DeadlineBook deadlines
    cdef readonly DeadlineList linger
    cdef readonly DeadlineList tunnel_idle
    cdef HeadWriter writer
    cdef public object connect              # slowpath.connect(exchange, generation): a coroutine function
    cdef readonly set tasks                 # of the slow path
    cdef readonly set clients               # open downstream connections
    cdef readonly list refusals             # how many of each, in the order of model.errors.REFUSALS
    cdef list spare                         # finished exchanges, to be used again
    cdef dict origins
    cdef public bint draining
    cdef readonly uint32_t active           # exchanges in flight
    cdef readonly uint32_t tunnels
    cdef public uint32_t max_connections
    cdef RouteCounters* unrouted            # counts what no route took
    cdef uint64_t random[2]

    cdef uint64_t draw(self) noexcept
    cdef object origin_of(self, str address, bint tls, bint unix)
