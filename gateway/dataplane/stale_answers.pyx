"""The answers that one worker keeps for `stale`, and those that it is copying.

Copying costs, so a key is looked at once a second at most, whatever its rate, and is copied by one request at a time;
how many are copied together is bounded, and so is each. What may be kept is decided in mitigate/stale.py.
"""
from libc.stdint cimport uint64_t

from gateway.mitigate.stale import BODY_MAX

cdef uint64_t LOOK_EVERY = 1_000_000_000
cdef Py_ssize_t CAPTURE_MAX = BODY_MAX + 64 * 1024      # with the framing of its chunks

MAX_CAPTURES = 64


cdef class Capture:
    """One answer while it is relayed."""

    def __init__(self, bytes origin, bytes head):
        self.origin = origin
        self.head = head
        self.pieces = []

    cdef int add(self, bytes data, Py_ssize_t at, Py_ssize_t take) except -1:
        """data[at:at+take] is more of the body."""
        if self.too_large:
            return 0
        self.size += take
        if self.size > CAPTURE_MAX:
            self.too_large = True
            self.pieces = []
        else:
            self.pieces.append(data[at:at + take])
        return 0


cdef class StaleAnswers:
    """The store of one worker."""

    def __init__(self, store):
        self.store = store
        self.under_way = set()

    cdef bint due(self, uint64_t hashed, uint64_t now) noexcept:
        """Whether an answer to what has this hash shall be looked at; it then counts as looked at. Two that share a
        place are looked at in turn, more often."""
        cdef Looked* looked = &self.looked[hashed % LOOKED]
        if looked.hashed == hashed and now - looked.at < LOOK_EVERY:
            return False
        looked.hashed = hashed
        looked.at = now
        return True

    cdef bint may_capture(self, bytes key):
        return len(self.under_way) < MAX_CAPTURES and key not in self.under_way

    cdef Capture capture(self, bytes key, bytes origin, bytes head):
        self.under_way.add(key)
        return Capture(origin, head)

    def keep(self, bytes key, stored):
        """Put a whole answer into the store."""
        self.holds_any = self.store.put(key.decode("latin-1"), stored) or self.holds_any

    cdef int forget(self, bytes key, uint64_t hashed) except -1:
        """What is kept under this key is no longer true."""
        self.store.forget(key.decode("latin-1"))
        self.looked[hashed % LOOKED].hashed = 0
        return 0

    def end(self, bytes key):
        """The capture of this key is over."""
        self.under_way.discard(key)

    def snapshot(self):
        return {**self.store.snapshot(), "copying": len(self.under_way)}
