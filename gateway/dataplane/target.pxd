"""The request target and the host: what of RFC 3986 is let through, and what is refused as ambiguous. Header-only.

- The path is strictly `1*("/" segment)` with well-formed percent-encodings, without %00. A dot segment is refused, also
  written %2e, ended by ";" or bounded by an encoded slash or backslash: upstreams disagree on what it means.
- The query is any visible ASCII. Real clients send raw `[ ] | { } ^ " \\ #` and lone "%" there; nothing is decided by
  it here and it is passed on untouched.
- A host is letters, digits and `-._~!$&'()*+;=` or an IPv6 address in brackets, then an optional port. Comma and
  percent-encodings are refused, though RFC 3986 has them: routing compares the octets as they stand.
"""
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from gateway.dataplane.http1 cimport ABSOLUTE_FORM, ASTERISK_FORM, BAD_TARGET, ORIGIN_FORM, Head
from gateway.dataplane.octets cimport (
    OCTET, OCTET_DIGIT, OCTET_HEX, OCTET_HOST, OCTET_PATH, class_span, hex_digit, same_word,
)

cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char* text, void* address)
    enum:
        AF_INET6

cdef enum:
    IPV6_TEXT = 45                  # longest textual IPv6 address (INET6_ADDRSTRLEN less its NUL)


cdef inline int encoded(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """The octet that the percent-encoding at `at` stands for, or -1 if none is there."""
    if at + 3 > end or p[at] != c'%' or not OCTET[p[at + 1]] & OCTET_HEX or not OCTET[p[at + 2]] & OCTET_HEX:
        return -1
    return hex_digit(p[at + 1]) * 16 + hex_digit(p[at + 2])


cdef inline bint ends_segment(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    cdef int octet
    if at >= end or p[at] == c'/' or p[at] == c';':
        return True
    octet = encoded(p, at, end)
    return octet == c'/' or octet == c'\\'


cdef inline bint is_dot_segment(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether the segment that begins at `at` is one or two dots, plain or encoded."""
    cdef int dots = 0
    while at < end and dots < 3:
        if p[at] == c'.':
            at += 1
        elif encoded(p, at, end) == c'.':
            at += 3
        else:
            break
        dots += 1
    return 1 <= dots <= 2 and ends_segment(p, at, end)


cdef inline bint path_is_sound(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether p[at:end] is empty or a path of whole percent-encodings without NUL and dot segments."""
    cdef int octet
    while at < end:
        if p[at] == c'/' and is_dot_segment(p, at + 1, end):
            return False
        if OCTET[p[at]] & OCTET_PATH:
            at += 1
            continue
        octet = encoded(p, at, end)
        if octet <= 0:
            return False
        at += 3
        if (octet == c'/' or octet == c'\\') and is_dot_segment(p, at, end):
            return False
    return True


cdef inline int split_path(const uint8_t* p, Py_ssize_t at, Py_ssize_t end, Head* head) noexcept nogil:
    cdef Py_ssize_t query = at
    while query < end and p[query] != c'?':
        query += 1
    if not path_is_sound(p, at, query):
        return BAD_TARGET
    head.path_at = <uint32_t>at
    head.path_size = <uint32_t>(query - at)
    head.query_at = <uint32_t>query
    head.query_size = <uint32_t>(end - query)
    return 0


cdef inline bint is_ipv6(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    cdef char text[IPV6_TEXT + 1]
    cdef uint8_t address[16]
    cdef Py_ssize_t size = end - at
    if size < 2 or size > IPV6_TEXT:
        return False
    memcpy(text, p + at, size)
    text[size] = 0
    return inet_pton(AF_INET6, text, address) == 1


cdef inline Py_ssize_t host_name_end(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Just past the name or bracketed address that begins at `at`; `at` itself if there is none."""
    cdef Py_ssize_t i = at
    if at >= end or p[at] != c'[':
        return class_span(p, at, end, OCTET_HOST)
    while i < end and p[i] != c']':
        i += 1
    return i + 1 if i < end and is_ipv6(p, at + 1, i) else at


cdef inline bint is_port(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether p[at:end] is nothing, or ":" and at most five digits up to 65535."""
    cdef uint32_t port = 0
    if at >= end:
        return True
    if p[at] != c':' or end - at > 6:
        return False
    for i in range(at + 1, end):
        if not OCTET[p[i]] & OCTET_DIGIT:
            return False
        port = port * 10 + (p[i] - c'0')
    return port <= 65535


cdef inline Py_ssize_t host_name_size(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """The size of the host's name without its port, or 0 if p[at:end] is not a host."""
    cdef Py_ssize_t name_end = host_name_end(p, at, end)
    return name_end - at if is_port(p, name_end, end) else 0


cdef inline Py_ssize_t after_scheme(const uint8_t* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Where the authority of an absolute-form target begins; 0 if the scheme is neither http nor https."""
    if end - at >= 7 and same_word(p, at, 7, "http://", 7):
        return at + 7
    if end - at >= 8 and same_word(p, at, 8, "https://", 8):
        return at + 8
    return 0


cdef inline int split_target(const uint8_t* p, Py_ssize_t at, Py_ssize_t end, Head* head) noexcept nogil:
    """Fill form, path and query; of an absolute-form target also host_at and host_size, to compare with Host."""
    cdef Py_ssize_t authority, path
    if at >= end:
        return BAD_TARGET
    if p[at] == c'/':
        head.form = ORIGIN_FORM
        return split_path(p, at, end, head)
    if p[at] == c'*' and end - at == 1:
        head.form = ASTERISK_FORM
        head.path_at = <uint32_t>at
        head.path_size = 1
        return 0
    authority = path = after_scheme(p, at, end)
    if authority == 0:
        return BAD_TARGET
    while path < end and p[path] != c'/' and p[path] != c'?':
        path += 1
    head.form = ABSOLUTE_FORM
    head.host_name_size = <uint32_t>host_name_size(p, authority, path)
    if head.host_name_size == 0:
        return BAD_TARGET
    head.host_at = <uint32_t>authority
    head.host_size = <uint32_t>(path - authority)
    return split_path(p, path, end, head)
