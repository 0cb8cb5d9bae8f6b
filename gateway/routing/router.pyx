"""The compiled router: which of a plan's routes takes a request. Immutable; no allocation and no Python per look-up.

The most specific route wins, whatever the order of the file:
1. the host: exact, then the longest `*.suffix`, then routes for any host; where a more specific host has no route
   for the path, the less specific one is asked;
2. the path, segment by segment from the left: literal, then `{name}`, then `**`; a path that ends comes before `**`;
3. a route with a methods list before one without; more header matches before fewer; then by name.
What fails on method or headers gives way to the next most specific route. That order is the order of a depth-first
walk through a trie (trie.py), so the first hit is the answer.

The trie's literal steps, and the hosts, are edges in ONE open-addressing hash table keyed by (node, text). A look-up
splits the path once, then takes one probe per literal step: its cost grows with the path, not with the plan. A host is
hashed from its end, so that one pass gives the hash of each of its suffixes; names longer than DNS allows are not
looked up. Values of headers are edges too (tables.py). rows.pxd holds all that.
"""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memset

from gateway.routing.hosts cimport MAX_HOST, MAX_ROOTS, add_byte, lower, name_size
from gateway.routing.rows cimport Choice, FieldTest, Node, Rows, Rule, Slice, Span
from gateway.routing.segments cimport Path, Segment, hash_text, split

from collections.abc import Mapping

from gateway.routing import pattern, tables, trie

cdef uint32_t EXACT_HOST = trie.EXACT_HOST
cdef uint32_t HOST_SUFFIX = trie.HOST_SUFFIX
cdef uint32_t FIRST_SWITCH = tables.FIRST_SWITCH


# The fields of `match`: head is a dict of bytes.
cdef Py_ssize_t next_in_mapping(const void* head, const char* name, Py_ssize_t size,
                                uint32_t* at, const char** value) noexcept with gil:
    found = (<dict>head).get(name[:size])
    if found is None or at[0]:
        return -1
    at[0] = 1
    value[0] = PyBytes_AS_STRING(found)
    return len(<bytes>found)


# The one field of `bench_find`.
cdef struct OneField:
    Span name
    Span value
    const char* text


cdef Py_ssize_t next_of_one(const void* head, const char* name, Py_ssize_t size,
                            uint32_t* at, const char** value) noexcept nogil:
    cdef const OneField* field = <const OneField*>head
    if at[0] or field.name.size != size or memcmp(field.text, name, size) != 0:
        return -1
    at[0] = 1
    value[0] = field.text + field.value.at
    return field.value.size


cdef dict encoded(object headers):
    return {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in headers.items()}


