"""Recorded requests as rows: read from the combined log format, from flight records or from plain records, with no
object but per client.

A line is `client - user [17/May/2015:10:05:03 +0000] "GET /path?query HTTP/1.1" 200 …`, with the virtual host before it
(`vhost_combined`) or without. Anything else is counted as unread. A log is in the order of endings, so each block of
lines is put into the order of times; what the two orders of two blocks disagree about is the replay's to count.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, qsort, realloc
from libc.string cimport memchr, memcmp, memset

from gateway._recorder cimport PATH_BYTES, PATH_CUT, TEXT_BYTES, Record

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

import ipaddress

from gateway import _limiter
from gateway.routing import trie

cdef enum:
    MOST_CLIENTS = 1_000_000        # what comes later is counted as one, and decided for its own
    OTHERS = 0
    TIME_SIZE = 26                  # of `17/May/2015:10:05:03 +0000`
    SECOND = 1_000_000_000
    NEVER_A_REQUEST = 255           # the method of what was turned away before it had one
    HOSTS = 1024                    # interned texts of a worker: board/capacity.py
    KNOWN_FIRST = 1024

cdef const char* MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
cdef dict BITS = {name.encode(): bit for name, bit in trie.METHOD_BITS.items()}
cdef tuple METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "other")      # as records number them
cdef uint32_t OTHER = trie.OTHER_METHOD
cdef uint32_t GET = BITS[b"GET"]
cdef bytes NAMES = "".join(METHODS).encode()
cdef uint32_t[8] METHOD_SIZES = [len(name) for name in METHODS]
cdef uint32_t[8] METHOD_AT = [sum(map(len, METHODS[:bit])) for bit in range(8)]
for bit, name in enumerate(METHODS[:7]):
    if BITS[name.encode()] != 1 << bit:
        raise ImportError("routing/trie.py and record/flight.py number the methods otherwise")


cdef class Clients:
    """Clients by number, in the order of their first request; 0 stands for those that had no room."""

    def __init__(self, seed: tuple[int, int]) -> None:
        self.seed = seed
        self.numbers = {}
        self.names = ["others"]

    def __dealloc__(self):
        free(self.keys)
        free(self.known)

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

    cdef uint32_t number_of_key(self, uint64_t key, uint64_t high, uint64_t low) except? 0xFFFFFFFF:
        """Of a flight record, which knows the client by its key; its address is the name."""
        cdef size_t at
        if self.room:
            at = key & (self.room - 1)
            while self.known[at].key:
                if self.known[at].key == key:
                    return self.known[at].number
                at = (at + 1) & (self.room - 1)
        return self.remember(key, high, low)

    cdef uint32_t remember(self, uint64_t key, uint64_t high, uint64_t low) except? 0xFFFFFFFF:
        cdef size_t at
        cdef uint32_t number = self.number_of(address_of(high, low) or b"client %016x" % key)
        if key == 0 or self.taken >= MOST_CLIENTS:
            return number
        self.make_room()
        at = key & (self.room - 1)
        while self.known[at].key:
            at = (at + 1) & (self.room - 1)
        self.known[at].key, self.known[at].number = key, number
        self.taken += 1
        return number

    cdef int make_room(self) except -1:
        cdef Known* before = self.known
        cdef size_t i, at, room = self.room
        if 2 * (self.taken + 1) <= room:
            return 0
        self.known = <Known*>calloc(max(2 * room, <size_t>KNOWN_FIRST), sizeof(Known))
        if self.known == NULL:
            self.known = before
            raise MemoryError
        self.room = max(2 * room, <size_t>KNOWN_FIRST)
        for i in range(room):
            if before[i].key:
                at = before[i].key & (self.room - 1)
                while self.known[at].key:
                    at = (at + 1) & (self.room - 1)
                self.known[at] = before[i]
        free(before)
        return 0

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

    def read_flight(self, parts: list, since_ns: int = 0) -> None:
        """Parts of whole flight records, one after the other: (records, what makes UTC of their clock, their interned
        texts). Those from before `since_ns` are left out. Raises ValueError above 2 GiB, and MemoryError."""
        cdef Py_ssize_t at = 0
        self.text = b"".join([piece for raw, _, texts in parts for piece in (raw, NAMES, *names_behind(texts))])
        if len(self.text) >= 1 << 31:
            raise ValueError("a block of records may have 2 GiB; read it in smaller ones")
        for raw, offset, texts in parts:
            hosts = hosts_of(texts)
            self.read_part(at, len(raw) // <Py_ssize_t>sizeof(Record), hosts, offset, since_ns)
            at += len(raw) + len(NAMES) + sum(map(len, names_behind(texts)))
        self.sort()

    cdef int read_part(self, Py_ssize_t at, Py_ssize_t count, dict hosts, uint64_t offset, uint64_t since) except -1:
        """Of `count` records at text[at:], behind which the names of methods and hosts follow."""
        cdef uint32_t host_at[1025]
        cdef uint32_t host_size[1025]
        cdef const char* text = <const char*>(<bytes>self.text)
        cdef uint32_t names = <uint32_t>(at + count * <Py_ssize_t>sizeof(Record)), behind = names + <uint32_t>len(NAMES)
        cdef const Record* record = <const Record*>(text + at)
        cdef Py_ssize_t _i
        memset(host_at, 0, sizeof(host_at))
        memset(host_size, 0, sizeof(host_size))
        for number, host in hosts.items():
            host_at[<uint32_t>number], host_size[<uint32_t>number] = behind, <uint32_t>len(<bytes>host)
            behind += <uint32_t>len(<bytes>host)
        for _i in range(count):
            self.read_one(record, <uint32_t>(<const char*>&record.path[0] - text), names, host_at, host_size, offset,
                          since)
            record += 1
        return 0

    cdef int read_one(self, const Record* record, uint32_t path_at, uint32_t names, const uint32_t* host_at,
                      const uint32_t* host_size, uint64_t offset, uint64_t since) except -1:
        cdef Row* row = self.next_row()
        cdef uint32_t method = record.method, host = record.host if record.host <= HOSTS else 0
        if method == NEVER_A_REQUEST:
            self.unread += 1
            return 0
        row.time = record.started_ns + offset
        if row.time < since:
            return 0
        method = min(method, <uint32_t>7)
        row.method_bit = 1 << method
        row.method_at, row.method_size = names + METHOD_AT[method], METHOD_SIZES[method]
        row.host_at, row.host_size = host_at[host], host_size[host]
        row.path_at, row.path_size = path_at, min(<uint32_t>record.path_size, <uint32_t>PATH_BYTES)
        row.known = CUT if record.flags & PATH_CUT else WHOLE
        if host_size[host] == TEXT_BYTES or method == 7:
            row.known = PARTLY
        row.client_key = record.client_key
        row.client = self.clients.number_of_key(record.client_key, record.client_high, record.client_low)
        self.count += 1
        return 0

    def times_and_keys(self) -> tuple[bytes, bytes]:
        """Of all rows in their order, each eight bytes, little-endian."""
        cdef uint32_t i
        cdef bytes times = PyBytes_FromStringAndSize(NULL, 8 * self.count)
        cdef bytes keys = PyBytes_FromStringAndSize(NULL, 8 * self.count)
        cdef uint64_t* time = <uint64_t*>PyBytes_AS_STRING(times)
        cdef uint64_t* key = <uint64_t*>PyBytes_AS_STRING(keys)
        for i in range(self.count):
            time[i] = self.rows[i].time
            key[i] = self.rows[i].client_key
        return times, keys

    def add_arrivals(self, times: bytes, keys: bytes, like: bytes) -> None:
        """Requests that no record was kept of: when, whose, and which row they are taken to be like, eight bytes each.
        Raises IndexError, or ValueError where there are not as many of each."""
        cdef const uint64_t* time = <const uint64_t*><const char*>times
        cdef const uint64_t* key = <const uint64_t*><const char*>keys
        cdef const uint64_t* of = <const uint64_t*><const char*>like
        cdef Py_ssize_t i, known = self.count
        cdef Row* row
        if not len(times) == len(keys) == len(like) or len(times) % 8:
            raise ValueError(f"{len(times)}, {len(keys)} and {len(like)} bytes are no rows")
        for i in range(len(times) // 8):
            if of[i] >= <uint64_t>known:
                raise IndexError(f"no row {of[i]} of {known}")
            row = self.next_row()
            row[0] = self.rows[of[i]]
            row.order, row.time, row.client_key = self.count, time[i], key[i]
            row.client = self.clients.number_of_key(key[i], 0, 0)
            self.count += 1
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
        self.rows[self.count].known = WHOLE
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


cdef dict hosts_of(texts):
    """The interned texts by their numbers; 0 is another one, that nobody knows."""
    return {number: text.encode("latin-1") for number, text in texts.items() if 0 < number <= HOSTS}


cdef list names_behind(texts):
    """What follows the names of methods: the hosts, and as much as keeps the next records aligned."""
    hosts = list(hosts_of(texts).values())
    return [*hosts, bytes(-(len(NAMES) + sum(map(len, hosts))) % 8)]


cdef bytes address_of(uint64_t high, uint64_t low):
    """An address as people write it; empty for none."""
    if high == 0 and low == 0:
        return b""
    address = ipaddress.IPv6Address(int(high) << 64 | int(low))
    return str(address.ipv4_mapped or address).encode()


def unkept(times: bytes, keys: bytes, kept_times: bytes, kept_keys: bytes, within: int) -> bytes:
    """Which arrivals have no record: a byte each, 1 for those. Both are in the order of their keys, then of times; a
    record is of an arrival of the same key whose time differs by no more than `within` ns, and of one only.

    Raises ValueError where there are not as many times as keys.
    """
    cdef const uint64_t* at = <const uint64_t*><const char*>times
    cdef const uint64_t* key = <const uint64_t*><const char*>keys
    cdef const uint64_t* kept_at = <const uint64_t*><const char*>kept_times
    cdef const uint64_t* kept_key = <const uint64_t*><const char*>kept_keys
    cdef Py_ssize_t i, j = 0, count = len(times) // 8, kept = len(kept_times) // 8
    cdef uint64_t apart = within
    cdef bytes found = PyBytes_FromStringAndSize(NULL, count)
    cdef char* mark = PyBytes_AS_STRING(found)
    if len(times) != len(keys) or len(kept_times) != len(kept_keys):
        raise ValueError("as many times as keys are needed")
    for i in range(count):
        while j < kept and (kept_key[j] < key[i] or (kept_key[j] == key[i] and kept_at[j] + apart < at[i])):
            j += 1
        mark[i] = 1
        if j < kept and kept_key[j] == key[i] and kept_at[j] <= at[i] + apart:
            mark[i] = 0
            j += 1
    return found


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
