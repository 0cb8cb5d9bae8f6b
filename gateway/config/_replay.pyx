"""Recorded requests through the production router and limits of two plans, on the clock of the record.

An outcome is a number of its plan: 0 no route, 1 wrong method, 2 not decidable from the record; of each route,
`passes`, then two for each of its limits: denied by it, and passes although it denies in shadow. The limits of a route
are asked as in dataplane/admission.pyx, on the same leaves; a test sends real traffic through that and compares every
request.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from gateway._limiter cimport (
    WAYS, ClientSlot, ClientTable, Limit, LimiterCounters, gcra, key_of, limit_of, slot_of,
)
from gateway._recorder cimport PATH_BYTES
from gateway.config._requests cimport CUT, PARTLY, Requests, Row
from gateway.routing.router cimport WRONG_METHOD, Router

from gateway.mitigate import limits as limiting
from gateway.model.safeguards import OFF, SHADOW

cdef enum:
    NOT_FOUND = 0
    METHOD_NOT_ALLOWED = 1
    UNDECIDED = 2
    FIRST_OF_ROUTES = 3
    MAX_LIMITS = 16                 # per route: mitigate/settings.py

cdef struct ReplayLimit:
    Limit limit
    uint64_t arrival                # of a limit of the whole route
    uint32_t row
    bint by_client
    bint in_shadow
    bint blind                      # counts by what no record holds

cdef struct RouteLimits:
    uint32_t passes                 # the first outcome of this route
    uint32_t first
    uint32_t count


# The fields of a recorded request are not known: whether a route asks for one is all there is to say.
cdef Py_ssize_t next_unknown(const void* asked, const char* name, Py_ssize_t size, uint32_t* at,
                             const char** value) noexcept nogil:
    (<bint*>asked)[0] = True
    return -1


cdef class Decider:
    """What one plan decides. `slots`: of its client table, a power of two; the board's makes the same evictions."""

    cdef Router router
    cdef RouteLimits* routes
    cdef ReplayLimit* limits
    cdef ClientTable table
    cdef LimiterCounters counters
    cdef bint by_host
    cdef bint knows_clients
    cdef bint by_length             # how a path goes on behind what a record holds of it may matter
    cdef readonly list outcomes     # (route, what becomes of the request, the limit) of each number

    def __init__(self, routes: tuple, slots: int, knows_clients: bool = True) -> None:
        """`knows_clients`: the requests are of clients as the plan knows them."""
        if slots < WAYS or slots & (slots - 1):
            raise ValueError(f"a client table needs a power of two of slots, not {slots}")
        self.router = Router(routes)
        self.knows_clients = knows_clients
        self.by_host = any(each.match.hosts for each in routes)
        self.by_length = any("{" in each.match.path or len(each.match.path) > PATH_BYTES for each in routes)
        self.outcomes = [("", "no route", ""), ("", "wrong method", ""), ("", "undecided", "")]
        self.table.slots = <ClientSlot*>calloc(slots, sizeof(ClientSlot))
        self.table.lines = slots // WAYS
        self.table.counters = &self.counters
        self.routes = <RouteLimits*>calloc(max(1, len(routes)), sizeof(RouteLimits))
        self.limits = <ReplayLimit*>calloc(max(1, sum(len(each.limits) for each in routes)), sizeof(ReplayLimit))
        if self.table.slots == NULL or self.routes == NULL or self.limits == NULL:
            raise MemoryError
        first = 0
        for index, route in enumerate(routes):
            first = self.set_route(index, route, first)

    def __dealloc__(self):
        free(self.table.slots)
        free(self.routes)
        free(self.limits)

    cdef uint32_t set_route(self, uint32_t index, route, uint32_t first) except 0xFFFFFFFF:
        """Its limits and outcomes; the number of the first limit of the next route."""
        planned = [each for each in route.limits if each.mode != OFF]
        if len(planned) > MAX_LIMITS:
            raise ValueError(f"route {route.name} has more than {MAX_LIMITS} limits")
        self.routes[index] = RouteLimits(passes=<uint32_t>len(self.outcomes), first=first, count=<uint32_t>len(planned))
        self.outcomes.append((route.name, "passes", ""))
        for number, each in enumerate(planned, first):
            self.set_limit(&self.limits[number], each, number)
            self.outcomes.append((route.name, "denied", each.name))
            self.outcomes.append((route.name, "denied in shadow", each.name))
        return first + <uint32_t>len(planned)

    cdef int set_limit(self, ReplayLimit* limit, planned, uint32_t row) except -1:
        kind, _ = limiting.parse_key(planned.key)
        limit.limit = limit_of(planned.period_ns, planned.quota, planned.burst)
        limit.row = row
        limit.by_client = kind in ("client", "route+client")
        limit.blind = kind in limiting.NAMED_KEYS or (limit.by_client and not self.knows_clients)
        limit.in_shadow = planned.mode == SHADOW
        return 0

    cdef uint32_t decide(self, const Row* row, const char* text, uint64_t now) noexcept nogil:
        """The outcome of one request at `now`."""
        cdef bint asked = False
        cdef int found
        if row.known == PARTLY or (self.by_host and row.host_size == 0):
            return UNDECIDED
        found = self.route_of(row, text, text + row.path_at, row.path_size, &asked)
        if asked or (row.known == CUT and not self.same_if_longer(row, text, found, &asked)):
            return UNDECIDED
        if found < 0:
            return METHOD_NOT_ALLOWED if found == WRONG_METHOD else NOT_FOUND
        return self.decide_by_limits(&self.routes[found], row, now)

    cdef int route_of(self, const Row* row, const char* text, const char* path, uint32_t size,
                      bint* asked) noexcept nogil:
        return self.router.find(text + row.host_at, row.host_size, path, size, row.method_bit, text + row.method_at,
                                row.method_size, asked, next_unknown)

    cdef bint same_if_longer(self, const Row* row, const char* text, int found, bint* asked) noexcept nogil:
        """Whether a path that was cut is routed alike however it goes on: with a longer segment or with another one."""
        cdef char path[PATH_BYTES + 2]
        cdef uint32_t size = min(row.path_size, <uint32_t>PATH_BYTES)
        if self.by_length:
            return False
        memcpy(path, text + row.path_at, size)
        path[size] = c"~"
        path[size + 1] = c"~"
        if self.route_of(row, text, path, size + 1, asked) != found:
            return False
        path[size] = c"/"
        return self.route_of(row, text, path, size + 2, asked) == found

    cdef uint32_t decide_by_limits(self, const RouteLimits* route, const Row* row, uint64_t now) noexcept nogil:
        cdef uint64_t* charged[MAX_LIMITS]
        cdef ReplayLimit* limits = self.limits + route.first
        cdef uint32_t i, in_shadow = 0
        cdef bint blind = False
        for i in range(route.count):
            charged[i] = NULL
            if limits[i].blind:
                blind = True
                continue
            if limits[i].in_shadow and in_shadow:
                continue
            charged[i] = &limits[i].arrival
            if limits[i].by_client:
                charged[i] = slot_of(&self.table, key_of(row.client_key, limits[i].row), now)
            if gcra(charged[i], now, limits[i].limit, 1, &self.counters).wait == 0:
                continue
            charged[i] = NULL
            credit(limits, charged, i, limits[i].in_shadow)
            if not limits[i].in_shadow:
                return route.passes + 1 + 2 * i
            in_shadow = 2 + 2 * i
        return UNDECIDED if blind else route.passes + in_shadow

    @property
    def evicted_live(self) -> int:
        """How often a client lost its place before its burst was back: its next requests were decided as if new."""
        return self.counters.evicted_live

    def decisions(self, Requests requests) -> list[tuple[str, str, str]]:
        """The outcome of each request in turn, for tests and small samples."""
        cdef const char* text = requests.text
        cdef uint32_t i
        return [self.outcomes[self.decide(&requests.rows[i], text, requests.rows[i].time)]
                for i in range(requests.count)]