@cython.final
cdef class Router:
    """Built from the routes of a plan; raises ValueError on a path or host that config should have refused."""

    def __cinit__(self, tuple routes):
        self.routes = routes
        self.rows = Rows(tables.build(routes))

    cdef int find(self, const char* host, Py_ssize_t host_size, const char* path, Py_ssize_t path_size,
                  uint32_t method_bit, const char* method, Py_ssize_t method_size,
                  const void* head, NextField next_field) noexcept nogil:
        cdef Request request
        request.method_bit = method_bit
        request.method = method
        request.method_size = method_size
        request.head = head
        request.next_field = next_field
        request.refused = NULL
        return self.look(host, host_size, path, path_size, &request)

    cdef int look(self, const char* host, Py_ssize_t host_size, const char* path, Py_ssize_t path_size,
                  Request* request) noexcept nogil:
        cdef uint32_t roots[MAX_ROOTS]
        cdef uint32_t count = 1
        cdef int found
        cdef Path parts
        cdef bint asterisk = path_size > 0 and path[0] != c'/'
        request.wrong_method = False
        if path_size == 0:
            split("/", 1, self.rows.depth, self.rows.longest_literal, self.rows.seed, &parts)
        elif not asterisk:
            split(path, path_size, self.rows.depth, self.rows.longest_literal, self.rows.seed, &parts)
        roots[0] = 0
        if self.rows.by_host:
            count += self.roots(host, host_size, roots)
        while count > 0:
            count -= 1
            if asterisk:
                found = self.choose(&self.rows.nodes[roots[count]].rest, request)
            else:
                found = self.descend(roots[count], 0, &parts, request)
            if found >= 0:
                return found
        return WRONG_METHOD if request.wrong_method else NO_ROUTE

    # Writes the roots of the sets that a host belongs to behind found[0], the least specific first; their number.
    cdef uint32_t roots(self, const char* host, Py_ssize_t size, uint32_t* found) noexcept nogil:
        cdef char name[MAX_HOST]
        cdef uint64_t hashed = self.rows.seed
        cdef uint32_t count = 0, root
        cdef Py_ssize_t at
        size = name_size(host, size)
        if size <= 0 or size > MAX_HOST:
            return 0
        at = size
        while at > 0:
            at -= 1
            name[at] = lower(host[at])
            if name[at] == c'.' and at > 0 and at + 1 < size:
                root = self.rows.child(HOST_SUFFIX, hashed, name + at + 1, <uint32_t>(size - at - 1))
                if root and count + 2 < MAX_ROOTS:
                    count += 1
                    found[count] = root
            hashed = add_byte(hashed, name[at])
        root = self.rows.child(EXACT_HOST, hashed, name, <uint32_t>size)
        if root and count + 1 < MAX_ROOTS:
            count += 1
            found[count] = root
        return count

    # The first route that takes the request below a node to which `depth` segments led. As deep as patterns are.
    cdef int descend(self, uint32_t number, uint32_t depth, const Path* path, Request* request) noexcept nogil:
        cdef const Node* node = &self.rows.nodes[number]
        cdef const Segment* segment
        cdef uint32_t below
        cdef int found = NO_ROUTE
        if depth < path.count:
            segment = &path.at[depth]
            if node.literals and segment.size <= self.rows.longest_literal:
                below = self.rows.child(number, segment.hash, segment.text, segment.size)
                if below:
                    found = self.descend(below, depth + 1, path, request)
            if found < 0 and node.param and segment.size > 0:
                found = self.descend(node.param, depth + 1, path, request)
        elif not path.more:
            found = self.choose(&node.exact, request)
        return found if found >= 0 else self.choose(&node.rest, request)

    cdef int choose(self, const Choice* choice, Request* request) noexcept nogil:
        cdef int best = NO_ROUTE
        cdef uint32_t at
        for at in range(choice.switches.at, choice.switches.at + choice.switches.count):
            best = self.choose_by_header(at, best, request)
        return self.better(choice.plain, best, request)

    cdef int choose_by_header(self, uint32_t number, int best, Request* request) noexcept nogil:
        cdef const Span* name = &self.rows.switches[number]
        cdef const char* value = NULL
        cdef uint32_t at = 0, below
        cdef uint64_t hashed
        cdef Py_ssize_t size
        while True:
            size = request.next_field(request.head, self.rows.text + name.at, name.size, &at, &value)
            if size < 0:
                return best
            if size <= <Py_ssize_t>self.rows.longest_value:
                hashed = hash_text(value, size, self.rows.seed)
                below = self.rows.child(FIRST_SWITCH + number, hashed, value, <uint32_t>size)
                if below:
                    best = self.better(self.rows.nodes[below].exact.plain, best, request)

    # The first of these routes (lowest rank first) that takes the request, or `best` where that has a lower rank.
    cdef int better(self, Slice routes, int best, Request* request) noexcept nogil:
        cdef uint32_t at, index
        for at in range(routes.at, routes.at + routes.count):
            index = self.rows.listed[at]
            if best >= 0 and self.rows.rules[index].rank > self.rows.rules[best].rank:
                return best
            if not self.takes_method(&self.rows.rules[index], request):
                self.refuse(index, request)
            elif self.takes_fields(&self.rows.rules[index], request):
                return <int>index
        return best

    cdef void refuse(self, uint32_t index, Request* request) noexcept nogil:
        if request.wrong_method and request.refused == NULL:
            return
        if self.takes_fields(&self.rows.rules[index], request):
            request.wrong_method = True
            if request.refused != NULL:
                request.refused[index] = 1

    cdef bint takes_method(self, const Rule* rule, const Request* request) noexcept nogil:
        cdef const Span* other
        cdef uint32_t at
        if not rule.methods & request.method_bit:
            return False
        if request.method_bit != OTHER_METHOD or rule.others.count == 0:
            return True
        for at in range(rule.others.at, rule.others.at + rule.others.count):
            other = &self.rows.others[at]
            if (other.size == request.method_size
                    and memcmp(self.rows.text + other.at, request.method, other.size) == 0):
                return True
        return False

    cdef bint takes_fields(self, const Rule* rule, const Request* request) noexcept nogil:
        cdef uint32_t at
        for at in range(rule.fields.at, rule.fields.at + rule.fields.count):
            if not self.has_field(&self.rows.fields[at], request):
                return False
        return True

    cdef bint has_field(self, const FieldTest* test, const Request* request) noexcept nogil:
        cdef const char* value = NULL
        cdef uint32_t at = 0
        cdef Py_ssize_t size
        while True:
            size = request.next_field(request.head, self.rows.text + test.name.at, test.name.size, &at, &value)
            if size < 0:
                return False
            if test.any_value or (size == <Py_ssize_t>test.value.size
                                  and memcmp(self.rows.text + test.value.at, value, size) == 0):
                return True

    cdef bytes allowed(self, const char* host, Py_ssize_t host_size, const char* path, Py_ssize_t path_size,
                       const void* head, NextField next_field):
        refused = bytearray(len(self.routes))
        cdef Request request
        request.method_bit = 0
        request.head = head
        request.next_field = next_field
        request.refused = refused
        self.look(host, host_size, path, path_size, &request)
        methods = set()
        for route, asked in zip(self.routes, refused, strict=True):
            if asked:
                methods |= pattern.methods_taken(route.match)
        return ", ".join(sorted(methods)).encode("ascii")

    cdef void captures(self, int route, const char* path, Py_ssize_t path_size, Captures* found) noexcept nogil:
        cdef const Rule* rule
        cdef uint32_t wanted = 0, number = 0
        cdef Py_ssize_t at = 1, end
        cdef const char* slash
        memset(found, 0, sizeof(Captures))
        if route < 0 or <uint32_t>route >= self.rows.rule_count:
            return
        rule = &self.rows.rules[route]
        found.count = rule.params.count + 2 * (rule.tail >= 0)
        if path_size == 0 or path[0] != c'/':
            return
        while at <= path_size:
            if <int32_t>number == rule.tail:
                found.at[found.count - 2] = Capture(start=<uint32_t>(at - 1), size=<uint32_t>(path_size - at + 1))
                while at < path_size and path[at] == c'/':
                    at += 1
                found.at[found.count - 1] = Capture(start=<uint32_t>at, size=<uint32_t>(path_size - at))
                return
            slash = <const char*>memchr(path + at, c'/', path_size - at)
            end = path_size if slash == NULL else slash - path
            if wanted < rule.params.count and self.rows.params[rule.params.at + wanted] == number:
                found.at[wanted] = Capture(start=<uint32_t>at, size=<uint32_t>(end - at))
                wanted += 1
            number += 1
            at = end + 1

    def match(self, str host, str path, str method, headers: Mapping[str, str]) -> int:
        """Index of the route that takes such a request; -1: none, -2: none for this method. For tests and `explain`."""
        cdef bytes raw_host = host.encode("latin-1"), raw_path = path.encode("latin-1")
        cdef bytes raw_method = method.encode("latin-1")
        cdef dict head = encoded(headers)
        return self.find(raw_host, len(raw_host), raw_path, len(raw_path),
                         trie.METHOD_BITS.get(method, OTHER_METHOD), raw_method, len(raw_method),
                         <const void*>head, next_in_mapping)

    def allowed_methods(self, str host, str path, headers: Mapping[str, str]) -> str:
        """The Allow field of the answer to a request of which only the method fits no route."""
        cdef bytes raw_host = host.encode("latin-1"), raw_path = path.encode("latin-1")
        cdef dict head = encoded(headers)
        return self.allowed(raw_host, len(raw_host), raw_path, len(raw_path),
                            <const void*>head, next_in_mapping).decode("ascii")

    def captures_of(self, int route, str path) -> tuple[str, ...]:
        """The texts that `path` captured of the route at this index, which takes it; IndexError if there is no such."""
        cdef Captures found
        cdef uint32_t at
        if not 0 <= route < len(self.routes):
            raise IndexError(f"there is no route {route}")
        cdef bytes raw = path.encode("latin-1")
        self.captures(route, raw, len(raw), &found)
        return tuple([raw[found.at[at].start:found.at[at].start + found.at[at].size].decode("latin-1")
                      for at in range(found.count)])

    def bench_find(self, bytes host, bytes path, bytes name, bytes value, int count) -> int:
        """Look a GET with one header up `count` times, for loadtests/router_cost.py; what the last one found."""
        cdef int found = NO_ROUTE
        cdef const char* host_at = host
        cdef const char* path_at = path
        cdef Py_ssize_t host_size = len(host), path_size = len(path)
        cdef bytes content = name + value
        cdef OneField field
        field.name = Span(at=0, size=<uint32_t>len(name))
        field.value = Span(at=<uint32_t>len(name), size=<uint32_t>len(value))
        field.text = PyBytes_AS_STRING(content)
        with nogil:
            for _ in range(count):
                found = self.find(host_at, host_size, path_at, path_size, GET, "GET", 3, &field, next_of_one)
        return found

    def snapshot(self) -> dict[str, int]:
        """How large the tables are: routes, nodes of the trie, edges and slots of the hash table."""
        return {"routes": len(self.routes), "nodes": self.rows.node_count, "edges": self.rows.edge_count,
                "slots": self.rows.slots}

    def __repr__(self) -> str:
        return f"<Router {self.snapshot()}>"
