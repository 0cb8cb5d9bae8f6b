from libc.stdint cimport uint32_t, uint64_t

from gateway.dataplane.clients cimport Clients
from gateway.dataplane.deadlines cimport DeadlineBook, DeadlineList
from gateway.dataplane.http1 cimport HeadWriter, Limits
from gateway.dataplane.stale_answers cimport StaleAnswers
from gateway.dataplane.recording cimport Recording
from gateway.dataplane.refusals cimport Sayings
from gateway.dataplane.routes cimport RoutePlan
from gateway._fastpath cimport RouteCounters
from gateway._gates cimport ClientRule, rank_of
from gateway._limiter cimport ClientTable
from gateway._tick cimport Ticker

cdef enum:
    RANKS = 768                     # of `rank_of`: six tiers of 128 cohorts


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
    cdef public object again                # the same for another try, after a pause
    cdef readonly StaleAnswers stale_answers  # for stale fallbacks
    cdef readonly set tasks                 # of the slow path
    cdef readonly set clients               # open downstream connections
    cdef Sayings sayings                    # what refusals say in this second
    cdef readonly list refusals             # how many of each, in the order of model.errors.REFUSALS
    cdef list spare                         # finished exchanges, to be used again
    cdef dict origins
    cdef public Recording recording         # the flight recorder of this worker
    cdef readonly Ticker ticker             # of the board: windows, breakers, ejections
    cdef readonly set open_tunnels          # exchanges that have become tunnels
    cdef const ClientRule* rules            # on the board: clients that are isolated or clamped
    cdef const uint64_t* rules_used
    cdef uint64_t rules_room
    cdef ClientTable client_table           # on the board: arrival times of client keys
    cdef uint64_t seed[2]                   # of this boot, for hashes of client keys
    cdef public bint draining
    cdef readonly uint32_t active           # exchanges in flight
    cdef readonly uint32_t tunnels
    cdef public uint32_t max_connections
    cdef RouteCounters* unrouted            # counts what no route took
    cdef uint64_t random[2]
    cdef public uint32_t shed_threshold     # this worker lets in what is ranked up to here: mitigate/shedding.py
    cdef public uint32_t shed_fraction      # and so much of the rank above, of 2^32
    cdef public uint64_t shed_salt
    cdef uint32_t ranks[768]                # requests by rank since `take_ranks`

    cdef uint64_t draw(self) noexcept

    cdef inline uint64_t rank(self, int priority, uint64_t client) noexcept:
        """A request's rank for `_gates.sheds`, counted whether it is let in or not."""
        cdef uint64_t rank = min(rank_of(priority, client, self.shed_salt), <uint64_t>RANKS - 1)
        self.ranks[rank] += 1
        return rank

    cdef inline uint64_t own_threshold(self) noexcept:
        """This worker's threshold for one request: a share of them meets the rank above."""
        if self.shed_fraction == 0:
            return self.shed_threshold
        return self.shed_threshold + (<uint32_t>(self.draw() >> 32) < self.shed_fraction)

    cdef object origin_of(self, str address, bint tls, bint unix)
