"""Time-outs without timers: one list per duration, swept every 100 ms.

All nodes of a list wait equally long, so a (re)started one goes to the end and the list stays sorted by itself:
starting, restarting and cancelling are a few pointer moves, and the sweep looks only at what is due. A connection
or an exchange *is* a node (it inherits from Deadline), so that no object is made per request. Lists are shared by
all that wait for the same duration; `expired` of the node knows what it was waiting for.
A node fires up to one sweep (100 ms) late, never early.
"""
from libc.stdint cimport uint64_t


cdef class Deadline:
    """Something that can wait for at most one deadline at a time."""

    cdef int expired(self, uint64_t now) except -1:
        raise NotImplementedError("a node says itself what its deadline means")


cdef class DeadlineList(Deadline):
    """The nodes that wait for `duration` nanoseconds, soonest first; the list is its own end mark."""

    def __init__(self, duration):
        self.duration = duration
        self.before = self
        self.after = self

    cdef int sweep(self, uint64_t now) except -1:
        cdef Deadline first = self.after
        while first is not self and first.due <= now:
            first.cancel()
            first.expired(now)
            first = self.after
        return 0

    def __len__(self):
        cdef Deadline node = self.after
        count = 0
        while node is not self:
            count += 1
            node = node.after
        return count


cdef class DeadlineBook:
    """All lists of one worker."""

    def __init__(self):
        self.lists = {}

    cdef DeadlineList of(self, uint64_t duration):
        found = self.lists.get(duration)
        if found is None:
            found = self.lists[duration] = DeadlineList(duration)
        return found

    def list_of(self, duration):
        """The list for `duration` nanoseconds; 0 gives the list in which nothing ever waits."""
        return self.of(duration)

    def sweep(self, uint64_t now):
        """Fire all that is due at `now` (CLOCK_MONOTONIC, ns). What a node raises is returned, never lost."""
        cdef DeadlineList waiting
        faults = []
        for waiting in list(self.lists.values()):
            try:
                waiting.sweep(now)
            except Exception as fault:
                faults.append(fault)
        return faults

    def snapshot(self):
        """How many wait, by duration in nanoseconds."""
        return {duration: len(waiting) for duration, waiting in self.lists.items()}