cdef inline void credit(ReplayLimit* limits, uint64_t** charged, uint32_t count, bint shadow_only) noexcept nogil:
    """Take back what the first `count` limits were charged."""
    cdef uint32_t i
    for i in range(count):
        if charged[i] != NULL and (limits[i].in_shadow or not shadow_only):
            if charged[i][0] >= limits[i].limit.interval:
                charged[i][0] -= limits[i].limit.interval
            charged[i] = NULL


cdef class Tally:
    """What two plans decided, counted block by block. The clock never goes back; who would need it is late."""

    cdef Decider old
    cdef Decider new
    cdef uint32_t* same             # outcome of the old plan -> the same one of the new plan
    cdef uint8_t* old_denies
    cdef uint8_t* new_denies
    cdef uint64_t* seen             # per client
    cdef uint64_t* newly
    cdef uint32_t clients
    cdef readonly uint64_t first_ns
    cdef readonly uint64_t last_ns
    cdef readonly uint64_t requests
    cdef readonly uint64_t undecided
    cdef readonly uint64_t late
    cdef uint64_t* changed          # by outcome of the old plan, then of the new; what is never written costs nothing
    cdef size_t width
    cdef readonly uint64_t denied_before
    cdef readonly uint64_t denied_now

    def __init__(self, old: Decider, new: Decider) -> None:
        self.old, self.new = old, new
        self.width = len(new.outcomes)
        self.changed = <uint64_t*>calloc(len(old.outcomes) * self.width, sizeof(uint64_t))
        self.same = <uint32_t*>calloc(len(old.outcomes), sizeof(uint32_t))
        self.old_denies = <uint8_t*>calloc(len(old.outcomes), 1)
        self.new_denies = <uint8_t*>calloc(len(new.outcomes), 1)
        if self.changed == NULL or self.same == NULL or self.old_denies == NULL or self.new_denies == NULL:
            raise MemoryError
        numbers = {outcome: number for number, outcome in enumerate(new.outcomes)}
        for number, outcome in enumerate(old.outcomes):
            self.same[number] = numbers.get(outcome, 0xFFFFFFFF)
            self.old_denies[number] = outcome[1] in ("denied", "no route", "wrong method")
        for number, outcome in enumerate(new.outcomes):
            self.new_denies[number] = outcome[1] in ("denied", "no route", "wrong method")

    def __dealloc__(self):
        free(self.changed)
        free(self.same)
        free(self.old_denies)
        free(self.new_denies)
        free(self.seen)
        free(self.newly)

    def add(self, Requests requests) -> None:
        """Decide and count a block."""
        cdef const char* text = requests.text
        cdef Row* row
        cdef uint32_t i, before, now
        self.make_room(<uint32_t>len(requests.clients))
        for i in range(requests.count):
            row = &requests.rows[i]
            self.move_clock(row.time)
            before = self.old.decide(row, text, self.last_ns)
            now = self.new.decide(row, text, self.last_ns)
            self.requests += 1
            self.seen[row.client] += 1
            if before == UNDECIDED or now == UNDECIDED:
                self.undecided += 1
                continue
            self.denied_before += self.old_denies[before]
            self.denied_now += self.new_denies[now]
            if self.same[before] != now:
                self.changed[before * self.width + now] += 1
                self.newly[row.client] += self.new_denies[now] and not self.old_denies[before]

    cdef void move_clock(self, uint64_t time) noexcept:
        if self.requests == 0:
            self.first_ns = time
        if time < self.last_ns:
            self.late += 1
        else:
            self.last_ns = time

    cdef int make_room(self, uint32_t clients) except -1:
        cdef uint64_t* seen
        cdef uint64_t* newly
        if clients <= self.clients:
            return 0
        seen = <uint64_t*>realloc(self.seen, clients * sizeof(uint64_t))
        if seen != NULL:
            self.seen = seen
        newly = <uint64_t*>realloc(self.newly, clients * sizeof(uint64_t))
        if newly != NULL:
            self.newly = newly
        if seen == NULL or newly == NULL:
            raise MemoryError
        memset(self.seen + self.clients, 0, (clients - self.clients) * sizeof(uint64_t))
        memset(self.newly + self.clients, 0, (clients - self.clients) * sizeof(uint64_t))
        self.clients = clients
        return 0

    @property
    def changes(self) -> dict[tuple[int, int], int]:
        """Requests by (outcome of the old plan, another outcome of the new one)."""
        cdef size_t at
        found = {}
        for at in range(len(self.old.outcomes) * self.width):
            if self.changed[at]:
                found[at // self.width, at % self.width] = self.changed[at]
        return found

    def of_clients(self) -> list[tuple[int, int, int]]:
        """(requests, of these newly denied, number) of every client that made any."""
        cdef uint32_t i
        return [(self.seen[i], self.newly[i], i) for i in range(self.clients) if self.seen[i]]
