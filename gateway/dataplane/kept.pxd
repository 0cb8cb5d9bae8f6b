"""What an exchange and a connection keep for the flight record; no more than the record holds of it."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef enum:
    CACHED_TEXT = 128               # longer ones are interned anew for each request

# Of a request, from its head and the head of its answer.
cdef struct Kept:
    uint32_t host                   # numbers of interned texts
    uint32_t agent
    uint16_t path_size
    uint8_t version_size
    uint8_t flags                   # _recorder.RecordFlags: the path is longer than what is kept; a fallback answered
    char version[20]
    char path[96]

# A text of a connection's last request, so that the next one, which nearly always has the same, need not hash it.
cdef struct Seen:
    uint32_t number
    uint32_t size                   # 0 = none
    char text[128]
