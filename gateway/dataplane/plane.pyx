"""What all connections of one worker share, and what those of one listener share.

Mutable state of the data path lives here and in the connections, nowhere else, and only the worker's one thread
touches it: no lock, no atomics on this side of the board.
"""
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memset

from gateway._fastpath cimport RouteCounters
from gateway._gates cimport ClientRule
from gateway._limiter cimport WAYS, ClientSlot, ClientTable, LimiterCounters
from gateway.dataplane.clients cimport Clients
from gateway.dataplane.deadlines cimport DeadlineBook
from gateway.dataplane.forwarding cimport Origin
from gateway.dataplane.http1 cimport HeadWriter
from gateway.dataplane.stale_answers cimport StaleAnswers
from gateway.dataplane.recording cimport Recording
from gateway.dataplane.refusals cimport Sayings
from gateway.dataplane.routes cimport RoutePlan
from gateway.dataplane.turns cimport Turns

import secrets

from gateway.board import NO_ROUTE
from gateway.mitigate.stale_store import StaleStore
from gateway.model.errors import REFUSALS

SECOND = 1_000_000_000
LINGER_NS = 2 * SECOND
TUNNEL_IDLE_NS = 3600 * SECOND          # long: web sockets are silent for minutes; only there to catch the dead
MAX_ORIGINS = 4096


cdef class Door:
    """A listener, as its connections read it."""

    def __init__(self, int index, listener, DeadlineBook book):
        self.index = index
        self.limits.line = listener.limits.line
        self.limits.fields = listener.limits.fields
        self.limits.size = listener.limits.size
        self.health = listener.health.encode()
        self.tls = bool(listener.certificates)
        self.head = book.of(listener.timeouts.head)
        self.body = book.of(listener.timeouts.body)
        self.keep_alive = book.of(listener.timeouts.keep_alive)
        self.send = book.of(listener.timeouts.send)


cdef ClientTable table_at(tuple table):
    """`WorkerBoard.client_table` in the compiled form."""
    cdef ClientTable clients
    clients.slots = <ClientSlot*><uintptr_t>table[0]
    clients.lines = table[1] // WAYS
    clients.counters = <LimiterCounters*><uintptr_t>table[2]
    return clients


cdef class Plane:
    """One worker's data path, with its addresses on the board."""

    def __init__(self, loop, log, trusted, board, str client_key="ip"):
        self.loop = loop
        self.log = log
        self.wanted = self.share = &self.serves         # `share` is read beside a plan only
        self.known = Clients(trusted, board.seed, client_key)
        self.unrouted = <RouteCounters*><uintptr_t>board.route_row(NO_ROUTE)
        self.deadlines = DeadlineBook()
        self.turns = Turns(loop)
        self.linger = self.deadlines.of(LINGER_NS)
        self.tunnel_idle = self.deadlines.of(TUNNEL_IDLE_NS)
        self.writer = HeadWriter()
        self.stale_answers = StaleAnswers(StaleStore())
        self.tasks = set()
        self.clients = set()
        self.open_tunnels = set()
        self.ticker = board.ticker()
        self.recording = Recording(board, "")
        self.sayings = Sayings()
        self.refusals = [0] * len(REFUSALS)
        self.spare = []
        self.origins = {}
        self.random[0] = secrets.randbits(64) | 1
        self.random[1] = secrets.randbits(64)
        self.epoch = 1
        self.seed[0], self.seed[1] = board.seed
        self.shed_salt = self.seed[0]                   # the same for all workers
        self.client_table = table_at(board.client_table())
        rules, used, self.rules_room = board.client_rules()
        self.rules = <const ClientRule*><uintptr_t>rules
        self.rules_used = <const uint64_t*><uintptr_t>used

    def serve(self, RoutePlan routes, uint64_t number):
        """From the next request on. Whoever has begun keeps what it began with."""
        self.sayings.forget()                           # they name limits of the plan before
        self.routes = routes
        self.serves = number

    def stay(self, RoutePlan beside, uint64_t number, uintptr_t share):
        """Some clients keep the plan of another revision, so many as the word at `share` says; None: nobody does."""
        self.sayings.forget()
        self.beside = beside
        self.beside_serves = number
        self.share = <const uint64_t*>share

    def heed(self, uintptr_t word, follow):
        """Have each request compare the word at this address with `serves`, and call `follow` where they differ."""
        self.follow = follow
        self.wanted = <const uint64_t*>word

    cdef uint64_t draw(self) noexcept:
        """xorshift128+ (Vigna 2014) from a secret start: request ids that do not collide; not for secrets."""
        cdef uint64_t x = self.random[0]
        cdef uint64_t y = self.random[1]
        self.random[0] = y
        x ^= x << 23
        self.random[1] = x ^ y ^ (x >> 17) ^ (y >> 26)
        return self.random[1] + y

    def take_ranks(self):
        """How many requests of each rank have come since the last call, how many of them were let in and how many found
        no room."""
        counted = list(self.ranks), self.let_in if self.shedding else sum(self.ranks), self.full
        self.forget_ranks()
        return counted

    def forget_ranks(self):
        """Begin to count anew, where nobody asks what was counted."""
        memset(self.ranks, 0, sizeof(self.ranks))
        self.let_in = 0
        self.full = 0

    def next_epoch(self):
        """Those let in during the epoch before last are young no longer; an epoch is never 0."""
        self.epoch = self.epoch + 1 if self.epoch < 0xFFFFFFFF else 2
        self.young[self.epoch & 1] = 0

    cdef object origin_of(self, str address, bint tls, bint unix):
        """The Origin of a peer; one object for all connections of an address. The table is bounded."""
        key = (address, tls)
        found = self.origins.get(key)
        if found is None:
            if len(self.origins) >= MAX_ORIGINS:
                self.origins.clear()
            trusted = self.known.trusted.trusts("unix:" if unix else address)
            found = self.origins[key] = Origin(address, trusted, "https" if tls else "http",
                                               self.known.of_address(address))
        return found

    def snapshot(self):
        """Open connections, exchanges in flight, tunnels, refusals by reason."""
        return {
            "connections": len(self.clients),
            "active": self.active,
            "tunnels": self.tunnels,
            "connecting": len(self.tasks),
            "stale": self.stale_answers.snapshot(),
            "refused": {each.reason: count for each, count in zip(REFUSALS, self.refusals, strict=True) if count},
        }
