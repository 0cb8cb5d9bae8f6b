from libc.stdint cimport uint32_t, uint64_t

from gateway.dataplane.clients cimport Clients
from gateway.dataplane.deadlines cimport DeadlineBook, DeadlineList
from gateway.dataplane.http1 cimport HeadWriter, Limits
from gateway.dataplane.stale_answers cimport StaleAnswers
from gateway.dataplane.recording cimport Recording
from gateway.dataplane.refusals cimport Sayings
from gateway.dataplane.routes cimport RoutePlan
from gateway.dataplane.turns cimport Turns
from gateway._fastpath cimport RouteCounters, load
from gateway._gates cimport COHORTS, ClientRule, lot_of
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
    cdef readonly RoutePlan beside          # of the revision before, while `routes` is on probation with a part of the
    cdef readonly uint64_t beside_serves    # clients; None: all have `routes`
    cdef const uint64_t* share              # of 2^32 clients, so many have `routes`: a word of the board
    cdef const uint64_t* wanted             # the one that all should serve: a word of the board
    cdef object follow                      # takes the plan that is wanted, if it is prepared
    cdef readonly DeadlineBook deadlines
    cdef readonly Turns turns               # of large bodies
    cdef readonly DeadlineList linger
    cdef readonly DeadlineList tunnel_idle
    cdef HeadWriter writer
    cdef public object connect              # slowpath.connect(exchange, generation): a coroutine function
    cdef public object faults               # of a drill, dataplane/faults.py; None while none stands
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
    cdef public bint shedding               # this worker sheds; the rest as in mitigate/shedding.py
    cdef public uint32_t shed_threshold     # up to this rank requests are sure of twice the room
    cdef public uint32_t shed_reserve       # up to this one they are let in while there is room
    cdef public uint32_t shed_room
    cdef public uint32_t shed_budget
    cdef public uint64_t shed_salt
    cdef uint32_t ranks[768]                # requests by rank since `take_ranks`
    cdef uint32_t let_in                    # of these
    cdef uint32_t full                      # of these, found no room
    cdef public uint32_t beat_let_in        # since the last beat of 10 ms
    cdef readonly uint32_t epoch            # counts the turns of shedding, from 1
    cdef uint32_t young[2]                  # in flight that were let in during this epoch and the one before

    cdef uint64_t draw(self) noexcept

    cdef inline void count_rank(self, uint64_t rank) noexcept:
        """One more request of this rank, let in or not."""
        self.ranks[min(rank, <uint64_t>RANKS - 1)] += 1

    cdef inline bint has_room(self, uint64_t rank) noexcept:
        """Whether this worker, which sheds, lets a request of this rank in."""
        cdef uint64_t times = 2 if rank <= self.shed_threshold else 1
        if rank < COHORTS:
            return True
        if rank > self.shed_reserve:
            return False
        if <uint64_t>self.young[0] + self.young[1] >= times * self.shed_room:
            self.full += 1
            return False
        return self.beat_let_in < times * self.shed_budget

    cdef inline uint32_t came_in(self) noexcept:
        """Count one that was let in; returns its epoch, for `has_left`."""
        self.let_in += 1
        self.beat_let_in += 1
        self.young[self.epoch & 1] += 1
        return self.epoch

    cdef inline void has_left(self, uint32_t epoch) noexcept:
        """What began before the last epoch is no longer counted."""
        if self.epoch - epoch <= 1 and self.young[epoch & 1] > 0:
            self.young[epoch & 1] -= 1

    cdef inline bint stays(self, uint64_t client) noexcept:
        """Whether a client has the plan before still; it keeps its side as long as the revision is the same."""
        return lot_of(client, self.serves) >= load(self.share)

    cdef object origin_of(self, str address, bint tls, bint unix)
