"""The flight recorder: one ring per worker on the board, one fixed-size record for every request.

The sequence number of a record is cleared before anything in it changes and stored when all of it is written, so a
reader that finds the same number before and after its copy has a whole record. `next` moves on at the commit: what a
dying worker left half written is cleared, and its successor writes over it. The oldest records are overwritten.
"""
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from gateway._fastpath cimport load, store

cdef extern from * nogil:
    """
    static inline void gateway_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
    """
    void fence "gateway_fence"() noexcept

cdef enum:
    PATH_BYTES = 96
    VERSION_BYTES = 20
    TEXT_BYTES = 48
    PROBES = 8                      # places where an interned text may be

cdef enum RecordFlags:
    PATH_CUT = 1
    SHADOW = 2                      # the decision was one of a safeguard in shadow mode: the request passed
    FELL_BACK = 4                   # a fallback answered
    NAMED_CLIENT = 8                # the client's key is not its address's: `clients.key`

cdef struct Ring:
    uint64_t next                   # how many records were ever committed; the next one's number is one more
    uint64_t records                # a power of two
    uint64_t spooled                # the last one that control has read: its successor goes on there
    uint64_t reserved[5]

cdef struct Record:
    uint64_t sequence
    uint64_t started_ns
    uint64_t request_id_high
    uint64_t request_id_low
    uint64_t client_high            # address, IPv4 as mapped IPv6, network order read as big-endian numbers
    uint64_t client_low
    uint64_t client_key             # keyed hash
    uint64_t bytes_in
    uint64_t bytes_out
    uint64_t observed               # what the deciding safeguard saw, and what it allows
    uint64_t threshold
    uint32_t total_us
    uint32_t ttfb_us                # 2^32-1 = not measured
    uint32_t own_us
    uint32_t generation
    uint32_t route                  # rows on the board; 2^32-1 = none
    uint32_t upstream
    uint32_t endpoint
    uint32_t limit
    uint32_t host                   # interned; 0 = another
    uint32_t agent
    uint16_t status
    uint16_t path_size
    uint8_t method
    uint8_t protocol
    uint8_t decision
    uint8_t safeguard
    uint8_t attempts
    uint8_t flags
    uint8_t version_size
    uint8_t unreached               # tries of it that found no endpoint to connect to
    char version[20]
    char path[96]

cdef struct Interned:
    uint64_t hash                   # 0 = free; stored last
    uint64_t size
    char text[48]


cdef inline Record* begin_record(Ring* ring) noexcept nogil:
    """The place of the next record, cleared: fill every field but `sequence`, then `commit_record`."""
    cdef Record* record = <Record*>(ring + 1) + (ring.next & (ring.records - 1))
    store(&record.sequence, 0)
    fence()
    return record


cdef inline void commit_record(Ring* ring, Record* record) noexcept nogil:
    store(&record.sequence, ring.next + 1)
    store(&ring.next, ring.next + 1)


cdef inline void record_path(Record* record, const char* target, size_t size) noexcept nogil:
    """The path of a request target: without its query, cut at PATH_BYTES."""
    cdef size_t i = 0, most = min(size, <size_t>PATH_BYTES)
    while i < most and target[i] != c'?':
        i += 1
    memcpy(record.path, target, i)
    record.path_size = <uint16_t>i
    if i == PATH_BYTES and size > i and target[i] != c'?':
        record.flags |= PATH_CUT


cdef inline void record_version(Record* record, const char* text, size_t size) noexcept nogil:
    record.version_size = <uint8_t>min(size, <size_t>VERSION_BYTES)
    memcpy(record.version, text, record.version_size)


cdef inline uint32_t intern_text(Interned* table, uint32_t rows, uint64_t hash, const char* text,
                                 size_t size) noexcept nogil:
    """The number (1..rows) of a text by its keyed hash; 0 when there is no room for it. `rows` is a power of two."""
    cdef uint32_t i, at
    cdef Interned* row
    hash |= 1
    for i in range(<uint32_t>PROBES):
        at = <uint32_t>((hash >> 1) + i) & (rows - 1)
        row = &table[at]
        if row.hash == hash:
            return at + 1
        if row.hash == 0:
            row.size = min(size, <size_t>TEXT_BYTES)
            memcpy(row.text, text, row.size)
            store(&row.hash, hash)
            return at + 1
    return 0


cdef inline bint read_record(const Ring* ring, uint64_t sequence, Record* copy) noexcept nogil:
    """Copy the record of this number; False if it is overwritten, not yet written, or was written over meanwhile."""
    cdef const Record* record = <const Record*>(ring + 1) + ((sequence - 1) & (ring.records - 1))
    if sequence == 0 or load(&record.sequence) != sequence:
        return False
    memcpy(copy, record, sizeof(Record))
    fence()
    return load(&record.sequence) == sequence
