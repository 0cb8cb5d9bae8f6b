"""The buffer in which message heads are written: bounds checked before each copy, grown by doubling.

One writer lives as long as its worker, so an ordinary head costs no allocation; what an oversized one took is given
back by `take`. The bound is far above any head that the limits let through with the headers that routes add.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc, realloc

cdef enum:
    WRITER_START = 16 * 1024
    WRITER_KEPT = 64 * 1024
    WRITER_BOUND = 1024 * 1024


cdef class HeadWriter:
    def __cinit__(self):
        self.data = <char*>malloc(WRITER_START)
        if self.data == NULL:
            raise MemoryError(f"no memory for a head buffer of {WRITER_START} bytes")
        self.capacity = WRITER_START
        self.size = 0

    def __dealloc__(self):
        free(self.data)

    def __repr__(self):
        return f"HeadWriter(size={self.size}, capacity={self.capacity})"

    cdef int grow(self, Py_ssize_t wanted) except -1:
        """Make room for `wanted` more bytes; MemoryError above 1 MiB in all."""
        cdef Py_ssize_t capacity = self.capacity
        if wanted > WRITER_BOUND - self.size:
            raise MemoryError(f"a message head of {self.size + wanted} bytes exceeds {WRITER_BOUND}: set fewer headers")
        while capacity - self.size < wanted:
            capacity *= 2
        return self.resize(capacity)

    cdef int resize(self, Py_ssize_t capacity) except -1:
        cdef char* data = <char*>realloc(self.data, capacity)
        if data == NULL:
            raise MemoryError(f"no memory for a head buffer of {capacity} bytes")
        self.data = data
        self.capacity = capacity
        return 0

    cdef int put_number(self, int64_t value) except -1:
        cdef char digits[20]
        cdef int at = 20
        cdef uint64_t rest = <uint64_t>value if value >= 0 else 0 - <uint64_t>value
        while True:
            at -= 1
            digits[at] = <char>(c'0' + rest % 10)
            rest = rest // 10
            if rest == 0:
                break
        if value < 0:
            at -= 1
            digits[at] = c'-'
        return self.put(digits + at, 20 - at)

    cdef int put_hex64(self, uint64_t value) except -1:
        cdef const char* alphabet = "0123456789abcdef"
        cdef char digits[16]
        cdef int i
        for i in range(16):
            digits[i] = alphabet[(value >> (60 - 4 * i)) & 15]
        return self.put(digits, 16)

    cdef bytes take(self):
        cdef bytes taken = PyBytes_FromStringAndSize(self.data, self.size)
        self.size = 0
        if self.capacity > WRITER_KEPT:
            self.resize(WRITER_KEPT)
        return taken


def written(*parts):
    """For tests: `(content, capacity before it was taken, capacity after)` of parts put into a new writer."""
    cdef HeadWriter writer = HeadWriter()
    for part in parts:
        if isinstance(part, bytes):
            writer.put(PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part))
        else:
            writer.put_number(part)
    capacity = writer.capacity
    return writer.take(), capacity, writer.capacity


def hex64(uint64_t value):
    """For tests: what put_hex64 writes."""
    cdef HeadWriter writer = HeadWriter()
    writer.put_hex64(value)
    return writer.take()
