from libc.stdint cimport uint64_t


cdef class Capture:
    cdef readonly bytes origin              # the head as the upstream sent it
    cdef readonly bytes head                # as the client is sent it, but for the framing
    cdef list pieces                        # of the body as it came
    cdef Py_ssize_t size
    cdef readonly bint too_large

    cdef int add(self, bytes data, Py_ssize_t at, Py_ssize_t take) except -1


cdef enum:
    LOOKED = 4096                           # keys at a time that are looked at once a second at most


ctypedef struct Looked:
    uint64_t hashed                         # of what was asked for, with the seed of this boot
    uint64_t at                             # ns


cdef class StaleAnswers:
    cdef readonly object store              # mitigate.stale_store.StaleStore
    cdef readonly bint holds_any            # was ever given one
    cdef Looked looked[LOOKED]
    cdef set under_way                      # keys whose answer is being captured

    cdef bint due(self, uint64_t hashed, uint64_t now) noexcept
    cdef bint may_capture(self, bytes key)
    cdef int forget(self, bytes key, uint64_t hashed) except -1
    cdef Capture capture(self, bytes key, bytes origin, bytes head)
