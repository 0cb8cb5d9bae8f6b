"""Recorded requests as rows: read from the combined log format or from plain records, with no object but per client.

A line is `client - user [17/May/2015:10:05:03 +0000] "GET /path?query HTTP/1.1" 200 …`, with the virtual host before it
(`vhost_combined`) or without. Anything else is counted as unread. A log is in the order of endings, so each block of
lines is put into the order of times; what the two orders of two blocks disagree about is the replay's to count.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, qsort, realloc
from libc.string cimport memchr, memcmp

import ipaddress

from gateway import _limiter
from gateway.routing import trie

cdef enum:
    MOST_CLIENTS = 1_000_000        # what comes later is counted as one, and decided for its own
    OTHERS = 0
    TIME_SIZE = 26                  # of `17/May/2015:10:05:03 +0000`
    SECOND = 1_000_000_000

cdef const char* MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
cdef dict BITS = {name.encode(): bit for name, bit in trie.METHOD_BITS.items()}
cdef uint32_t OTHER = trie.OTHER_METHOD
cdef uint32_t GET = BITS[b"GET"]


cdef class Clients:
    """Clients by number, in the order of their first request; 0 stands for those that had no room."""

    def __init__(self, seed: tuple[int, int]) -> None:
        self.seed = seed
        self.numbers = {}
        self.names = ["others"]

    def __dealloc__(self):
        free(self.keys)

    cdef uint32_t number_of(self, bytes name) except? 0xFFFFFFFF:
        cdef uint64_t* grown
        found = self.numbers.get(name)
        if found is not None:
            return found
        number = len(self.names)
        if number >= MOST_CLIENTS:
            return OTHERS
        if number & (number - 1) == 0:              # a power of two: full, or not there yet
            grown = <uint64_t*>realloc(self.keys, 2 * number * sizeof(uint64_t))
            if grown == NULL:
                raise MemoryError
            self.keys = grown
        self.keys[number] = self.key_of(name)
        self.names.append(name.decode("latin-1"))
        self.numbers[name] = number
        return number

    def key_of(self, name: bytes) -> int:
        """As dataplane/clients.pyx: the hash of the 16 bytes of an address; of another name, that of its text."""
        try:
            parsed = ipaddress.ip_address(name.decode("latin-1"))
        except ValueError:
            return _limiter.hash_key(name, self.seed) or 1
        packed = parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed
        return _limiter.hash_key(packed, self.seed) or 1

    def __len__(self) -> int:
        return len(self.names)


cdef class Requests:
    """One block of requests. `clients` outlives it, as the next block has the same."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.text = b""

    def __dealloc__(self):
        free(self.rows)

    def read_lines(self, text: bytes, host: bytes = b"", since_ns: int = 0) -> None:
        """Whole lines of a log; `host`: who was asked where the log does not say. Requests before `since_ns` (UTC) are
        left out. Raises ValueError above 2 GiB, and MemoryError."""
        cdef Py_ssize_t at = 0, end, size = len(text)
        cdef const char* p
        cdef const char* newline
        cdef uint32_t i
        if size + len(host) >= 1 << 31:
            raise ValueError("a block of a log may have 2 GiB; read it in smaller ones")
        self.text = text + host
        p = self.text
        while at < size:
            newline = <const char*>memchr(p + at, c'\n', size - at)
            end = size if newline == NULL else newline - p
            if end > at:
                self.read_line(p, at, end, since_ns)
            at = end + 1
        for i in range(self.count):
            if self.rows[i].host_size == 0:
                self.rows[i].host_at = <uint32_t>size
                self.rows[i].host_size = <uint32_t>len(host)
        self.sort()

    def read_records(self, records: object) -> None:
        """(time in ns, method, host, path, client) each; the last four bytes. Raises MemoryError."""
        cdef Row* row
        text = bytearray()
        for time, method, host, path, client in records:
            row = self.next_row()
            row.time = time
            row.method_bit = BITS.get(method, OTHER)
            row.method_at, row.method_size = len(text), len(method)
            row.host_at, row.host_size = row.method_at + row.method_size, len(host)
            row.path_at, row.path_size = row.host_at + row.host_size, len(path)
            self.put_client(row, client)
            text += method + host + path
            self.count += 1
        self.text = bytes(text)
        self.sort()

    cdef Row* next_row(self) except NULL:
        """The row behind the last one, of which the order is set: it counts once `count` is moved on."""
        cdef Row* grown
        if self.count == self.room:
            grown = <Row*>realloc(self.rows, 2 * (self.room + 512) * sizeof(Row))
            if grown == NULL:
                raise MemoryError
            self.rows = grown
            self.room = 2 * (self.room + 512)
        self.rows[self.count].order = self.count
        return &self.rows[self.count]

    cdef int put_client(self, Row* row, bytes name) except -1:
        row.client = self.clients.number_of(name)
        row.client_key = self.clients.key_of(name) if row.client == OTHERS else self.clients.keys[row.client]
        return 0

    cdef int read_line(self, const char* p, Py_ssize_t at, Py_ssize_t end, uint64_t since) except -1:
        """Keep the request of the line p[at:end], or count it as unread."""
        cdef Row* row = self.next_row()
        cdef Py_ssize_t bracket = position(p, at, end, c'['), first = position(p, at, end, c' ')
        cdef Py_ssize_t client = at, client_end = first, quote, space, last
        cdef int64_t time
        row.host_size = 0
        if bracket < 0 or first < 0 or first > bracket or end - bracket < TIME_SIZE + 5:
            self.unread += 1
            return 0
        if spaces(p, at, bracket) == 4:             # the virtual host comes first
            row.host_at = <uint32_t>at
            row.host_size = <uint32_t>(host_end(p, at, first) - at)
            client = first + 1
            client_end = position(p, client, bracket, c' ')
        time = seconds_of(p + bracket + 1)
        quote = bracket + TIME_SIZE + 3             # `[time] "`
        space = position(p, quote + 1, end, c' ')
        if time < 0 or p[quote] != c'"' or space <= quote + 1:
            self.unread += 1
            return 0
        last = path_end(p, space + 1, end)
        if last <= space + 1 or last >= end or (p[space + 1] != c'/' and p[space + 1] != c'*'):
            self.unread += 1
            return 0
        row.time = <uint64_t>time * SECOND
        if row.time < since:
            return 0
        row.method_at, row.method_size = <uint32_t>(quote + 1), <uint32_t>(space - quote - 1)
        row.method_bit = GET if memcmp(p + quote + 1, "GET ", 4) == 0 else BITS.get(p[quote + 1:space], OTHER)
        row.path_at, row.path_size = <uint32_t>(space + 1), <uint32_t>(last - space - 1)
        self.put_client(row, p[client:client_end])
        self.count += 1
        return 0

    cdef void sort(self) noexcept:
        cdef uint32_t i
        for i in range(1, self.count):
            if self.rows[i].time < self.rows[i - 1].time:
                qsort(self.rows, self.count, sizeof(Row), earlier)
                return

    def rows_as_text(self) -> list[tuple[int, str, str, str, str]]:
        """(time ns, client, method, host, path) of every request, for tests."""
        cdef Row* row
        cdef uint32_t i
        found = []
        for i in range(self.count):
            row = &self.rows[i]
            found.append((row.time, self.clients.names[row.client], *(
                self.text[at:at + size].decode("latin-1") for at, size in (
                    (row.method_at, row.method_size), (row.host_at, row.host_size), (row.path_at, row.path_size)))))
        return found

    def __len__(self) -> int:
        return self.count


