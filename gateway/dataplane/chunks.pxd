"""The reader of chunked bodies; cimport it through http1.pxd."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    TRAILER_NAME = 64               # a longer trailer name is refused, so that each is judged whole

# Chunked bodies are checked and passed on as they came. `left` counts data bytes of the present chunk.
cdef struct Chunks:
    uint32_t state
    uint32_t line                   # bytes so far in the present size line with its extension, or trailer name
    uint32_t trailer                # bytes so far in the trailer section
    uint32_t digits
    uint64_t left
    uint64_t body                   # decoded bytes so far
    bint done
    uint8_t name[TRAILER_NAME]      # of the present trailer, `line` octets

cdef void chunks_start(Chunks* chunks) noexcept nogil
# Bytes of p that belong to this body (all n unless `done`), or a fault. With `out` not NULL the decoded data, never
# more than n bytes, is written there and counted in out_size. p and out do not overlap.
cdef Py_ssize_t chunks_scan(Chunks* chunks, const char* p, Py_ssize_t n, char* out, Py_ssize_t* out_size) noexcept nogil
