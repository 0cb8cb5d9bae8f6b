"""What a head becomes on its way through: one pass that copies the fields that go on, in runs.

Request.  Dropped: hop-by-hop fields (RFC 9110 7.6.1), those that Connection names, what the route removes or
          replaces, and X-Forwarded-* and Forwarded from anyone who is not a trusted proxy. Added: X-Forwarded-For,
          -Proto, -Host, Forwarded (RFC 7239), Via, X-Request-Id unless the client brought a sane one, traceparent
          unless a valid one came (W3C Trace Context), and what the route sets or adds.
Response. The same for hop-by-hop fields and edits; framing is written by the exchange, which knows how the body
          goes on. Everything else passes as it came: nothing is re-ordered, folded or normalised.

Fields that follow one another in the source and are all kept are copied as one run: an ordinary head is two or
three copies.
"""
from libc.stdint cimport uint32_t

from gateway.dataplane.http1 cimport (
    ABSOLUTE_FORM, CONNECTION, CONTENT_LENGTH, FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, HOST,
    KEEP_ALIVE, PROXY_FIELD, REQUEST_ID, TE, TRACEPARENT, TRANSFER_ENCODING, UPGRADE,
    Field, Head, HeadWriter, connection_names,
)
from gateway.dataplane.routes cimport Edits, Route, RoutePlan


cdef enum:
    HOP_BY_HOP = (1 << CONNECTION) | (1 << KEEP_ALIVE) | (1 << TE) | (1 << UPGRADE) | (1 << PROXY_FIELD)
    FRAMING = (1 << CONTENT_LENGTH) | (1 << TRANSFER_ENCODING)
    FROM_PROXIES = (1 << FORWARDED_FOR) | (1 << FORWARDED_PROTO) | (1 << FORWARDED_HOST) | (1 << FORWARDED)
    MAX_REQUEST_ID = 128


cdef class Origin:
    """Where requests of a connection come from; shared by all connections of one address.

    `address` is an IP address, or empty for a Unix socket (RFC 7239 then says `unknown`).
    """

    def __init__(self, str address, bint trusted, str proto, Client client):
        self.address = address
        self.trusted = trusted
        self.proto = proto.encode()
        self.client = client
        if not address:
            self.node = b"unknown"
        elif ":" in address:
            self.node = f'"[{address}]"'.encode()
        else:
            self.node = address.encode()
        self.lines = (b"X-Forwarded-For: %s\r\nX-Forwarded-Proto: %s\r\nVia: 1.1 gateway\r\n"
                      b"Forwarded: for=%s;proto=%s") % (
            address.encode() or b"unknown", self.proto, self.node, self.proto)

    def __repr__(self):
        return f"<Origin {self.address or 'unix'} {self.proto.decode()} trusted={self.trusted}>"


cdef inline int put_bytes(HeadWriter w, bytes text) except -1:
    return w.put(<const char*>text, len(text))


cdef inline int put_field(HeadWriter w, const char* name, Py_ssize_t name_size,
                          const char* value, Py_ssize_t value_size) except -1:
    w.put(name, name_size)
    w.put(value, value_size)
    return w.put("\r\n", 2)


cdef int put_kept(HeadWriter w, const char* p, const Head* head, uint32_t dropped_kinds, Edits edits) except -1:
    """Copy the fields whose kind is not in `dropped_kinds`, that Connection does not name and no edit drops."""
    cdef const Field* field
    cdef uint32_t i
    cdef Py_ssize_t start = -1, end = 0
    for i in range(head.count):
        field = &head.fields[i]
        if ((dropped_kinds >> field.kind) & 1 or
                (head.names_fields and connection_names(p, head, field)) or
                (edits is not None and edits.drops(p + field.name, field.name_size))):
            if start >= 0:
                w.put(p + start, end - start)
                start = -1
            continue
        if start < 0:
            start = field.name
        end = field.end
    if start >= 0:
        w.put(p + start, end - start)
    return 0


cdef int put_target(HeadWriter w, const char* p, const Head* head, RoutePlan routes, Route route) except -1:
    """The path, rewritten where the route says so, and the query."""
    if route.rewrite is not None:
        return routes.put_template(w, route, route.rewrite, p, head)
    if head.path_size:
        w.put(p + head.path_at, head.path_size)
    else:
        w.put("/", 1)
    return w.put(p + head.query_at, head.query_size)


