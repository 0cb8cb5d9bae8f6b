"""The answers that one worker keeps for `stale`, and those that it is copying.

Copying costs, so a key is looked at once a second at most, whatever its rate, and is copied by one request at a time;
how many are copied together is bounded, and so is each. What may be kept is decided in mitigate/stale.py.
"""
from libc.stdint cimport uint64_t

from gateway.mitigate.stale import BODY_MAX

cdef uint64_t LOOK_EVERY = 1_000_000_000
cdef Py_ssize_t CAPTURE_MAX = BODY_MAX + 64 * 1024      # with the framing of its chunks

MAX_LOOKED = 8192
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
        self.looked = {}
        self.under_way = set()

    cdef bint due(self, bytes key, uint64_t now):
        """Whether an answer to this key shall be looked at; it then counts as looked at."""
        last = self.looked.get(key)
        if last is not None and now - <uint64_t>last < LOOK_EVERY:
            return False
        if key in self.under_way or len(self.under_way) >= MAX_CAPTURES:
            return False
        if len(self.looked) >= MAX_LOOKED:
            self.looked.clear()
        self.looked[key] = now
        return True

    cdef Capture capture(self, bytes key, bytes origin, bytes head):
        self.under_way.add(key)
        return Capture(origin, head)

    def keep(self, bytes key, stored):
        """Put a whole answer into the store."""
        self.holds_any = self.store.put(key.decode("latin-1"), stored) or self.holds_any

    def forget(self, bytes key):
        """What is kept under this key is no longer true."""
        self.store.forget(key.decode("latin-1"))
        self.looked.pop(key, None)

    def end(self, bytes key):
        """The capture of this key is over."""
        self.under_way.discard(key)

    def snapshot(self):
        return {**self.store.snapshot(), "copying": len(self.under_way)}
