from libc.stdint cimport uint64_t

from gateway.dataplane.deadlines cimport Deadline

# Why a connection's reading is held; it goes on when no reason is left.
cdef enum Hold:
    HOLD_PEER_FULL = 1              # the other side does not take more
    HOLD_CONNECTING = 2             # there is no upstream connection yet
    HOLD_PIPELINE = 4               # enough requests wait behind the present one
    HOLD_LINGER = 8                 # enough was read and thrown away
    HOLD_TURN = 16                  # others go first: turns.pyx


cdef class Side(Deadline):
    cdef object transport                   # None before and after the connection
    cdef object write                       # transport.write, bound
    cdef int fd                             # -1 before and after
    cdef bint tls
    cdef bint queued                        # something may still wait in the transport
    cdef bint handed                        # the kernel may have something of the present request
    cdef bint full                          # the transport takes no more at present
    cdef size_t unsent                      # what waited in the transport at the last look of `takes`
    cdef readonly bint closed               # by us, or lost: nothing is written any more
    cdef int held                           # Hold bits
    cdef uint64_t turn_since                # ns: since when it waits for its turn

    cdef int hold(self, int reason) except -1
    cdef int go_on(self, int reason) except -1
    cdef int meet(self, object transport) except -1
    cdef int send(self, bytes data) except -1
    cdef int send_parts(self, const char* one, Py_ssize_t one_size, const char* two, Py_ssize_t two_size) except -1
    cdef bint straight(self) except -1
    cdef bint takes(self) except -1
    cdef int end_sending(self) except -1
