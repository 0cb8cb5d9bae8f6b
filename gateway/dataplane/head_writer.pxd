"""The writer of message heads; cimport it through http1.pxd."""
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy


cdef class HeadWriter:
    """One growable buffer for message heads. `put` checks the capacity before each copy and grows by doubling."""
    cdef char* data
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity
    cdef int grow(self, Py_ssize_t wanted) except -1
    cdef int resize(self, Py_ssize_t capacity) except -1

    cdef inline void clear(self) noexcept:
        self.size = 0

    cdef inline int put(self, const char* p, Py_ssize_t n) except -1:
        if n > self.capacity - self.size:
            self.grow(n)
        memcpy(self.data + self.size, p, n)
        self.size += n
        return 0

    cdef int put_number(self, int64_t value) except -1
    cdef int put_hex64(self, uint64_t value) except -1              # 16 lower-case digits
    cdef bytes take(self)                                           # the content as bytes; the buffer is cleared
