"""Lines of an access log from flight records, compiled.

Rules:
- The path, host, agent and version of a record are what a stranger wrote. Only printable ASCII without quote and
  backslash goes into a line as it is; every other byte is escaped: `\\u00HH` in JSON, `\\xHH` in the combined format.
  So a line ends where the gateway ends it. Names of routes and the like are escaped too, once per `Words`.
- The page that lines are written to grows in `put`, which is the only place that writes to it.
- A record is copied before it is read, and its sizes are cut at the ends of its arrays.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset, strlen
from libc.time cimport strftime, time_t, tm

from gateway._recorder cimport FELL_BACK, PATH_BYTES, PATH_CUT, SHADOW, VERSION_BYTES, Record
from gateway.model.decisions import Decision, Safeguard
from gateway.record import flight

cdef extern from "<time.h>" nogil:
    tm* gmtime_r(const time_t* when, tm* parts)

cdef extern from "<arpa/inet.h>" nogil:
    enum: AF_INET
    enum: AF_INET6
    enum: INET6_ADDRSTRLEN
    const char* inet_ntop(int family, const void* address, char* text, unsigned int size)

cdef enum:
    NO_ROW = 0xFFFFFFFF
    NO_METHOD = 255
    TLS = 2                         # bit of `protocol`
    CLOCK_BYTES = 40
    NUMBER_BYTES = 20               # 2^64-1 in decimal
    FIRST_PAGE = 64 * 1024
    NANOSECONDS = 1_000_000_000

cdef int ISOLATION = Safeguard.ISOLATION, CLIENT_ISOLATION = Safeguard.CLIENT_ISOLATION   # flight.ISOLATIONS
cdef tuple OF_UPSTREAM = tuple(int(each) for each in flight.OF_UPSTREAM)
cdef char* HEX = b"0123456789abcdef"
cdef dict METHODS = {number: name.encode() for number, name in enumerate(flight.METHODS)}
cdef dict DECISIONS = {int(each): each.name.lower().encode() for each in Decision if each}
cdef dict SAFEGUARDS = {int(each): each.name.lower().encode() for each in Safeguard if each}

cdef struct Page:
    char* text
    size_t used
    size_t size


cdef class Words:
    """What the numbers in some records stand for, escaped for a form: `json` or `combined`.

    `utc_offset` makes UTC of the monotonic clock, in ns. Raises ValueError for another form.
    """

    cdef dict routes, upstreams, endpoints, limits, texts, incidents
    cdef uint64_t utc_offset
    cdef readonly bint json
    cdef const char* escape
    cdef time_t second                  # the one that `clock` shows
    cdef char clock[CLOCK_BYTES]

    def __init__(self, str form, uint64_t utc_offset, routes, upstreams, endpoints, limits, texts, incidents=None):
        if form not in ("json", "combined"):
            raise ValueError(f"no format of an access log: {form}")
        self.json = form == "json"
        self.escape = b"\\u00" if self.json else b"\\x"
        self.utc_offset = utc_offset
        self.second = -1
        self.routes, self.upstreams = self._escaped(routes), self._escaped(upstreams)
        self.endpoints, self.limits = self._escaped(endpoints), self._escaped(limits)
        self.texts = self._escaped(texts)
        self.incidents = {section: dict(numbers) for section, numbers in (incidents or {}).items()}

    def _escaped(self, names):
        return {number: self._text(name.encode("latin-1", "backslashreplace")) for number, name in names.items()}

    cdef bytes _text(self, bytes name):
        cdef Page page = Page(NULL, 0, 0)
        try:
            put_escaped(&page, name, len(name), self.escape)
            return page.text[: page.used] if page.used else b""
        finally:
            free(page.text)


def lines(bytes records, Words words, uint32_t worker):
    """A line for each of these records of a worker. Raises ValueError where they are not whole records."""
    cdef const char* p = records
    cdef size_t at = 0, size = len(records)
    cdef Page page = Page(NULL, 0, 0)
    cdef Record record
    if size % sizeof(Record):
        raise ValueError("a record is not whole")
    try:
        while at + sizeof(Record) <= size:
            memcpy(&record, p + at, sizeof(Record))
            record.path_size = min(record.path_size, <uint32_t>PATH_BYTES)
            record.version_size = min(record.version_size, <uint32_t>VERSION_BYTES)
            if words.json:
                json_line(&page, &record, words, worker)
            else:
                combined_line(&page, &record, words)
            at += sizeof(Record)
        return page.text[: page.used] if page.used else b""
    finally:
        free(page.text)


cdef int json_line(Page* page, const Record* record, Words words, uint32_t worker) except -1:
    """Left out: texts that are empty, flags that are false, times that were not measured."""
    cdef uint64_t incident
    say(page, b'{"time":"')
    put_time(page, record.started_ns, words)
    say(page, b'"')
    if record.client_high or record.client_low:
        say(page, b',"client":"')
        put_client(page, record)
        say(page, b'"')
    named(page, b',"method":"', METHODS, record.method)
    named(page, b',"host":"', words.texts, record.host)
    quoted(page, b',"path":"', record.path, record.path_size, words.escape, record.flags & PATH_CUT)
    number(page, b',"status":', record.status)
    named(page, b',"route":"', words.routes, record.route)
    named(page, b',"upstream":"', words.upstreams, record.upstream)
    named(page, b',"endpoint":"', words.endpoints, record.endpoint)
    number(page, b',"revision":', record.generation)
    number(page, b',"bytes_in":', record.bytes_in)
    number(page, b',"bytes_out":', record.bytes_out)
    milliseconds(page, b',"total_ms":', record.total_us)
    milliseconds(page, b',"ttfb_ms":', record.ttfb_us)
    milliseconds(page, b',"own_ms":', record.own_us)
    number(page, b',"attempts":', record.attempts)
    named(page, b',"decision":"', DECISIONS, record.decision)
    named(page, b',"safeguard":"', SAFEGUARDS, record.safeguard)
    named(page, b',"limit":"', words.limits, record.limit)
    incident = incident_of(record, words) if record.safeguard else 0
    if incident:
        number(page, b',"incident":', incident)
    if record.flags & SHADOW:
        say(page, b',"shadow":true')
    if record.flags & FELL_BACK:
        say(page, b',"fallback":true')
    named(page, b',"agent":"', words.texts, record.agent)
    quoted(page, b',"version":"', record.version, record.version_size, words.escape, False)
    if record.method != NO_METHOD:
        say(page, b',"protocol":"HTTP/1.1"' if record.protocol & 1 else b',"protocol":"HTTP/1.0"')
    if record.protocol & TLS:
        say(page, b',"tls":true')
    if record.request_id_high or record.request_id_low:
        say(page, b',"request_id":"')
        put_hex(page, record.request_id_high)
        put_hex(page, record.request_id_low)
        say(page, b'"')
    number(page, b',"worker":', worker)
    return say(page, b"}\n")


cdef uint64_t incident_of(const Record* record, Words words) except? 0:
    """As `flight.incident` has it."""
    if record.safeguard == ISOLATION or record.safeguard == CLIENT_ISOLATION:
        return record.observed >> 8
    if record.flags & SHADOW or not words.incidents:
        return 0
    if record.safeguard in OF_UPSTREAM:
        return words.incidents.get("upstreams", {}).get(record.upstream, 0)
    return words.incidents.get("routes", {}).get(record.route, 0)


cdef int combined_line(Page* page, const Record* record, Words words) except -1:
    """`%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`, with `-` for what is not recorded."""
    put_client(page, record)
    say(page, b" - - [")
    put_time(page, record.started_ns, words)
    say(page, b'] "')
    put_request_line(page, record, words)
    say(page, b'" ')
    put_digits(page, record.status, 3)
    number(page, b" ", record.bytes_out)
    say(page, b' "-" "')
    put_word(page, words.texts, record.agent)
    return say(page, b'"\n')


cdef int put_request_line(Page* page, const Record* record, Words words) except -1:
    if record.method == NO_METHOD:
        return say(page, b"-")
    put_word(page, METHODS, record.method)
    say(page, b" ")
    put_escaped(page, record.path, record.path_size, words.escape)
    return say(page, b" HTTP/1.1" if record.protocol & 1 else b" HTTP/1.0")


cdef inline int named(Page* page, const char* key, dict names, uint32_t number) except -1:
    """A member of a JSON object whose text is already escaped; `key` ends in the opening quote."""
    cdef bytes name = names.get(number)
    if name is None or len(name) == 0:
        return 0
    say(page, key)
    put(page, name, len(name))
    return say(page, b'"')


cdef inline int quoted(Page* page, const char* key, const char* text, size_t size, const char* escape,
                       bint cut) except -1:
    """A member of a JSON object with its text as a client or server wrote it; `cut` shows as an ellipsis."""
    if size == 0:
        return 0
    say(page, key)
    put_escaped(page, text, size, escape)
    return say(page, b'\\u2026"' if cut else b'"')


cdef inline int number(Page* page, const char* key, uint64_t value) except -1:
    say(page, key)
    return put_digits(page, value, 1)


cdef inline int milliseconds(Page* page, const char* key, uint32_t us) except -1:
    if us == NO_ROW:                                    # not measured
        return 0
    say(page, key)
    put_digits(page, us // 1000, 1)
    say(page, b".")
    return put_digits(page, us % 1000, 3)


cdef inline int put_word(Page* page, dict names, uint32_t number) except -1:
    """`-` for none."""
    cdef bytes name = names.get(number)
    if name is None or len(name) == 0:
        return say(page, b"-")
    return put(page, name, len(name))


cdef int put_time(Page* page, uint64_t started_ns, Words words) except -1:
    """RFC 3339 with milliseconds, or Apache's; in UTC both."""
    cdef uint64_t utc = started_ns + words.utc_offset
    cdef time_t second = <time_t>(utc // NANOSECONDS)
    cdef tm parts
    if second != words.second:
        memset(&parts, 0, sizeof(tm))
        gmtime_r(&second, &parts)
        strftime(words.clock, CLOCK_BYTES, b"%Y-%m-%dT%H:%M:%S." if words.json else b"%d/%b/%Y:%H:%M:%S +0000", &parts)
        words.second = second
    say(page, words.clock)
    if words.json:
        put_digits(page, utc % NANOSECONDS // 1_000_000, 3)
        say(page, b"Z")
    return 0


cdef int put_client(Page* page, const Record* record) except -1:
    """`-` for none: a Unix socket."""
    cdef uint8_t address[16]
    cdef char text[INET6_ADDRSTRLEN]
    cdef bint ipv4 = record.client_high == 0 and record.client_low >> 32 == 0xFFFF
    cdef int i
    if record.client_high == 0 and record.client_low == 0:
        return say(page, b"-")
    for i in range(8):
        address[i] = <uint8_t>(record.client_high >> (56 - 8 * i))
        address[8 + i] = <uint8_t>(record.client_low >> (56 - 8 * i))
    if ipv4:
        return put_ipv4(page, <uint32_t>record.client_low)
    if inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN) == NULL:
        return say(page, b"-")
    return say(page, text)


cdef int put_ipv4(Page* page, uint32_t address) except -1:
    put_digits(page, address >> 24, 1)
    number(page, b".", address >> 16 & 255)
    number(page, b".", address >> 8 & 255)
    return number(page, b".", address & 255)


cdef int put_escaped(Page* page, const char* text, size_t size, const char* escape) except -1:
    cdef size_t at = 0, start
    cdef char digits[2]
    while at < size:
        start = at
        while at < size and is_plain(text[at]):
            at += 1
        put(page, text + start, at - start)
        if at < size:
            digits[0] = HEX[<uint8_t>text[at] >> 4]
            digits[1] = HEX[<uint8_t>text[at] & 15]
            say(page, escape)
            put(page, digits, 2)
            at += 1
    return 0


cdef inline bint is_plain(char c) noexcept nogil:
    return 0x20 <= c < 0x7F and c != c'"' and c != c'\\'


cdef int put_digits(Page* page, uint64_t value, int least) except -1:
    """In decimal, with zeros in front up to `least` digits, at most NUMBER_BYTES."""
    cdef char digits[NUMBER_BYTES]
    cdef int at = NUMBER_BYTES
    while at > 0 and (value or NUMBER_BYTES - at < least):
        at -= 1
        digits[at] = <char>(c'0' + value % 10)
        value //= 10
    return put(page, digits + at, NUMBER_BYTES - at)


cdef int put_hex(Page* page, uint64_t value) except -1:
    cdef char digits[16]
    cdef int i
    for i in range(16):
        digits[i] = HEX[value >> (60 - 4 * i) & 15]
    return put(page, digits, 16)


cdef inline int say(Page* page, const char* text) except -1:
    return put(page, text, strlen(text))


cdef inline int put(Page* page, const char* text, size_t size) except -1:
    """Raises MemoryError."""
    if size > page.size - page.used:
        grow(page, size)
    memcpy(page.text + page.used, text, size)
    page.used += size
    return 0


cdef int grow(Page* page, size_t size) except -1:
    """Room for `size` bytes more."""
    cdef size_t wanted = max(<size_t>FIRST_PAGE, 2 * page.size, page.used + size)
    cdef char* text = <char*>realloc(page.text, wanted)
    if text == NULL:
        raise MemoryError
    page.text = text
    page.size = wanted
    return 0
