"""The C arrays of the compiled router: taken and filled once, from the rows of tables.py."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport uint32_t, uint64_t

from gateway.routing.hosts cimport hash_host
from gateway.routing.segments cimport hash_text, mix

import os

from gateway.routing import trie

cdef uint32_t EXACT_HOST = trie.EXACT_HOST
cdef uint32_t HOST_SUFFIX = trie.HOST_SUFFIX


cdef void* array(Py_ssize_t count, size_t size) except NULL:
    cdef void* made = PyMem_Calloc(max(count, 1), size)
    if made == NULL:
        raise MemoryError("no memory for the routes")
    return made


cdef Span span(object pair):
    return Span(at=pair[0], size=pair[1])


cdef Slice stretch(object pair):
    return Slice(at=pair[0], count=pair[1])


cdef Choice choice(object pair):
    return Choice(plain=stretch(pair[0]), switches=stretch(pair[1]))


@cython.final
cdef class Rows:
    """Built from Tables; raises MemoryError."""

    def __cinit__(self, made):
        self.content = bytes(made.text)
        self.text = PyBytes_AS_STRING(self.content)
        self.seed = int.from_bytes(os.urandom(8), "little")
        self.depth = made.depth
        self.longest_literal = made.longest_literal
        self.longest_value = made.longest_value
        self.node_count = <uint32_t>len(made.nodes)
        self.rule_count = <uint32_t>len(made.rules)
        self.edge_count = <uint32_t>len(made.edges)
        self.slots = 1 << (2 * self.edge_count).bit_length()        # at most half full: short probes, and an end
        self.nodes = <Node*>array(self.node_count, sizeof(Node))
        self.edges = <Edge*>array(self.slots, sizeof(Edge))
        self.rules = <Rule*>array(len(made.rules), sizeof(Rule))
        self.listed = <uint32_t*>array(len(made.listed), sizeof(uint32_t))
        self.switches = <Span*>array(len(made.switches), sizeof(Span))
        self.others = <Span*>array(len(made.others), sizeof(Span))
        self.fields = <FieldTest*>array(len(made.fields), sizeof(FieldTest))
        self.params = <uint32_t*>array(len(made.params), sizeof(uint32_t))
        self.fill(made)

    def __dealloc__(self):
        PyMem_Free(self.nodes)
        PyMem_Free(self.edges)
        PyMem_Free(self.rules)
        PyMem_Free(self.listed)
        PyMem_Free(self.switches)
        PyMem_Free(self.others)
        PyMem_Free(self.fields)
        PyMem_Free(self.params)

    cdef int fill(self, object made) except -1:
        for at, (param, literals, exact, rest) in enumerate(made.nodes):
            self.nodes[<uint32_t>at] = Node(param=param, literals=literals, exact=choice(exact), rest=choice(rest))
        for at, (rank, methods, others, fields, params, tail) in enumerate(made.rules):
            self.rules[<uint32_t>at] = Rule(rank=rank, methods=methods, others=stretch(others),
                                            fields=stretch(fields), params=stretch(params), tail=tail)
        for at, (name, value, any_value) in enumerate(made.fields):
            self.fields[<uint32_t>at] = FieldTest(name=span(name), value=span(value), any_value=any_value)
        for at, index in enumerate(made.listed):
            self.listed[<uint32_t>at] = index
        for at, name in enumerate(made.switches):
            self.switches[<uint32_t>at] = span(name)
        for at, name in enumerate(made.others):
            self.others[<uint32_t>at] = span(name)
        for at, number in enumerate(made.params):
            self.params[<uint32_t>at] = number
        for parent, text, child in made.edges:
            self.insert(parent, span(text), child)
        return 0

    cdef void insert(self, uint32_t parent, Span text, uint32_t child) noexcept nogil:
        cdef const char* p = self.text + text.at
        cdef bint is_host = parent == EXACT_HOST or parent == HOST_SUFFIX
        cdef uint64_t hashed = hash_host(p, text.size, self.seed) if is_host else hash_text(p, text.size, self.seed)
        cdef uint32_t slot
        hashed = mix(hashed, parent)
        slot = <uint32_t>hashed & (self.slots - 1)
        while self.edges[slot].child:
            slot = (slot + 1) & (self.slots - 1)
        self.edges[slot] = Edge(hash=hashed, parent=parent, child=child, text=text)
        self.by_host = self.by_host or is_host
