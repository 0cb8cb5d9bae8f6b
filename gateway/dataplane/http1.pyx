"""Strict HTTP/1.1, sans-IO: the scan of a head and what it says of the body.

A head is read once, left to right, and the first octet that makes it faulty ends the scan, whether or not the rest has
arrived: the answer for a prefix is INCOMPLETE or the answer for the whole. Nothing is normalised. What two readers
could understand differently is refused, and so are the limits' excesses, at the octet that exceeds them.

- Lines end in CRLF, nothing else. One empty line before a request is ignored (RFC 9112 2.2), none before a response.
- A line is at most `limits.line` octets without its CRLF (of the request line: the target), a head `limits.size`.
- A field name that spells Content-Length or Transfer-Encoding with other signs is a bad name: see `mimics_framing`.
- start_line.pxd reads the first line, target.pxd says which targets and hosts pass, framing.pxd what the fields mean;
  chunks.pyx reads chunked bodies, head_writer.pyx writes heads.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from gateway.dataplane.framing cimport kind_of, lists_name, mimics_framing, settle_connection, take_framing
from gateway.dataplane.octets cimport CR, LF, OCTET_TOKEN, class_span, is_blank, value_span
from gateway.dataplane.start_line cimport Reading, scan_line_end, scan_request_line, scan_status_line

from gateway.dataplane import heads

# ---- fields -----------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t scan_name(const Reading* r, Py_ssize_t at, Py_ssize_t stop, Field* field) noexcept nogil:
    """Past the colon of the field that begins at `at`."""
    cdef Py_ssize_t i = class_span(r.p, at, stop, OCTET_TOKEN)
    if i >= stop:
        return LINE_TOO_LONG if i - at > r.line else INCOMPLETE
    if r.p[i] == LF:
        return BAD_LINE_END
    if r.p[i] != c':' or i == at or i - at > 0xFFFF:
        return BAD_FIELD_NAME
    field.name = <uint32_t>at
    field.name_size = <uint16_t>(i - at)
    field.kind = kind_of(r.p, at, i - at)
    if field.kind == PLAIN and mimics_framing(r.p, at, i - at):
        return BAD_FIELD_NAME
    return i + 1


cdef inline Py_ssize_t scan_value(const Reading* r, Py_ssize_t at, Py_ssize_t stop, Field* field) noexcept nogil:
    """Past the line's CRLF; the value's white space is trimmed."""
    cdef Py_ssize_t begin = at, last, end
    while begin < stop and is_blank(r.p[begin]):
        begin += 1
    end = last = value_span(r.p, begin, stop)
    if end - <Py_ssize_t>field.name > r.line:
        return LINE_TOO_LONG
    while last > begin and is_blank(r.p[last - 1]):
        last -= 1
    field.value = <uint32_t>begin
    field.value_size = <uint32_t>(last - begin)
    end = scan_line_end(r, end, BAD_FIELD_VALUE)
    field.end = <uint32_t>end if end > 0 else 0
    return end


cdef inline Py_ssize_t scan_field(Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    cdef Field* field = &head.fields[head.count]
    cdef Py_ssize_t stop = min(r.end, at + r.line + 1), end = scan_name(r, at, stop, field)
    cdef int fault
    if end > 0:
        end = scan_value(r, end, stop, field)
    if end <= 0:
        return end
    head.count += 1
    if field.kind != PLAIN:
        fault = take_framing(r.p, field, head, head.first[field.kind] != 0, r.request, &r.said)
        if fault < 0:
            return fault
        if head.first[field.kind] == 0:
            head.first[field.kind] = head.count
    return end


cdef inline Py_ssize_t scan_fields(Reading* r, Py_ssize_t at, Head* head) noexcept nogil:
    """Past the empty line that ends the head."""
    while at < r.end:
        if r.p[at] == CR:
            return scan_line_end(r, at, BAD_LINE_END)
        if is_blank(r.p[at]):
            return OBS_FOLD
        if head.count >= r.fields:
            return BAD_LINE_END if r.p[at] == LF else TOO_MANY_FIELDS
        at = scan_field(r, at, head)
        if at <= 0:
            return at
    return INCOMPLETE


# ---- heads ------------------------------------------------------------------------------------------------------

cdef inline void begin(Reading* r, const char* p, Py_ssize_t n, const Limits* limits, Head* head) noexcept nogil:
    memset(head, 0, <char*>&head.fields - <char*>head)
    head.content_length = head.keep_alive_timeout = -1
    r.p = <const uint8_t*>p
    r.end = min(n, <Py_ssize_t>limits.size)
    r.line = limits.line
    r.fields = min(limits.fields, <uint32_t>MAX_FIELDS)
    r.said = 0


cdef inline Py_ssize_t finish(const Reading* r, Py_ssize_t at, Py_ssize_t n, Head* head) noexcept nogil:
    if at == INCOMPLETE and n > r.end:
        return HEAD_TOO_LARGE
    if at > 0:
        head.size = at
        settle_connection(head, r.said, r.request)
    return at


cdef Py_ssize_t scan_request(const char* p, Py_ssize_t n, const Limits* limits, Head* head) noexcept nogil:
    cdef Reading r
    begin(&r, p, n, limits, head)
    r.request = True
    cdef Py_ssize_t at = scan_request_line(&r, head)
    if at > 0:
        at = scan_fields(&r, at, head)
    if at > 0 and head.first[<int>HOST] == 0 and head.version_minor == 1:
        return BAD_HOST
    return finish(&r, at, n, head)


cdef Py_ssize_t scan_response(const char* p, Py_ssize_t n, const Limits* limits, Head* head) noexcept nogil:
    cdef Reading r
    begin(&r, p, n, limits, head)
    r.request = False
    cdef Py_ssize_t at = scan_status_line(&r, head)
    if at > 0:
        at = scan_fields(&r, at, head)
    return finish(&r, at, n, head)


cdef int response_body(const Head* head, uint32_t request_method) noexcept nogil:
    """RFC 9112 6.3, in its order."""
    if request_method == HEAD or head.status < 200 or head.status == 204 or head.status == 304:
        return NO_BODY
    if head.chunked:
        return BY_CHUNKS
    return BY_LENGTH if head.content_length >= 0 else UNTIL_CLOSE


cdef bint connection_names(const char* p, const Head* head, const Field* field) noexcept nogil:
    """Whether any Connection field of this head, scanned from p, lists the name of `field`."""
    cdef uint32_t i
    if not head.names_fields:
        return False
    for i in range(head.count):
        if head.fields[i].kind == CONNECTION and lists_name(<const uint8_t*>p, &head.fields[i], field):
            return True
    return False


# ---- faults -----------------------------------------------------------------------------------------------------

# (fault, its name, status towards the client, what the client is told). The one table of faults.
FAULTS = (
    (BAD_START_LINE, "BAD_START_LINE", 400, b"The first line is not `method SP target SP HTTP/1.1`."),
    (BAD_METHOD, "BAD_METHOD", 400, b"The method is not a token of at most 32 characters."),
    (BAD_TARGET, "BAD_TARGET", 400,
     b"The request target is malformed; percent-encode what is not ASCII and resolve dot segments."),
    (BAD_VERSION, "BAD_VERSION", 505, b"Only HTTP/1.1 and HTTP/1.0 are spoken here."),
    (BAD_LINE_END, "BAD_LINE_END", 400, b"A line ends in a bare CR or LF; end lines with CRLF."),
    (BAD_FIELD_NAME, "BAD_FIELD_NAME", 400,
     b"A header name is not a token that a colon follows at once, or imitates a framing field."),
    (BAD_FIELD_VALUE, "BAD_FIELD_VALUE", 400, b"A header value contains a control character."),
    (OBS_FOLD, "OBS_FOLD", 400, b"A header line begins with white space; write each header on one line."),
    (BAD_HOST, "BAD_HOST", 400, b"Send exactly one valid Host header, equal to the target's host if that has one."),
    (BAD_CONTENT_LENGTH, "BAD_CONTENT_LENGTH", 400, b"Send one Content-Length, of at most 18 digits and nothing else."),
    (LENGTH_AND_CODING, "LENGTH_AND_CODING", 400, b"Send either Content-Length or Transfer-Encoding, not both."),
    (BAD_TRANSFER_CODING, "BAD_TRANSFER_CODING", 501, b"The only Transfer-Encoding understood is a single `chunked`."),
    (TARGET_TOO_LONG, "TARGET_TOO_LONG", 414, b"The request target is longer than is accepted here."),
    (LINE_TOO_LONG, "LINE_TOO_LONG", 431, b"A header line is longer than is accepted here."),
    (TOO_MANY_FIELDS, "TOO_MANY_FIELDS", 431, b"There are more headers than are accepted here."),
    (HEAD_TOO_LARGE, "HEAD_TOO_LARGE", 431, b"The head is larger than is accepted here."),
    (BAD_CHUNK_SIZE, "BAD_CHUNK_SIZE", 400, b"A chunk size is not 1 to 15 hexadecimal digits."),
    (BAD_CHUNK_EXTENSION, "BAD_CHUNK_EXTENSION", 400, b"A chunk extension is malformed or longer than 256 octets."),
    (BAD_CHUNK_END, "BAD_CHUNK_END", 400, b"The data of a chunk is not followed by CRLF."),
    (BAD_TRAILER, "BAD_TRAILER", 400,
     b"The trailer section is malformed, over 8 KiB, or has a field that frames, routes or authenticates."),
    (BAD_CONNECTION, "BAD_CONNECTION", 400,
     b"Connection is malformed or names Host, Content-Length or Transfer-Encoding."),
    (METHOD_REFUSED, "METHOD_REFUSED", 405, b"CONNECT and TRACE are not served here."),
    (CODING_IN_HTTP10, "CODING_IN_HTTP10", 400, b"HTTP/1.0 has no Transfer-Encoding; send HTTP/1.1."),
    (BAD_STATUS, "BAD_STATUS", 400, b"The status is not three digits from 100 to 599."),
)

cdef enum:
    FAULT_ROWS = 25

cdef int fault_statuses[FAULT_ROWS]
cdef const char* fault_texts[FAULT_ROWS]        # into the bytes that FAULTS keeps alive
cdef bytes NO_FAULT = b"No fault."


cdef int list_faults() except -1:
    for row in range(FAULT_ROWS):
        fault_statuses[row] = 400
        fault_texts[row] = PyBytes_AS_STRING(NO_FAULT)
    for fault, _, status, text in FAULTS:
        assert 0 < -fault < FAULT_ROWS
        fault_statuses[-fault] = status
        fault_texts[-fault] = PyBytes_AS_STRING(text)
    return 0


list_faults()


cdef int fault_status(int fault) noexcept nogil:
    return fault_statuses[-fault] if 0 < -fault < FAULT_ROWS else 400


cdef const char* fault_text(int fault) noexcept nogil:
    return fault_texts[-fault] if 0 < -fault < FAULT_ROWS else fault_texts[0]


# ---- for tests and replay ---------------------------------------------------------------------------------------

cdef str text_at(bytes data, uint32_t at, uint32_t size):
    return data[at:at + size].decode("latin-1")


cdef tuple listed(bytes data, const Head* head):
    return tuple([(text_at(data, head.fields[i].name, head.fields[i].name_size),
                   text_at(data, head.fields[i].value, head.fields[i].value_size)) for i in range(head.count)])


cdef object fault_of(int fault):
    for code, name, status, text in FAULTS:
        if code == fault:
            return heads.HttpFault(code, name, status, text.decode())
    raise ValueError(f"no fault has the number {fault}")


cdef dict shared_values(bytes data, const Head* head):
    return {
        "size": head.size, "version": f"1.{head.version_minor}", "fields": listed(data, head),
        "content_length": None if head.content_length < 0 else head.content_length, "chunked": bool(head.chunked),
        "keep_alive": bool(head.keep_alive), "upgrade": bool(head.upgrade),
        "dropped": tuple([index for index in range(head.count)
                          if connection_names(PyBytes_AS_STRING(data), head, &head.fields[index])]),
    }


cdef class Exact:
    """A copy of exactly these octets, no NUL after them, so that AddressSanitizer sees a read past their end."""
    cdef char* p
    cdef Py_ssize_t n

    def __cinit__(self, bytes data not None):
        self.n = PyBytes_GET_SIZE(data)
        self.p = <char*>malloc(self.n)
        if self.p == NULL and self.n > 0:
            raise MemoryError(f"no memory for a copy of {self.n} bytes")
        memcpy(self.p, PyBytes_AS_STRING(data), self.n)

    def __dealloc__(self):
        free(self.p)


def parse_request(bytes data not None, tuple limits=(8192, 100, 32768)):
    cdef Limits bounds = Limits(limits[0], limits[1], limits[2])
    cdef Head head
    cdef Exact exact = Exact(data)
    cdef Py_ssize_t size = scan_request(exact.p, exact.n, &bounds, &head)
    if size == INCOMPLETE:
        return None
    if size < 0:
        raise fault_of(size)
    return heads.RequestHead(
        method=text_at(data, head.method_at, head.method_size), method_bit=head.method,
        target=text_at(data, head.target_at, head.target_size), form=("origin", "absolute", "asterisk")[head.form],
        path=text_at(data, head.path_at, head.path_size), query=text_at(data, head.query_at, head.query_size),
        host=text_at(data, head.host_at, head.host_size), host_name=text_at(data, head.host_at, head.host_name_size),
        expect_continue=bool(head.expect_continue), te_trailers=bool(head.te_trailers), **shared_values(data, &head))


def parse_response(bytes data not None, str method="GET", tuple limits=(8192, 100, 32768)):
    cdef Limits bounds = Limits(limits[0], limits[1], limits[2])
    cdef Head head
    cdef Exact exact = Exact(data)
    cdef Py_ssize_t size = scan_response(exact.p, exact.n, &bounds, &head)
    if size == INCOMPLETE:
        return None
    if size < 0:
        raise fault_of(size)
    body = response_body(&head, HEAD if method == "HEAD" else GET)
    return heads.ResponseHead(
        status=head.status, reason=text_at(data, head.reason_at, head.reason_size),
        keep_alive_timeout=None if head.keep_alive_timeout < 0 else head.keep_alive_timeout,
        body=("none", "length", "chunks", "close")[body], **shared_values(data, &head))


cdef class ChunkReader:
    """A chunked body, fed piecewise."""
    cdef Chunks chunks

    def __cinit__(self):
        chunks_start(&self.chunks)

    def __repr__(self):
        return f"ChunkReader(body={self.chunks.body}, done={bool(self.chunks.done)})"

    @property
    def done(self):
        return bool(self.chunks.done)

    def feed(self, bytes data not None):
        cdef Exact exact = Exact(data), decoded = Exact(data)
        cdef Py_ssize_t decoded_size = 0
        cdef Py_ssize_t consumed = chunks_scan(&self.chunks, exact.p, exact.n, decoded.p, &decoded_size)
        if consumed < 0:
            raise fault_of(consumed)
        return consumed, decoded.p[:decoded_size]
