from libc.stdint cimport int64_t, uint64_t

from gateway._fastpath cimport RouteCounters
from gateway.dataplane.deadlines cimport DeadlineList
from gateway.dataplane.fallbacks cimport Fallbacks
from gateway.dataplane.gates cimport RouteGates
from gateway.dataplane.http1 cimport Head, HeadWriter
from gateway.dataplane.pool cimport UpstreamGroup
from gateway.routing.router cimport Captures, Router


cdef class Edits:
    cdef readonly tuple dropped             # lower-case names whose fields are not passed on
    cdef readonly bytes lines               # what is added, ready to copy

    cdef bint drops(self, const char* name, Py_ssize_t size) noexcept


cdef class Route:
    cdef readonly str name
    cdef readonly int index
    cdef readonly UpstreamGroup group       # None: the gateway answers itself
    cdef readonly bytes answer_fields       # of a direct answer
    cdef readonly bytes answer
    cdef readonly int answer_status
    cdef readonly tuple redirect            # template pieces, or None
    cdef readonly tuple rewrite             # template pieces, or None
    cdef readonly Edits request_edits       # None when there is nothing to edit
    cdef readonly Edits response_edits
    cdef readonly DeadlineList whole        # None: no limit on the whole request
    cdef readonly int64_t max_body          # 0: no limit
    cdef readonly Fallbacks fallbacks       # None: what cannot be answered is refused
    cdef RouteCounters* counters
    cdef readonly RouteGates gates


cdef class RoutePlan:
    cdef object __weakref__
    cdef readonly object plan
    cdef readonly tuple routes
    cdef readonly dict groups
    cdef Router router

    cdef int find(self, const char* p, const Head* head) noexcept
    cdef bytes allowed(self, const char* p, const Head* head)
    cdef int put_template(self, HeadWriter writer, Route route, tuple pieces, const char* p, const Head* head) except -1
