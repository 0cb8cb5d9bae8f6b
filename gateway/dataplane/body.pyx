"""Where a message body ends: by nothing, by its length, by its chunks, or with the connection."""
from libc.stdint cimport int64_t

from gateway.dataplane.http1 cimport BY_CHUNKS, BY_LENGTH, NO_BODY, chunks_scan, chunks_start


cdef void body_start(Body* body, int kind, int64_t length) noexcept nogil:
    """`length` counts for BY_LENGTH only."""
    body.kind = kind
    body.left = length if kind == BY_LENGTH else 0
    body.chunks.body = 0
    body.done = kind == NO_BODY or (kind == BY_LENGTH and length == 0)
    if kind == BY_CHUNKS:
        chunks_start(&body.chunks)


cdef Py_ssize_t body_take(Body* body, const char* p, Py_ssize_t n) noexcept nogil:
    """How many of the next `n` bytes belong to the body (`done` is set with its last one), or a negative Fault."""
    cdef Py_ssize_t size
    if body.done:
        return 0
    if body.kind == BY_LENGTH:
        size = n if n < body.left else <Py_ssize_t>body.left
        body.left -= size
        body.done = body.left == 0
        return size
    if body.kind == BY_CHUNKS:
        size = chunks_scan(&body.chunks, p, n, NULL, NULL)
        body.done = size >= 0 and body.chunks.done
        return size
    return n
