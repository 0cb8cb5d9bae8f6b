"""A request's path as segments, and the hash by which a segment is looked up. No allocation, no Python.

A segment is seen as `pattern.normalise` writes it. Only a path with a `%` in it pays for that: its segments are then
decoded into the Path's own buffer, which cannot overflow, for a segment longer than any literal is not kept.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

cdef enum:
    MAX_SEGMENTS = 64               # as in pattern.py
    MAX_LITERAL = 255               # as in pattern.py
    TOO_LONG = 256                  # size of a segment that no literal can equal; its text is not to be read

cdef struct Segment:
    const char* text
    uint32_t size
    uint64_t hash

cdef struct Path:
    uint32_t count                  # segments kept
    bint more                       # there are more than were kept
    Segment at[MAX_SEGMENTS]
    char decoded[MAX_SEGMENTS * MAX_LITERAL]


cdef inline uint64_t mix(uint64_t value, uint64_t word) noexcept nogil:
    value = (value ^ word) * <uint64_t>0x9E3779B97F4A7C15
    return value ^ (value >> 29)


cdef inline uint64_t load64(const char* p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    return word


cdef inline uint64_t load32(const char* p) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, p, 4)
    return word


# Words may overlap, so that the last one ends with the text: no loop over single bytes.
cdef inline uint64_t hash_text(const char* p, Py_ssize_t n, uint64_t seed) noexcept nogil:
    cdef uint64_t value = mix(seed, <uint64_t>n)
    cdef Py_ssize_t at = 0
    if n >= 8:
        while n - at > 8:
            value = mix(value, load64(p + at))
            at += 8
        return mix(value, load64(p + n - 8))
    if n >= 4:
        return mix(value, (load32(p) << 32) | load32(p + n - 4))
    if n > 0:
        return mix(value, <uint8_t>p[0] | (<uint64_t><uint8_t>p[n >> 1] << 8) | (<uint64_t><uint8_t>p[n - 1] << 16))
    return value


cdef inline int hex_digit(char c) noexcept nogil:
    if c'0' <= c <= c'9':
        return c - c'0'
    if c'a' <= c <= c'f':
        return c - c'a' + 10
    if c'A' <= c <= c'F':
        return c - c'A' + 10
    return -1


cdef inline bint is_unreserved(int c) noexcept nogil:
    return (c'a' <= c <= c'z' or c'A' <= c <= c'Z' or c'0' <= c <= c'9'
            or c == c'-' or c == c'.' or c == c'_' or c == c'~')


# The byte that three bytes at p encode, or -1 where they are not %XX within the n bytes.
cdef inline int encoded_byte(const char* p, Py_ssize_t n) noexcept nogil:
    cdef int high, low
    if n < 3 or p[0] != c'%':
        return -1
    high = hex_digit(p[1])
    low = hex_digit(p[2])
    return -1 if high < 0 or low < 0 else high * 16 + low


cdef inline char upper_digit(char c) noexcept nogil:
    return c - 32 if c'a' <= c <= c'f' else c


# Writes the normalised form of p[:n] to out, which has MAX_LITERAL bytes; its size, or TOO_LONG.
cdef inline uint32_t decode(const char* p, Py_ssize_t n, char* out) noexcept nogil:
    cdef Py_ssize_t at = 0
    cdef uint32_t size = 0
    cdef int byte
    while at < n:
        byte = encoded_byte(p + at, n - at)
        if size + (1 if byte < 0 or is_unreserved(byte) else 3) > MAX_LITERAL:
            return TOO_LONG
        if byte < 0:
            out[size] = p[at]
            at += 1
        elif is_unreserved(byte):
            out[size] = <char>byte
            at += 3
        else:
            out[size] = c'%'
            out[size + 1] = upper_digit(p[at + 1])
            out[size + 2] = upper_digit(p[at + 2])
            size += 2
            at += 3
        size += 1
    return size


# Splits p[:n], which begins with a slash, keeping the first `limit` (at most MAX_SEGMENTS) segments; those longer
# than `longest` are kept without a hash, for no literal equals them.
cdef inline void split(const char* p, Py_ssize_t n, uint32_t limit, uint32_t longest, uint64_t seed,
                       Path* path) noexcept nogil:
    cdef bint encoded = memchr(p, c'%', n) != NULL
    cdef char* room = path.decoded
    cdef Py_ssize_t at = 1, end
    cdef const char* slash
    cdef Segment* segment
    path.count = 0
    path.more = False
    while at <= n:
        slash = <const char*>memchr(p + at, c'/', n - at)
        end = n if slash == NULL else slash - p
        if path.count == limit:
            path.more = True
            return
        segment = &path.at[path.count]
        segment.text = p + at
        segment.size = <uint32_t>(end - at) if end - at <= MAX_LITERAL else TOO_LONG
        if encoded:
            segment.text = room
            segment.size = decode(p + at, end - at, room)
            room += segment.size if segment.size != TOO_LONG else 0
        if segment.size <= longest:
            segment.hash = hash_text(segment.text, segment.size, seed)
        path.count += 1
        at = end + 1