cdef int put_request_line(HeadWriter w, const char* p, const Head* head, RoutePlan routes, Route route) except -1:
    w.put(p + head.method_at, head.method_size)
    w.put(" ", 1)
    if head.form == ABSOLUTE_FORM or route.rewrite is not None:
        put_target(w, p, head, routes, route)
    else:
        w.put(p + head.target_at, head.target_size)
    return w.put(" HTTP/1.1\r\n", 11)


cdef int put_host(HeadWriter w, const char* p, const Head* head, bytes own_host, bytes endpoint_host) except -1:
    """Host comes first (RFC 9110 7.2): the client's, or the upstream's own, or the endpoint's for HTTP/1.0."""
    if len(own_host):
        return put_field(w, "Host: ", 6, <const char*>own_host, len(own_host))
    if head.host_size:
        return put_field(w, "Host: ", 6, p + head.host_at, head.host_size)
    return put_field(w, "Host: ", 6, <const char*>endpoint_host, len(endpoint_host))


cdef int put_length(HeadWriter w, const Head* head) except -1:
    """Framing in its plainest form: white space that we tolerate in it might be read otherwise upstream."""
    if head.chunked:
        return w.put("Transfer-Encoding: chunked\r\n", 28)
    if head.content_length >= 0:
        w.put("Content-Length: ", 16)
        w.put_number(head.content_length)
        return w.put("\r\n", 2)
    return 0


cdef int put_chain(HeadWriter w, const char* p, const Head* head, Origin origin) except -1:
    """X-Forwarded-* and Forwarded of a trusted proxy, with this hop added."""
    cdef const Field* field
    cdef uint32_t i
    w.put("X-Forwarded-For: ", 17)
    for i in range(head.count):
        field = &head.fields[i]
        if field.kind == FORWARDED_FOR and field.value_size:
            w.put(p + field.value, field.value_size)
            w.put(", ", 2)
    if origin.address:
        put_bytes(w, origin.address.encode())
    else:
        w.put("unknown", 7)
    w.put("\r\nVia: 1.1 gateway\r\n", 20)
    if not head.first[<int>FORWARDED_PROTO]:
        put_field(w, "X-Forwarded-Proto: ", 19, <const char*>origin.proto, len(origin.proto))
    if not head.first[<int>FORWARDED_HOST] and head.host_size:
        put_field(w, "X-Forwarded-Host: ", 18, p + head.host_at, head.host_size)
    w.put("Forwarded: ", 11)
    for i in range(head.count):
        field = &head.fields[i]
        if field.kind == FORWARDED and field.value_size:
            w.put(p + field.value, field.value_size)
            w.put(", ", 2)
    put_bytes(w, b"for=%s;proto=%s" % (origin.node, origin.proto))
    return w.put("\r\n", 2)


cdef int put_origin(HeadWriter w, const char* p, const Head* head, Origin origin) except -1:
    put_bytes(w, origin.lines)
    if head.host_size:
        w.put(";host=\"", 7)
        w.put(p + head.host_at, head.host_size)
        w.put("\"\r\nX-Forwarded-Host: ", 21)
        w.put(p + head.host_at, head.host_size)
    return w.put("\r\n", 2)


cdef bint sane_request_id(const char* p, const Head* head) noexcept:
    """Visible ASCII, at most 128 bytes, sent once: fit for a log line."""
    cdef const Field* field
    cdef uint32_t i
    cdef unsigned char c
    if not head.first[<int>REQUEST_ID]:
        return False
    field = &head.fields[head.first[<int>REQUEST_ID] - 1]
    if field.value_size == 0 or field.value_size > MAX_REQUEST_ID:
        return False
    for i in range(field.value_size):
        c = p[field.value + i]
        if c <= 0x20 or c >= 0x7F:
            return False
    for i in range(head.first[<int>REQUEST_ID], head.count):
        if head.fields[i].kind == REQUEST_ID:
            return False
    return True


cdef inline bint is_hex(unsigned char c) noexcept:
    return c"0" <= c <= c"9" or c"a" <= c <= c"f"


