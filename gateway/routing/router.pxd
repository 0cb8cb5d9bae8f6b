"""The compiled router: which of a plan's routes takes a request. Immutable; no allocation and no Python per look-up.

The words of its C interface are here, so that the exchange can cimport them.
"""
cimport cython
from libc.stdint cimport uint32_t

from gateway.routing.rows cimport Choice, FieldTest, Rows, Rule, Slice
from gateway.routing.segments cimport Path

cdef enum:
    NO_ROUTE = -1                   # nothing matches: 404
    WRONG_METHOD = -2               # only the method is in the way: 405, with the methods that `allowed` gives

# The bits of dataplane/http1.pxd (a test compares them): routing may not import the data plane.
cdef enum Method:
    GET = 1
    HEAD = 2
    POST = 4
    PUT = 8
    DELETE = 16
    OPTIONS = 32
    PATCH = 64
    OTHER_METHOD = 128

# Finds the next field of this (lower-case) name in the message `head`: sets `value` and answers its size, or -1 where
# there is none. `at` is the finder's own place in the head: 0 before the first call, and moved past what was found.
ctypedef Py_ssize_t (*NextField)(const void* head, const char* name, Py_ssize_t name_size,
                                 uint32_t* at, const char** value) noexcept nogil

# A part of the raw path: an offset from its first byte, and a number of bytes.
cdef struct Capture:
    uint32_t start
    uint32_t size

# In the order of the pattern's `{name}` segments; then, for a pattern with a final `**`, the tail twice: with the slash
# before it (of /old/**: "" in /old, "/" in /old/, "/x" in /old/x), and without leading slashes. See template.py.
cdef struct Captures:
    uint32_t count
    Capture at[9]

# One look-up.
cdef struct Request:
    uint32_t method_bit
    const char* method
    Py_ssize_t method_size
    const void* head
    NextField next_field
    bint wrong_method               # some route was refused for the method alone
    char* refused                   # a byte per route, set to 1 for such routes; NULL = nobody asks


@cython.final
cdef class Router:
    cdef readonly tuple routes
    cdef Rows rows

    # Index of the route that takes the request, NO_ROUTE or WRONG_METHOD. `host` may have a port; an empty path
    # stands for `/`; the path is raw, without the query; `method` is read only for OTHER_METHOD.
    cdef int find(self, const char* host, Py_ssize_t host_size, const char* path, Py_ssize_t path_size,
                  uint32_t method_bit, const char* method, Py_ssize_t method_size,
                  const void* head, NextField next_field) noexcept nogil
    # After WRONG_METHOD, with the same arguments: the value of the Allow field, e.g. b"GET, HEAD".
    cdef bytes allowed(self, const char* host, Py_ssize_t host_size, const char* path, Py_ssize_t path_size,
                       const void* head, NextField next_field)
    # What a path captured of a route that takes it; needed only to rewrite or redirect.
    cdef void captures(self, int route, const char* path, Py_ssize_t path_size, Captures* found) noexcept nogil

    cdef int look(self, const char* host, Py_ssize_t host_size, const char* path, Py_ssize_t path_size,
                  Request* request) noexcept nogil
    cdef uint32_t roots(self, const char* host, Py_ssize_t size, uint32_t* found) noexcept nogil
    cdef int descend(self, uint32_t number, uint32_t depth, const Path* path, Request* request) noexcept nogil
    cdef int choose(self, const Choice* choice, Request* request) noexcept nogil
    cdef int choose_by_header(self, uint32_t number, int best, Request* request) noexcept nogil
    cdef int better(self, Slice routes, int best, Request* request) noexcept nogil
    cdef bint takes_method(self, const Rule* rule, const Request* request) noexcept nogil
    cdef bint has_field(self, const FieldTest* test, const Request* request) noexcept nogil
    cdef bint takes_fields(self, const Rule* rule, const Request* request) noexcept nogil
    cdef void refuse(self, uint32_t index, Request* request) noexcept nogil
