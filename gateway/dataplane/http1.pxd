"""Strict HTTP/1.1, sans-IO: the words that the scanner, the two connections and the exchange share.

All offsets count from the first byte given to the scanner. Nothing here allocates, logs or calls Python,
except HeadWriter, which owns one growable buffer.
"""
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from gateway.dataplane.chunks cimport Chunks, chunks_scan, chunks_start
from gateway.dataplane.head_writer cimport HeadWriter

cdef enum:
    MAX_FIELDS = 256                # capacity of Head.fields; a configured limit is never above it

# What a scan answers besides a size: 0 = incomplete so far without fault, negative = a fault.
cdef enum Fault:
    INCOMPLETE = 0
    BAD_START_LINE = -1             # 400 / 502
    BAD_METHOD = -2                 # 400
    BAD_TARGET = -3                 # 400
    BAD_VERSION = -4                # 505 / 502
    BAD_LINE_END = -5               # bare CR or LF
    BAD_FIELD_NAME = -6             # not a token, empty, or white space before the colon
    BAD_FIELD_VALUE = -7            # control byte
    OBS_FOLD = -8
    BAD_HOST = -9                   # missing, repeated, malformed, or unlike the absolute-form target's
    BAD_CONTENT_LENGTH = -10        # repeated, signed, list, empty, more than 18 digits
    LENGTH_AND_CODING = -11         # Content-Length together with Transfer-Encoding
    BAD_TRANSFER_CODING = -12       # 501: other than a single `chunked`; in HTTP/1.0: 400
    TARGET_TOO_LONG = -13           # 414
    LINE_TOO_LONG = -14             # 431
    TOO_MANY_FIELDS = -15           # 431
    HEAD_TOO_LARGE = -16            # 431
    BAD_CHUNK_SIZE = -17
    BAD_CHUNK_EXTENSION = -18
    BAD_CHUNK_END = -19             # data not followed by CRLF
    BAD_TRAILER = -20               # malformed, too large, or a field that frames or routes
    BAD_CONNECTION = -21            # Connection names host, content-length or transfer-encoding, or is malformed
    METHOD_REFUSED = -22            # 405: CONNECT, TRACE
    CODING_IN_HTTP10 = -23          # 400: Transfer-Encoding in an HTTP/1.0 message
    BAD_STATUS = -24

# Methods are bits, so that a route's list is one mask. OTHER_METHOD: a valid token that is not in this list.
cdef enum Method:
    GET = 1
    HEAD = 2
    POST = 4
    PUT = 8
    DELETE = 16
    OPTIONS = 32
    PATCH = 64
    OTHER_METHOD = 128

cdef enum TargetForm:
    ORIGIN_FORM = 0
    ABSOLUTE_FORM = 1
    ASTERISK_FORM = 2

# Fields that the gateway itself must look at; everything else is PLAIN.
cdef enum FieldKind:
    PLAIN = 0
    HOST
    CONTENT_LENGTH
    TRANSFER_ENCODING
    CONNECTION
    KEEP_ALIVE
    TE
    TRAILER
    UPGRADE
    EXPECT
    PROXY_FIELD                     # Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, Proxy (httpoxy)
    FORWARDED_FOR                   # X-Forwarded-For
    FORWARDED_PROTO
    FORWARDED_HOST
    FORWARDED
    VIA
    REQUEST_ID                      # X-Request-Id
    TRACEPARENT
    KIND_COUNT

cdef struct Limits:
    uint32_t line
    uint32_t fields
    uint32_t size

cdef struct Field:
    uint32_t name                   # first byte of the line
    uint32_t value                  # first byte of the value, white space trimmed
    uint32_t value_size
    uint32_t end                    # just past the line's CRLF
    uint16_t name_size
    uint16_t kind

cdef struct Head:
    Py_ssize_t size                 # bytes of the head, its empty line and an ignored leading CRLF included
    uint32_t method                 # one Method bit (request)
    uint32_t method_at
    uint32_t method_size
    uint32_t target_at              # the target as received
    uint32_t target_size
    uint32_t form                   # TargetForm
    uint32_t path_at                # path_size 0 only for an absolute-form target without a path (stands for "/")
    uint32_t path_size
    uint32_t query_at               # query_size counts the "?"; 0 = none
    uint32_t query_size
    uint32_t host_at                # host[:port]: the Host field's value (equal to an absolute-form authority)
    uint32_t host_size
    uint32_t host_name_size         # without the port; an IPv6 literal keeps its brackets
    uint32_t version_minor          # 0 or 1
    uint32_t status                 # response
    uint32_t reason_at              # response: offset and size of the reason phrase
    uint32_t reason_size
    int64_t content_length          # -1 = none
    bint chunked
    bint keep_alive                 # what the peer asks for after this message, by version and Connection
    bint upgrade                    # Connection lists `upgrade`, there is an Upgrade field and, in a request, no body
    bint expect_continue
    bint te_trailers
    bint names_fields               # Connection names other fields, which must be dropped (`connection_names`)
    int64_t keep_alive_timeout      # seconds of Keep-Alive: timeout=N; -1 = none
    uint32_t count
    uint16_t first[18]              # by FieldKind: 1 + index of the first such field, 0 = absent
    Field fields[256]

# How the body of a message ends.
cdef enum BodyKind:
    NO_BODY = 0
    BY_LENGTH
    BY_CHUNKS
    UNTIL_CLOSE

cdef Py_ssize_t scan_request(const char* p, Py_ssize_t n, const Limits* limits, Head* head) noexcept nogil
cdef Py_ssize_t scan_response(const char* p, Py_ssize_t n, const Limits* limits, Head* head) noexcept nogil
cdef int response_body(const Head* head, uint32_t request_method) noexcept nogil      # BodyKind
cdef bint connection_names(const char* p, const Head* head, const Field* field) noexcept nogil

cdef int fault_status(int fault) noexcept nogil                     # of a faulty request; an upstream's is always 502
cdef const char* fault_text(int fault) noexcept nogil