cdef bint valid_traceparent(const char* p, const Head* head) noexcept:
    """`00-<32 hex>-<16 hex>-<2 hex>`, or a later version that starts so; ids not all zero; sent once."""
    cdef const Field* field
    cdef const char* v
    cdef uint32_t i
    cdef bint trace = False, span = False
    if not head.first[<int>TRACEPARENT]:
        return False
    field = &head.fields[head.first[<int>TRACEPARENT] - 1]
    v = p + field.value
    if field.value_size < 55 or (field.value_size > 55 and (v[55] != c"-" or (v[0] == c"0" and v[1] == c"0"))):
        return False
    for i in range(55):
        if i == 2 or i == 35 or i == 52:
            if v[i] != c"-":
                return False
        elif not is_hex(v[i]):
            return False
        elif v[i] != c"0":
            trace = trace or 3 <= i < 35
            span = span or 36 <= i < 52
    for i in range(head.first[<int>TRACEPARENT], head.count):
        if head.fields[i].kind == TRACEPARENT:
            return False
    return trace and span and not (v[0] == c"f" and v[1] == c"f")


cdef int put_request_id(HeadWriter w, const Identity* identity) except -1:
    w.put_hex64(identity.id_high)
    return w.put_hex64(identity.id_low)


cdef int put_request(HeadWriter w, const char* p, const Head* head, RoutePlan routes, Route route, Origin origin,
                     bytes own_host, bytes endpoint_host, const Identity* identity, bint upgrade) except -1:
    """Write the whole head for the upstream, its empty line included, into `w`; 1: its request id is ours.

    `own_host`: of the upstream, empty to keep the client's.
    """
    cdef uint32_t dropped = HOP_BY_HOP | FRAMING | (1 << HOST)
    cdef bint keep_id = sane_request_id(p, head)
    cdef bint keep_trace = valid_traceparent(p, head)
    put_request_line(w, p, head, routes, route)
    put_host(w, p, head, own_host, endpoint_host)
    if origin.trusted:
        dropped |= (1 << FORWARDED_FOR) | (1 << FORWARDED)
    else:
        dropped |= FROM_PROXIES
    if not keep_id:
        dropped |= 1 << REQUEST_ID
    if not keep_trace:
        dropped |= 1 << TRACEPARENT
    if upgrade:
        dropped &= ~<uint32_t>(1 << UPGRADE)
    put_kept(w, p, head, dropped, route.request_edits)
    put_length(w, head)
    if origin.trusted:
        put_chain(w, p, head, origin)
    else:
        put_origin(w, p, head, origin)
    if not keep_id:
        w.put("X-Request-Id: ", 14)
        put_request_id(w, identity)
        w.put("\r\n", 2)
    if not keep_trace:
        w.put("traceparent: 00-", 16)
        put_request_id(w, identity)
        w.put("-", 1)
        w.put_hex64(identity.span)
        w.put("-00\r\n", 5)
    if upgrade:
        w.put("Connection: upgrade\r\n", 21)
    elif head.te_trailers:
        w.put("TE: trailers\r\nConnection: TE\r\n", 30)
    if route.request_edits is not None:
        put_bytes(w, route.request_edits.lines)
    w.put("\r\n", 2)
    return not keep_id


cdef int put_response(HeadWriter w, const char* p, const Head* head, Route route, bint upgrade,
                      bint drop_length) except -1:
    """Write status line and fields for the client, without framing by chunks and without the empty line."""
    cdef uint32_t dropped = HOP_BY_HOP | (1 << TRANSFER_ENCODING)
    if upgrade:
        dropped &= ~<uint32_t>(1 << UPGRADE)
    if drop_length:
        dropped |= 1 << CONTENT_LENGTH
    w.put("HTTP/1.1 ", 9)
    w.put_number(head.status)
    w.put(" ", 1)
    w.put(p + head.reason_at, head.reason_size)
    w.put("\r\n", 2)
    put_kept(w, p, head, dropped, route.response_edits)
    w.put("Via: 1.1 gateway\r\n", 18)
    if route.response_edits is not None:
        put_bytes(w, route.response_edits.lines)
    return 0
