"""What an exchange remembers for fallbacks: the request as it came, and the answer, if its origin lets it be kept.

Only on routes with a `stale` step is an answer looked at, once a second per key at most. What is kept is the head that
the client is sent and the body without framing. A write to a resource that succeeded makes what is kept of it untrue
(RFC 9111 4.4); other workers find out by its age alone.
"""
from libc.stdint cimport int64_t, uint64_t

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from gateway._limiter cimport siphash13
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport (
    BY_CHUNKS, GET, HEAD, OPTIONS, Chunks, Head, HeadWriter, chunks_scan, chunks_start, scan_request,
)
from gateway.dataplane.stale_answers cimport Capture, StaleAnswers

from gateway.mitigate import stale

MAX_ASKED = 64 * 1024                       # as for another try
cdef frozenset STATUSES = stale.STATUSES    # asked for each answer, so not by its module's name
cdef int64_t BODY_MAX = stale.BODY_MAX
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


cdef int remember(Exchange exchange, const char* p, const Head* head, Py_ssize_t take) except -1:
    """The request as its client sent it; `take` bytes of its body came along with the head."""
    if take <= MAX_ASKED:
        exchange.asked = PyBytes_FromStringAndSize(p, head.size + take)
    if exchange.route.fallbacks.keeps_for or exchange.plane.stale_answers.holds_any:
        note(exchange, p, head)
    return 0


cdef int note_write(Exchange exchange, const char* p, const Head* head) except -1:
    """On a route that keeps nothing: a write is noted all the same."""
    if not head.method & (GET | HEAD):
        note(exchange, p, head)
    return 0


cdef int note(Exchange exchange, const char* p, const Head* head) except -1:
    """What is asked for. The key of what is only read is made when it is needed, once a second for each."""
    cdef uint64_t of_target
    if head.method == OPTIONS:
        return 0
    of_target = siphash13(<const unsigned char*>(p + head.target_at), head.target_size, exchange.plane.seed[0],
                          exchange.plane.seed[1])
    exchange.stale_hash = siphash13(<const unsigned char*>(p + head.host_at), head.host_size, of_target,
                                    exchange.plane.seed[1]) | 1
    if not head.method & (GET | HEAD):
        exchange.stale_key = key_of(exchange, p, head)
    return 0


cdef Py_ssize_t rescan(Exchange exchange) noexcept:
    """The request's head once more, into ASKED; it was sound before."""
    return scan_request(PyBytes_AS_STRING(exchange.asked), PyBytes_GET_SIZE(exchange.asked),
                        &exchange.client.door.limits, &ASKED)


cdef bytes key_of_asked(Exchange exchange):
    rescan(exchange)
    return key_of(exchange, PyBytes_AS_STRING(exchange.asked), &ASKED)


cdef bytes key_of(Exchange exchange, const char* p, const Head* head):
    """As mitigate.stale.key: scheme, host, path and query."""
    cdef bytes host = PyBytes_FromStringAndSize(p + head.host_at, head.host_size)
    return b"%s://%s%s%s" % (exchange.client.origin.proto, host.lower(),
                             PyBytes_FromStringAndSize(p + head.path_at, head.path_size) or b"/",
                             PyBytes_FromStringAndSize(p + head.query_at, head.query_size))


cdef int begin_keeping(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1:
    """An answer's head, written for the client but for its framing, is in the writer: shall its body be copied?"""
    cdef StaleAnswers kept = exchange.plane.stale_answers
    cdef HeadWriter w = exchange.plane.writer
    cdef bytes key, origin
    if exchange.method != GET or exchange.asked is None or exchange.alternate or not exchange.route.fallbacks.keeps_for:
        return 0
    if head.content_length > BODY_MAX or not (head.status == 200 or head.status in STATUSES):
        return 0
    if not kept.due(exchange.stale_hash, now):
        return 0
    key = key_of_asked(exchange)
    if not kept.may_capture(key):
        return 0
    origin = PyBytes_FromStringAndSize(p, head.size)
    if not stale.refusal("GET", headers_of(exchange.asked), head.status, headers_of(origin)):
        exchange.stale_key = key
        exchange.capture = kept.capture(key, origin, PyBytes_FromStringAndSize(w.data, w.size))
    return 0


cdef int end_keeping(Exchange exchange, uint64_t now) except -1:
    """The exchange is over."""
    cdef StaleAnswers kept = exchange.plane.stale_answers
    cdef Capture capture = exchange.capture
    cdef bytes key = exchange.stale_key
    cdef bytes body
    exchange.stale_key = None
    if not exchange.method & (GET | HEAD):
        if 200 <= exchange.status < 400:
            kept.forget(key, exchange.stale_hash)
        return 0
    if capture is None:
        return 0
    exchange.capture = None
    kept.end(key)
    if exchange.answer.done and not (capture.too_large or exchange.refused or exchange.failed_upstream):
        body = b"".join(capture.pieces)
        if exchange.answer.kind == BY_CHUNKS:
            body = unchunked(body)
        kept.keep(key, stale.keep(headers_of(exchange.asked), exchange.status, headers_of(capture.origin),
                                  fields_of(capture.head), body, now, exchange.route.fallbacks.keeps_for))
    return 0


cdef object stale_answer(Exchange exchange, uint64_t now):
    """What may be served to this request, or None."""
    if exchange.stale_hash == 0 or exchange.asked is None or not exchange.method & (GET | HEAD):
        return None
    return exchange.plane.stale_answers.store.get(key_of_asked(exchange).decode("latin-1"), headers_of(exchange.asked),
                                                  now)


cdef bytes unchunked(bytes framed):
    """The body of whole chunks that were checked before."""
    cdef Chunks chunks
    cdef Py_ssize_t size = 0
    cdef bytes out = PyBytes_FromStringAndSize(NULL, PyBytes_GET_SIZE(framed))
    chunks_start(&chunks)
    chunks_scan(&chunks, PyBytes_AS_STRING(framed), PyBytes_GET_SIZE(framed), PyBytes_AS_STRING(out), &size)
    return out[:size]


def fields_of(head):
    """The fields of a head that was scanned before, without framing: ((name, value), …)."""
    lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return tuple([(name, value.strip(" \t")) for name, value in pairs if name.lower() not in FRAMING])


def headers_of(head):
    """The same by lower-case name; values of a repeated field are joined by commas (RFC 9110 5.3)."""
    found = {}
    for name, value in fields_of(head):
        name = name.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
