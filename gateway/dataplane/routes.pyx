"""The plan as the request path reads it: everything that can be computed before a request is computed here.

A RoutePlan never changes; a reload makes another one. A request reads it once at its start and keeps its Route,
so that a reload cannot tear it.
"""
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

from gateway._fastpath cimport RouteCounters
from gateway.dataplane.deadlines cimport DeadlineBook
from gateway.dataplane.fallbacks cimport Fallbacks
from gateway.dataplane.gates cimport RouteGates
from gateway.dataplane.http1 cimport Field, Head, HeadWriter
from gateway.dataplane.pool cimport UpstreamGroup
from gateway.routing.router cimport Captures, Router

from http import HTTPStatus

from gateway.routing.template import compile_pattern, compile_template


cdef extern from "strings.h" nogil:
    int strncasecmp(const char*, const char*, size_t)


cdef struct Seen:
    const char* p
    const Head* head


cdef class Edits:
    """Header edits of one direction: `dropped` are removed or replaced, `lines` are written at the end of the head."""

    def __init__(self, edits):
        removed = [name.lower().encode() for name in edits.remove]
        replaced = [name.lower().encode() for name, _ in edits.set]
        self.dropped = tuple(dict.fromkeys(removed + replaced))
        self.lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in (*edits.set, *edits.add))

    cdef bint drops(self, const char* name, Py_ssize_t size) noexcept:
        cdef bytes each
        for each in self.dropped:
            if len(each) == size and strncasecmp(name, <const char*>each, size) == 0:
                return True
        return False


cdef Edits edits_or_none(edits):
    return Edits(edits) if edits.remove or edits.set or edits.add else None


def reason_phrase(status):
    """The registered phrase of a status, or an empty one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


cdef class Route:
    """One route of the plan, ready to serve. `board` is the worker's: the route has its rows there."""

    def __init__(self, int index, plan_route, UpstreamGroup group, dict groups, DeadlineBook book, board):
        pattern = compile_pattern(plan_route.match.path)
        self.name = plan_route.name
        self.index = index
        self.group = group
        self.request_edits = edits_or_none(plan_route.request_headers)
        self.response_edits = edits_or_none(plan_route.response_headers)
        self.rewrite = compile_template(plan_route.rewrite, pattern) if plan_route.rewrite else None
        self.whole = book.of(plan_route.timeout) if plan_route.timeout else None
        self.max_body = plan_route.max_body
        self.fallbacks = Fallbacks(plan_route.fallback, pattern, groups) if plan_route.fallback else None
        self.counters = <RouteCounters*><uintptr_t>board.route_row(plan_route.name)
        self.gates = RouteGates(plan_route, board)
        self.redirect = None
        if plan_route.redirect is not None:
            self.redirect = compile_template(plan_route.redirect.to, pattern)
            self.answer_status = plan_route.redirect.status
        if plan_route.respond is not None:
            self.answer_status = plan_route.respond.status
            self.answer = plan_route.respond.body.encode()
            self.answer_fields = b"".join(f"{name}: {value}\r\n".encode() for name, value in plan_route.respond.headers)
            if self.response_edits is not None:
                self.answer_fields += self.response_edits.lines

    def __repr__(self):
        return f"<Route {self.name}>"


cdef Py_ssize_t next_field(const void* context, const char* name, Py_ssize_t name_size,
                           uint32_t* at, const char** value) noexcept nogil:
    """The next field of this name from field number `at` on (a router's NextField)."""
    cdef const Seen* seen = <const Seen*>context
    cdef const Head* head = seen.head
    cdef const Field* field
    cdef uint32_t i
    for i in range(at[0], head.count):
        field = &head.fields[i]
        if field.name_size == name_size and strncasecmp(seen.p + field.name, name, name_size) == 0:
            at[0] = i + 1
            value[0] = seen.p + field.value
            return field.value_size
    return -1


cdef class RoutePlan:
    """Router, routes and upstream groups of one plan.

    `groups` maps upstream names to UpstreamGroup; `board` knows the plan's names, or KeyError is raised.
    """

    def __init__(self, plan, dict groups, board, DeadlineBook book):
        self.plan = plan
        self.groups = groups
        self.routes = tuple([
            Route(index, each, groups.get(each.upstream), groups, book, board)
            for index, each in enumerate(plan.routes)
        ])
        self.router = Router(plan.routes)

    cdef int find(self, const char* p, const Head* head) noexcept:
        """Index of the route for this head, or NO_ROUTE / WRONG_METHOD."""
        cdef Seen seen
        cdef const char* path = p + head.path_at
        cdef Py_ssize_t path_size = head.path_size
        seen.p = p
        seen.head = head
        if path_size == 0:
            path = "/"
            path_size = 1
        return self.router.find(p + head.host_at, head.host_name_size, path, path_size, head.method,
                                p + head.method_at, head.method_size, &seen, next_field)

    cdef int put_template(self, HeadWriter writer, Route route, tuple pieces,
                          const char* p, const Head* head) except -1:
        """Write a rewrite or redirect template with what the route's pattern captured of this path, and the query."""
        cdef Captures found
        cdef bint asks = False
        cdef const char* path = p + head.path_at
        cdef Py_ssize_t path_size = head.path_size
        cdef int at
        if path_size == 0:
            path = "/"
            path_size = 1
        self.router.captures(route.index, path, path_size, &found)
        for piece in pieces:
            if isinstance(piece, bytes):
                writer.put(<const char*><bytes>piece, len(<bytes>piece))
                asks = asks or b"?" in <bytes>piece
            else:
                at = piece
                if at < <int>found.count and found.at[at].start + found.at[at].size <= <uint64_t>path_size:
                    writer.put(path + found.at[at].start, found.at[at].size)
        if head.query_size > 0:
            writer.put("&" if asks else "?", 1)
            writer.put(p + head.query_at + 1, head.query_size - 1)
        return 0

    cdef bytes allowed(self, const char* p, const Head* head):
        """After WRONG_METHOD: the methods that routes for this head take, as an Allow field's value."""
        cdef Seen seen
        seen.p = p
        seen.head = head
        return self.router.allowed(p + head.host_at, head.host_name_size, p + head.path_at, head.path_size,
                                   &seen, next_field)
