from libc.stdint cimport uint64_t

from gateway.dataplane.side cimport Side

cdef enum:
    LARGE_READ = 128 * 1024         # bytes; more than TLS gives at once, which would have to keep the rest
    MOST_OWED = 3                   # turns


cdef class Turns:
    cdef object loop
    cdef object waiting             # a deque of sides, in the order of their turns
    cdef object go_on               # self.advance, bound
    cdef uint64_t owed              # large reads since the last turn, and those too many before
    cdef uint64_t skipped           # turns since one was released

    cdef int queue(self, Side side) except -1
    cdef int release_one(self) except -1
    cdef uint64_t wait_of_next(self, uint64_t now)
