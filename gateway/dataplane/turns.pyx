"""Large bodies take turns: one large read in one turn of the event loop.

A socket that always has more is read up to 32 times in a row (libuv), 8 MB, and so is each of its kind, before anybody
else's request is looked at. So a connection that gave a large read is held, and one of those that are held goes on in
each turn of the loop, first come, first served; none does while more than one a turn were read, as the first of each
body is. So small messages wait for little, and large bodies share what is left: round robin, with the read as its
quantum ("Efficient Fair Queueing using Deficit Round Robin", 1995). While any wait, the loop does not sleep.

TLS, which is read and decrypted in pieces of 64 KiB, takes no turns: it would have to keep what it has read already.
So a loop that has too much to relay is not late for it. How long the next one has waited tells instead, and
dataplane/overload.py takes that for lateness as well.
"""
from collections import deque

from libc.stdint cimport uint64_t

from gateway._fastpath cimport clock_ns
from gateway.dataplane.side cimport HOLD_TURN, Side


cdef class Turns:
    """Of one worker. There are no more waiting than connections that are open, and some that are closed."""

    def __init__(self, loop):
        self.loop = loop
        self.waiting = deque()
        self.go_on = self.advance

    cdef int queue(self, Side side) except -1:
        """It gave a large read, and may have more."""
        if side.held & HOLD_TURN or side.closed:
            return 0
        side.hold(HOLD_TURN)
        side.turn_since = clock_ns()
        self.owed += 1
        self.waiting.append(side)
        if len(self.waiting) == 1:
            self.loop.call_soon(self.go_on)
        return 0

    def advance(self):
        """In each turn of the loop: the next one may read, unless too many have; but one does in each MOST_OWED + 1
        turns, however many others begin."""
        self.skipped += 1
        try:
            if self.owed > 1 and self.skipped <= MOST_OWED:
                self.owed -= 1
            else:
                self.owed = self.skipped = 0
                self.release_one()
        finally:                            # one that could not go on holds up nobody
            if self.waiting:
                self.loop.call_soon(self.go_on)

    cdef int release_one(self) except -1:
        """The first that still waits."""
        cdef Side side
        while self.waiting:
            side = self.waiting.popleft()
            if side.held & HOLD_TURN:
                return side.go_on(HOLD_TURN)
        return 0

    cdef uint64_t wait_of_next(self, uint64_t now):
        cdef Side side
        if not self.waiting:
            return 0
        side = self.waiting[0]
        return now - side.turn_since if now > side.turn_since else 0

    def waited(self):
        """For how long the next one has waited by now; ns."""
        return self.wait_of_next(clock_ns())

    def __repr__(self):
        return f"<Turns {len(self.waiting)} waiting>"
