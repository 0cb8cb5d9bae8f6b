"""The flight record of each request: what of it is kept from its head, and the record that is written at its end.

Pointers into a request's bytes are gone when it ends, so `keep_head` copies what the record needs, at most 96 bytes of
path, into the exchange. Host and user agent are numbers of interned texts; a connection keeps its last two, as its next
request has nearly always the same. Nothing here allocates, and nothing is refused: what has no room is "another".
"""
from libc.string cimport memchr, memcmp, memcpy, memset
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

from gateway._limiter cimport siphash13
from gateway._recorder cimport (
    NAMED_CLIENT, PATH_BYTES, PATH_CUT, SHADOW, VERSION_BYTES, Interned, Record, Ring, begin_record, commit_record,
    intern_text,
)
from gateway.dataplane.denial cimport DECIDED_GONE, DECIDED_NOTHING, DECIDED_REFUSED
from gateway.dataplane.exchange cimport NO_LIMIT, ClientSide, Exchange
from gateway.dataplane.http1 cimport Field, Head
from gateway.dataplane.kept cimport CACHED_TEXT, Seen

cdef extern from "strings.h" nogil:
    int strncasecmp(const char*, const char*, size_t)

cdef extern from * nogil:
    """
    #include <string.h>
    static inline const char *gateway_find(const char *p, size_t n, const char *what, size_t size) {
        return (const char *)memmem(p, n, what, size);
    }
    """
    const char* find "gateway_find"(const char* p, size_t n, const char* what, size_t size) noexcept

cdef enum:
    NOT_MEASURED_US = 0xFFFFFFFF
    TLS = 2                         # bit of `protocol`, beside the minor version of HTTP/1

# A browser calls itself Mozilla and several others; the first of these in its User-Agent is what it is.
cdef bytes BROWSERS = b"Edg/ OPR/ Firefox/ Chrome/ Safari/"
cdef tuple BROWSER_NAMES = tuple(BROWSERS.split())


