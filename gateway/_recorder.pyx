"""The Python face of the flight recorder: `write` for the slow path and for tests, `read` for whoever spools it.

Readers take the mapped board and the offset of a ring (`Board.ring(worker).at`) and check them against the board's end.
"""
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcpy

from gateway._fastpath cimport load

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

RECORD_BYTES = sizeof(Record)
NO_ROW = 0xFFFFFFFFU


def read(const unsigned char[::1] board not None, ring: int, after: int, most: int) -> tuple[list[bytes], int, int]:
    """Up to `most` whole records that follow number `after`: (records of RECORD_BYTES, number of the last one looked
    at, how many were lost to overwriting or torn). Raises ValueError if the ring is not within the board.
    """
    cdef const Ring* head = ring_within(board, ring)
    cdef uint64_t last = load(&head.next), sequence = after, lost = 0
    cdef Record copy
    found = []
    if last > head.records and sequence < last - head.records:
        lost = last - head.records - sequence
        sequence = last - head.records
    while sequence < last and <uint64_t>len(found) < <uint64_t>most:
        sequence += 1
        if read_record(head, sequence, &copy):
            found.append((<char*>&copy)[:sizeof(Record)])
        else:
            lost += 1
    return found, sequence, lost


def drain(const unsigned char[::1] board not None, ring: int, after: int, most: int) -> tuple[bytes, int, int]:
    """As `read`, the records one after the other in one bytes: for many at a time."""
    cdef const Ring* head = ring_within(board, ring)
    cdef uint64_t last = load(&head.next), sequence = after, lost = 0, taken = 0, room
    cdef bytes found
    cdef Record* copies
    if last > head.records and sequence < last - head.records:
        lost = last - head.records - sequence
        sequence = last - head.records
    room = min(<uint64_t>max(most, 0), last - sequence if last > sequence else 0)
    found = PyBytes_FromStringAndSize(NULL, room * sizeof(Record))
    copies = <Record*>PyBytes_AS_STRING(found)
    while sequence < last and taken < room:
        sequence += 1
        if read_record(head, sequence, &copies[taken]):
            taken += 1
        else:
            lost += 1
    return found[: taken * sizeof(Record)], sequence, lost


cdef const Ring* ring_within(const unsigned char[::1] board, Py_ssize_t at) except NULL:
    """The ring at an offset, after checking that all its records lie within the board."""
    cdef Py_ssize_t left = board.shape[0] - at
    cdef const Ring* ring
    if at < 0 or left < <Py_ssize_t>sizeof(Ring):
        raise ValueError(f"no ring fits at offset {at} of a board of {board.shape[0]} bytes")
    ring = <const Ring*>&board[at]
    if ring.records == 0 or ring.records > (<uint64_t>left - sizeof(Ring)) // sizeof(Record):
        raise ValueError(f"the ring at offset {at} has {ring.records} records, more than the board has room for")
    return ring


def write(ring: int, fields: bytes, target: bytes, version: bytes) -> int:
    """Write one record at the address that `WorkerBoard.ring` gives, and return its number.

    `fields`: RECORD_BYTES as in the layout; sequence, path and version in it do not matter. Raises ValueError.
    """
    cdef Ring* head = <Ring*><uintptr_t>ring
    cdef Record* record
    cdef const char* given = fields
    if len(fields) != sizeof(Record):
        raise ValueError(f"a record is {sizeof(Record)} bytes, not {len(fields)}")
    record = begin_record(head)
    memcpy(<char*>record + sizeof(uint64_t), given + sizeof(uint64_t), sizeof(Record) - sizeof(uint64_t))
    record_path(record, target, len(target))
    record_version(record, version, len(version))
    commit_record(head, record)
    return head.next


def begin(ring: int) -> None:
    """Clear the place of the next record, as a worker that dies in the middle of it leaves it."""
    begin_record(<Ring*><uintptr_t>ring)


def intern(table: tuple[int, int], key: int, text: bytes) -> int:
    """The number of a text in `WorkerBoard.interned`, 0 when there is no room."""
    return intern_text(<Interned*><uintptr_t>table[0], table[1], key, text, len(text))


def layout() -> dict[str, dict[str, int]]:
    """Each compiled row: the offset of every field, and its size under "sizeof"."""
    cdef Ring* ring = NULL
    cdef Interned* interned = NULL
    cdef Record* record = NULL
    return {
        "Ring": {
            "next": <uintptr_t>&ring.next, "records": <uintptr_t>&ring.records,
            "spooled": <uintptr_t>&ring.spooled, "reserved": <uintptr_t>&ring.reserved[0], "sizeof": sizeof(Ring),
        },
        "Interned": {
            "hash": <uintptr_t>&interned.hash, "size": <uintptr_t>&interned.size,
            "text": <uintptr_t>&interned.text[0], "sizeof": sizeof(Interned),
        },
        "Record": {
            "sequence": <uintptr_t>&record.sequence, "started_ns": <uintptr_t>&record.started_ns,
            "request_id_high": <uintptr_t>&record.request_id_high,
            "request_id_low": <uintptr_t>&record.request_id_low, "client_high": <uintptr_t>&record.client_high,
            "client_low": <uintptr_t>&record.client_low, "client_key": <uintptr_t>&record.client_key,
            "bytes_in": <uintptr_t>&record.bytes_in, "bytes_out": <uintptr_t>&record.bytes_out,
            "observed": <uintptr_t>&record.observed, "threshold": <uintptr_t>&record.threshold,
            "total_us": <uintptr_t>&record.total_us, "ttfb_us": <uintptr_t>&record.ttfb_us,
            "own_us": <uintptr_t>&record.own_us, "generation": <uintptr_t>&record.generation,
            "route": <uintptr_t>&record.route, "upstream": <uintptr_t>&record.upstream,
            "endpoint": <uintptr_t>&record.endpoint, "limit": <uintptr_t>&record.limit,
            "host": <uintptr_t>&record.host, "agent": <uintptr_t>&record.agent, "status": <uintptr_t>&record.status,
            "path_size": <uintptr_t>&record.path_size, "method": <uintptr_t>&record.method,
            "protocol": <uintptr_t>&record.protocol, "decision": <uintptr_t>&record.decision,
            "safeguard": <uintptr_t>&record.safeguard, "attempts": <uintptr_t>&record.attempts,
            "flags": <uintptr_t>&record.flags, "version_size": <uintptr_t>&record.version_size,
            "unreached": <uintptr_t>&record.unreached, "version": <uintptr_t>&record.version[0],
            "path": <uintptr_t>&record.path[0], "sizeof": sizeof(Record),
        },
    }
