"""The request line and the status line (RFC 9112 sections 3 and 4). Header-only.

Each function reads from `at`, never past `Reading.end`, and answers the offset after what it read, INCOMPLETE if that
has not all arrived, or the fault of the first octet that is wrong.
"""
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcmp

from gateway.dataplane.http1 cimport (
    ASTERISK_FORM, BAD_LINE_END, BAD_METHOD, BAD_START_LINE, BAD_STATUS, BAD_TARGET, BAD_VERSION, DELETE, GET, HEAD,
    INCOMPLETE, LINE_TOO_LONG, METHOD_REFUSED, OPTIONS, OTHER_METHOD, PATCH, POST, PUT, TARGET_TOO_LONG, Head,
)
from gateway.dataplane.octets cimport CR, LF, OCTET, OCTET_DIGIT, OCTET_TOKEN, SP, class_span, value_span, visible_span
from gateway.dataplane.target cimport split_target

cdef enum:
    METHOD_SIZE = 32                # the longest registered method has 17 letters

# One scan: what it reads, where it must stop, and what it has learnt besides the head.
cdef struct Reading:
    const uint8_t* p
    Py_ssize_t end                  # of what may be read: the octets received or the size limit, whichever is less
    Py_ssize_t line
    uint32_t fields
    bint request
    uint32_t said                   # by Connection: bits of framing.Said


# ---- request line -----------------------------------------------------------------------------------------------

cdef inline uint32_t method_bit(const uint8_t* p, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """The bit of the method p[at:at+size]; 0 for those that are refused."""
    cdef const uint8_t* m = p + at
    if size == 3:
        if memcmp(m, "GET", 3) == 0:
            return GET
        return PUT if memcmp(m, "PUT", 3) == 0 else OTHER_METHOD
    if size == 4:
        if memcmp(m, "POST", 4) == 0:
            return POST
        return HEAD if memcmp(m, "HEAD", 4) == 0 else OTHER_METHOD
    if size == 5:
        if memcmp(m, "PATCH", 5) == 0:
            return PATCH
        return 0 if memcmp(m, "TRACE", 5) == 0 else OTHER_METHOD
    if size == 6:
        return DELETE if memcmp(m, "DELETE", 6) == 0 else OTHER_METHOD
    if size == 7:
        if memcmp(m, "OPTIONS", 7) == 0:
            return OPTIONS
        return 0 if memcmp(m, "CONNECT", 7) == 0 else OTHER_METHOD
    return OTHER_METHOD


cdef inline Py_ssize_t scan_method(const Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    cdef Py_ssize_t stop = min(r.end, at + METHOD_SIZE + 1), i = class_span(r.p, at, stop, OCTET_TOKEN)
    if i - at > METHOD_SIZE:
        return BAD_METHOD
    if i >= r.end:
        return INCOMPLETE
    if r.p[i] == LF:
        return BAD_LINE_END
    if r.p[i] == CR:
        return BAD_START_LINE
    if r.p[i] != SP or i == at:
        return BAD_METHOD
    head.method_at = <uint32_t>at
    head.method_size = <uint32_t>(i - at)
    head.method = method_bit(r.p, at, i - at)
    return i + 1 if head.method != 0 else METHOD_REFUSED


cdef inline Py_ssize_t scan_target(const Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    cdef Py_ssize_t stop = min(r.end, at + r.line + 1), i = visible_span(r.p, at, stop)
    if i - at > r.line:
        return TARGET_TOO_LONG
    if i >= r.end:
        return INCOMPLETE
    if r.p[i] == LF:
        return BAD_LINE_END
    if r.p[i] == CR:
        return BAD_START_LINE
    if r.p[i] != SP or split_target(r.p, at, i, head) < 0:
        return BAD_TARGET
    head.target_at = <uint32_t>at
    head.target_size = <uint32_t>(i - at)
    return i + 1


cdef inline Py_ssize_t scan_version(const Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    """`HTTP/1.0` or `HTTP/1.1`; another number is BAD_VERSION, anything else BAD_START_LINE."""
    cdef const char* form = "HTTP/d.d"
    cdef Py_ssize_t i
    for i in range(8):
        if at + i >= r.end:
            return INCOMPLETE
        if r.p[at + i] != <uint8_t>form[i] and not (form[i] == c'd' and OCTET[r.p[at + i]] & OCTET_DIGIT):
            return BAD_START_LINE
    if r.p[at + 5] != c'1' or r.p[at + 7] > c'1':
        return BAD_VERSION
    head.version_minor = r.p[at + 7] - c'0'
    return at + 8


cdef inline Py_ssize_t scan_line_end(const Reading* r, Py_ssize_t at, int otherwise) noexcept nogil:
    """Past the CRLF at `at`, or the fault of what is there instead."""
    if at >= r.end:
        return INCOMPLETE
    if r.p[at] == LF:
        return BAD_LINE_END
    if r.p[at] != CR:
        return otherwise
    if at + 1 >= r.end:
        return INCOMPLETE
    return at + 2 if r.p[at + 1] == LF else BAD_LINE_END


cdef inline Py_ssize_t scan_request_line(const Reading* r, Head* head) noexcept nogil:
    """Past the request line and the one empty line that may come before it."""
    cdef Py_ssize_t at = 0
    if r.end > 0 and r.p[0] == CR:
        at = scan_line_end(r, 0, BAD_LINE_END)
        if at <= 0:
            return at
    at = scan_method(r, at, head)
    if at > 0:
        at = scan_target(r, at, head)
    if at > 0:
        at = scan_version(r, at, head)
    if at > 0:
        at = scan_line_end(r, at, BAD_START_LINE)
    if at > 0 and head.form == ASTERISK_FORM and head.method != OPTIONS:
        return BAD_TARGET
    return at


# ---- status line ------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t scan_status(const Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    """SP and three digits, 100 to 599."""
    cdef Py_ssize_t i
    if at >= r.end:
        return INCOMPLETE
    if r.p[at] != SP:
        return BAD_START_LINE
    for i in range(at + 1, at + 4):
        if i >= r.end:
            return INCOMPLETE
        if not OCTET[r.p[i]] & OCTET_DIGIT:
            return BAD_STATUS
        head.status = head.status * 10 + (r.p[i] - c'0')
    return at + 4 if 100 <= head.status <= 599 else BAD_STATUS


cdef inline Py_ssize_t scan_reason(const Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    """An empty reason may come without its space: many servers write it so."""
    cdef Py_ssize_t begin = at, stop
    if at >= r.end:
        return INCOMPLETE
    if r.p[at] == SP:
        begin = at + 1
        stop = min(r.end, begin + r.line + 1)
        at = value_span(r.p, begin, stop)
        if at - begin > r.line:
            return LINE_TOO_LONG
    head.reason_at = <uint32_t>begin
    head.reason_size = <uint32_t>(at - begin)
    return scan_line_end(r, at, BAD_STATUS if at == begin else BAD_START_LINE)


cdef inline Py_ssize_t scan_status_line(const Reading* r, Head* head) noexcept nogil:
    cdef Py_ssize_t at = scan_version(r, 0, head)
    if at > 0:
        at = scan_status(r, at, head)
    if at > 0:
        at = scan_reason(r, at, head)
    return at