cdef class Recording:
    """The recorder of one worker. `version_header`: a field of answers whose value is recorded."""

    def __init__(self, board, version_header):
        interned, self.rows = board.interned()
        self.ring = <Ring*><uintptr_t>board.ring()
        self.interned = <Interned*><uintptr_t>interned
        self.seed[0], self.seed[1] = board.seed
        self.version_header = version_header.lower().encode()

    cdef int keep_head(self, Exchange exchange, const char* p, const Head* head) noexcept:
        """The path without its query, who was asked, and by what."""
        cdef ClientSide client = exchange.client
        cdef size_t size = min(<size_t>head.path_size, <size_t>PATH_BYTES)
        cdef const Field* field
        cdef uint32_t i
        memcpy(exchange.kept.path, p + head.path_at, size)
        exchange.kept.path_size = <unsigned short>size
        exchange.kept.flags = PATH_CUT if head.path_size > size else 0
        exchange.kept.version_size = 0
        exchange.kept.host = self.number_of(&client.host, p + head.host_at, head.host_name_size, head.host_name_size)
        exchange.kept.agent = 0
        for i in range(head.count):
            field = &head.fields[i]
            if field.name_size == 10 and strncasecmp(p + field.name, "user-agent", 10) == 0:
                exchange.kept.agent = self.number_of(&client.agent, p + field.value, field.value_size, 0)
                break
        return 0

    cdef int keep_version(self, Exchange exchange, const char* p, const Head* head) noexcept:
        """The answer's version header, cut at VERSION_BYTES."""
        cdef size_t size = len(self.version_header)
        cdef const char* name = self.version_header
        cdef const Field* field
        cdef uint32_t i
        exchange.kept.version_size = 0                  # not that of an earlier try
        for i in range(head.count):
            field = &head.fields[i]
            if field.name_size == size and strncasecmp(p + field.name, name, size) == 0:
                exchange.kept.version_size = <unsigned char>min(field.value_size, <uint32_t>VERSION_BYTES)
                memcpy(exchange.kept.version, p + field.value, exchange.kept.version_size)
                break
        return 0

    cdef uint32_t number_of(self, Seen* seen, const char* text, size_t size, size_t family) noexcept:
        """The number of a text; `family` 0: of the user agent's family in it."""
        cdef const char* name = text
        cdef uint32_t number
        if size == 0:
            return 0
        if seen.size == size and memcmp(seen.text, text, size) == 0:
            return seen.number
        if family == 0:
            name = family_in(text, size, &family)
        number = intern_text(self.interned, self.rows, siphash13(<const unsigned char*>name, family, self.seed[0],
                                                                 self.seed[1]), name, family)
        if size <= CACHED_TEXT:
            seen.number = number
            seen.size = <uint32_t>size
            memcpy(seen.text, text, size)
        return number

    cdef int record(self, Exchange exchange, uint64_t now) noexcept:
        """One record for a request that has ended."""
        cdef Record* record = begin_record(self.ring)
        record.started_ns = exchange.began
        record.request_id_high = exchange.identity.id_high if exchange.own_id else 0
        record.request_id_low = exchange.identity.id_low if exchange.own_id else 0
        record.client_high = exchange.client_high
        record.client_low = exchange.client_low
        record.client_key = exchange.client_key
        record.bytes_in = exchange.bytes_in
        record.bytes_out = exchange.bytes_out
        record.observed = exchange.observed
        record.threshold = exchange.threshold
        record.total_us = microseconds(now - exchange.began)
        record.ttfb_us = NOT_MEASURED_US
        if exchange.answered and exchange.sent:
            record.ttfb_us = microseconds(exchange.answered - exchange.sent)
        record.own_us = microseconds((exchange.sent if exchange.sent else now) - exchange.began)
        record.generation = <uint32_t>exchange.revision
        record.route = NO_ROW if exchange.route is None else exchange.route.gates.row
        record.upstream = NO_ROW if exchange.group is None else exchange.group.gates.row
        record.endpoint = NO_ROW if exchange.endpoint is None else exchange.endpoint.row
        record.limit = exchange.limit_row
        record.host = exchange.kept.host
        record.agent = exchange.kept.agent
        record.status = <unsigned short>exchange.status
        record.method = method_number(exchange.method)
        record.protocol = <unsigned char>((0 if exchange.http10 else 1) | (TLS if exchange.client.door.tls else 0))
        record.decision = exchange.decision
        if record.decision == DECIDED_NOTHING:
            record.decision = DECIDED_GONE if exchange.gone else DECIDED_REFUSED * exchange.refused
        record.safeguard = exchange.safeguard
        record.attempts = <unsigned char>min(exchange.attempts, 255)
        record.flags = exchange.kept.flags | (SHADOW if exchange.shadowed else 0) | (
            NAMED_CLIENT if exchange.client_key != exchange.address_key else 0)
        record.unreached = <unsigned char>min(exchange.unreached, 255)
        record.version_size = exchange.kept.version_size
        memcpy(record.version, exchange.kept.version, exchange.kept.version_size)
        record.path_size = exchange.kept.path_size
        memcpy(record.path, exchange.kept.path, exchange.kept.path_size)
        commit_record(self.ring, record)
        return 0

    cdef int record_turned_away(self, ClientSide client, int status, uint64_t now) noexcept:
        """One record for what never became a request: of its head nothing can be believed."""
        cdef Record* record = begin_record(self.ring)
        memset(<char*>record + sizeof(uint64_t), 0, sizeof(Record) - sizeof(uint64_t))
        record.started_ns = now
        record.client_high = client.origin.client.high
        record.client_low = client.origin.client.low
        record.client_key = client.origin.client.key
        record.ttfb_us = NOT_MEASURED_US
        record.generation = <uint32_t>client.plane.serves
        record.route = record.upstream = record.endpoint = NO_ROW
        record.limit = NO_LIMIT
        record.status = <unsigned short>status
        record.method = method_number(0)
        record.decision = DECIDED_REFUSED
        commit_record(self.ring, record)
        return 0

    def __repr__(self):
        return f"<Recording {self.ring.next} of {self.ring.records} records>"


cdef inline uint32_t microseconds(uint64_t ns) noexcept nogil:
    return <uint32_t>min(ns // 1000, <uint64_t>NOT_MEASURED_US - 1)


cdef inline unsigned char method_number(uint32_t method) noexcept nogil:
    """The number of the method's bit (http1.Method); 255 = no method is known."""
    cdef unsigned char number = 0
    if method == 0:
        return 255
    while not method & 1:
        method >>= 1
        number += 1
    return number


cdef const char* family_in(const char* text, size_t size, size_t* family) noexcept:
    """The family of a user agent: its first product, or the browser that it is (RFC 9110 10.1.5)."""
    cdef const char* stop = <const char*>memchr(text, c'/', size)
    cdef const char* found
    cdef bytes name
    if size > 8 and memcmp(text, "Mozilla/", 8) == 0:
        for name in BROWSER_NAMES:
            found = find(text, size, name, len(name))
            if found != NULL:
                family[0] = len(name) - 1
                return found
    if stop == NULL:
        stop = <const char*>memchr(text, c' ', size)
    family[0] = <size_t>(stop - text) if stop != NULL and stop > text else size
    return text


def family_of(bytes agent):
    """The family in a User-Agent's value, for tests."""
    cdef size_t size = 0
    cdef const char* found = family_in(agent, len(agent), &size)
    return found[:size]