cdef int earlier(const void* one, const void* other) noexcept nogil:
    """By time, then by order of reading."""
    cdef const Row* a = <const Row*>one
    cdef const Row* b = <const Row*>other
    if a.time != b.time:
        return -1 if a.time < b.time else 1
    return -1 if a.order < b.order else 1


cdef inline Py_ssize_t position(const char* p, Py_ssize_t at, Py_ssize_t end, char what) noexcept nogil:
    cdef const char* found = <const char*>memchr(p + at, what, end - at) if at < end else NULL
    return -1 if found == NULL else found - p


cdef inline int spaces(const char* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    cdef int count = 0
    while at < end:
        count += p[at] == c' '
        at += 1
    return count


cdef inline Py_ssize_t host_end(const char* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Where the port of `host:port` begins."""
    cdef Py_ssize_t i = end - 1
    while i > at and c'0' <= p[i] <= c'9':
        i -= 1
    return i if p[i] == c':' else end


cdef inline Py_ssize_t path_end(const char* p, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Where the path of a target ends: at its query, the space before the version, or the quote."""
    while at < end and p[at] != c'?' and p[at] != c' ' and p[at] != c'"':
        at += 1
    return at


cdef inline int64_t number(const char* p, int digits) noexcept nogil:
    """A number of so many digits; a large negative one where one is no digit."""
    cdef int64_t value = 0
    cdef int i
    for i in range(digits):
        if not c'0' <= p[i] <= c'9':
            return -(<int64_t>1 << 40)
        value = value * 10 + p[i] - c'0'
    return value


cdef inline int64_t seconds_of(const char* p) noexcept nogil:
    """UTC seconds of the TIME_SIZE bytes `17/May/2015:10:05:03 +0000`; negative where it is no time since 1970."""
    cdef int64_t year = number(p + 7, 4), day = number(p, 2), month = 0, days, seconds, shift
    while month < 12 and memcmp(MONTHS + 3 * month, p + 3, 3) != 0:
        month += 1
    seconds = number(p + 12, 2) * 3600 + number(p + 15, 2) * 60 + number(p + 18, 2)
    shift = number(p + 22, 2) * 3600 + number(p + 24, 2) * 60
    if month == 12 or year < 1970 or day < 1 or day > 31 or seconds < 0 or shift < 0:
        return -1
    month += 1
    year -= month <= 2                              # years that begin in March (Hinnant, days_from_civil)
    days = (year // 400) * 146097 - 719468 + (year % 400) * 365 + (year % 400) // 4 - (year % 400) // 100
    days += (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return days * 86400 + seconds + (shift if p[21] == c'-' else -shift)
