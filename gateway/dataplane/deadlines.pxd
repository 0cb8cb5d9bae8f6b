from libc.stdint cimport uint64_t


cdef class Deadline:
    cdef Deadline before
    cdef Deadline after
    cdef uint64_t due

    cdef int expired(self, uint64_t now) except -1

    cdef inline bint waits(self) noexcept:
        return self.after is not None

    cdef inline void cancel(self) noexcept:
        cdef Deadline before = self.before
        cdef Deadline after = self.after
        if after is not None:
            before.after = after
            after.before = before
            self.before = None
            self.after = None


cdef class DeadlineList(Deadline):
    cdef readonly uint64_t duration

    cdef inline void start(self, Deadline node, uint64_t now) noexcept:
        """(Re)start `node` at the end of this list; a list of duration 0 only stops it."""
        cdef Deadline last
        node.cancel()
        if self.duration != 0:
            last = self.before
            node.due = now + self.duration
            node.before = last
            node.after = self
            last.after = node
            self.before = node

    cdef int sweep(self, uint64_t now) except -1


cdef class DeadlineBook:
    cdef dict lists

    cdef DeadlineList of(self, uint64_t duration)
