from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport ClientSide


cdef class DownstreamConnection(ClientSide):
    cdef bytes pending                      # received and not yet used: a partial head, or requests that wait
    cdef Py_ssize_t pending_at
    cdef bint advancing                     # inside `advance`: what ends now is looked at there
    cdef bint in_head                       # its head deadline runs
    cdef bint lingering
    cdef Py_ssize_t lingered                # bytes thrown away so far
    cdef uint64_t idle_since                # 0 while a request is in flight

    cdef int receive(self, bytes received, uint64_t now) except -1
    cdef int receive_between(self, bytes received, uint64_t now) except -1
    cdef int advance(self, bytes data, Py_ssize_t at, uint64_t now) except -1
    cdef int wait_for_more(self, bytes data, Py_ssize_t at, uint64_t now) except -1
    cdef int wait_idle(self, uint64_t now) except -1
    cdef int queue(self, bytes data) except -1
    cdef int turn_away(self, int refusal, str detail, bint to_head=*) except -1
    cdef int linger(self, uint64_t now) except -1
    cdef int throw_away(self, Py_ssize_t size) except -1
    cdef int hold_reading_only(self, int reason) except -1
    cdef int close(self) except -1
    cdef int await_body(self) except -1
    cdef int watch_sending(self, uint64_t now) except -1
    cdef int late(self, uint64_t now) except -1
