"""What the compiled router knows of a plan, as C arrays: the rows of tables.py, and ONE hash table for all edges.

The table is open-addressing with linear probing, keyed by (parent, text), seeded, and never more than half full.
"""
cimport cython
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcmp

from gateway.routing.segments cimport mix

# A text of the plan: offset into `text`, and size.
cdef struct Span:
    uint32_t at
    uint32_t size

# A stretch of one of the arrays: index of its first item, and how many.
cdef struct Slice:
    uint32_t at
    uint32_t count

# Routes of one place in the trie: they differ in methods and headers only.
cdef struct Choice:
    Slice plain                     # of `listed`: those that ask for no exact value of a header
    Slice switches                  # of `switches`: those that do

cdef struct Node:
    uint32_t param                  # the node below `{name}`, 0 = none
    bint literals                   # has edges
    Choice exact                    # routes whose path ends here
    Choice rest                     # routes whose `**` begins here

# One slot of the open-addressing table; child 0 = free. Parents are nodes, switches, EXACT_HOST or HOST_SUFFIX.
cdef struct Edge:
    uint64_t hash
    uint32_t parent
    uint32_t child
    Span text

cdef struct FieldTest:
    Span name
    Span value
    bint any_value

# What a route asks besides host and path, and where its captures are.
cdef struct Rule:
    uint32_t rank                   # of two routes of one place the lower one is tried first
    uint32_t methods                # mask of Method bits
    Slice others                    # of `others`: methods without a bit; none, with OTHER_METHOD set: all of them
    Slice fields                    # of `fields`
    Slice params                    # of `params`: segment numbers
    int32_t tail                    # segment number at which `**` begins, -1 = none


@cython.final
cdef class Rows:
    cdef bytes content              # keeps `text`
    cdef const char* text
    cdef Node* nodes
    cdef Edge* edges
    cdef Rule* rules
    cdef uint32_t* listed
    cdef Span* switches             # header names
    cdef Span* others
    cdef FieldTest* fields
    cdef uint32_t* params
    cdef uint32_t node_count
    cdef uint32_t edge_count
    cdef uint32_t rule_count
    cdef uint32_t slots             # of `edges`, a power of two
    cdef uint64_t seed
    cdef uint32_t depth             # segments of the longest pattern
    cdef uint32_t longest_literal   # bytes
    cdef uint32_t longest_value     # bytes, of the values that switches know
    cdef bint by_host               # some route names a host

    cdef int fill(self, object made) except -1
    cdef void insert(self, uint32_t parent, Span text, uint32_t child) noexcept nogil

    # The node that a step from `parent` by a text leads to, 0 if there is none. `hashed` is of the text alone.
    cdef inline uint32_t child(self, uint32_t parent, uint64_t hashed, const char* text, uint32_t size) noexcept nogil:
        cdef const Edge* edge
        cdef uint32_t slot
        hashed = mix(hashed, parent)
        slot = <uint32_t>hashed & (self.slots - 1)
        while self.edges[slot].child:
            edge = &self.edges[slot]
            if (edge.hash == hashed and edge.parent == parent and edge.text.size == size
                    and memcmp(self.text + edge.text.at, text, size) == 0):
                return edge.child
            slot = (slot + 1) & (self.slots - 1)
        return 0
