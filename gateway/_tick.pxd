"""The tick's own row, and the object that does it; what it does is told in `_tick.pyx`."""
from libc.stdint cimport uint64_t

from gateway._decisions cimport Bucket, Params, Tally, Window
from gateway._gates cimport Control

cdef struct Tick:
    uint64_t lease                  # nobody else ticks before this time
    uint64_t ticks
    uint64_t fast                   # buckets begun
    uint64_t seconds
    uint64_t second_ns              # when the present second's bucket began
    uint64_t last_ns
    uint64_t transitions
    uint64_t torn                   # ticks that lost their lease in the middle


cdef class Ticker:
    cdef char* base
    cdef uint64_t* used             # routes, upstreams, endpoints
    cdef Tick* tick
    cdef uint64_t workers, routes, upstreams, endpoints
    cdef uint64_t routes_at, upstreams_at, endpoints_at, controls_at, windows_at, params_at

    cdef bint early(self, uint64_t now) noexcept nogil
    cdef bint turn(self, uint64_t now, uint64_t due) noexcept nogil
    cdef void begin(self, uint64_t now) noexcept nogil
    cdef bint held(self, uint64_t mine) noexcept nogil
    cdef Control* control(self, uint64_t target) noexcept nogil
    cdef Window* window(self, uint64_t target) noexcept nogil
    cdef bint fold(self, uint64_t mine) noexcept nogil
    cdef Tally tally_route(self, uint64_t row) noexcept nogil
    cdef Tally tally_upstream(self, uint64_t row) noexcept nogil
    cdef Tally tally_endpoint(self, uint64_t row) noexcept nogil
    cdef bint fold_one(self, uint64_t target, const Tally* total, uint64_t mine) noexcept nogil
    cdef void add_second(self, Bucket* second, const Bucket* grown) noexcept nogil
    cdef bint decide(self, uint64_t now, uint64_t mine) noexcept nogil
    cdef void decide_endpoints(self, Control* upstream, const Params* params, uint64_t now) noexcept nogil
