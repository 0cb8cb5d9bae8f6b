# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""Loops over the compiled leaves, for `leaf_cost.py`: each returns the nanoseconds that `times` calls took together."""
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memset

from gateway._fastpath cimport UpstreamCounters, clock_ns, count_upstream
from gateway._gates cimport (
    ClientRule, Control, Permits, breaker_admits, breaker_takes, concurrency_of, count_consecutive, give_permit,
    isolated, rank_of, rule_of, sheds, take_permit,
)
from gateway._limiter cimport (
    ClientSlot, ClientTable, Limit, LimiterCounters, gcra, gcra_of_client, limit_of, siphash13,
)
from gateway._recorder cimport Interned, Record, Ring, begin_record, commit_record, intern_text, record_path


cdef uint64_t sink = 0
cdef uint64_t moment = 1_000_000_000    # goes on from round to round, so that each finds its limit refilled


def last() -> int:
    """What the last loop found: read, so that no compiler may leave its work out."""
    return sink


def loop_clock(times: int) -> int:
    cdef uint64_t i, n = times, start = clock_ns()
    for i in range(n):
        clock_ns()
    return clock_ns() - start


def loop_hash(key: bytes, times: int) -> int:
    global sink
    cdef const unsigned char[::1] view = key
    cdef uint64_t i, n = times, x = 0, start = clock_ns()
    for i in range(n):
        x ^= siphash13(&view[0], view.shape[0], x, i)
    sink = x
    return clock_ns() - start


def loop_gcra(arrival: int, counters: tuple, rate: int, times: int) -> int:
    global sink, moment
    cdef ClientTable table
    cdef uint64_t* word = <uint64_t*><uintptr_t>arrival
    cdef uint64_t i, n = times, x = 0, start = clock_ns()
    cdef Limit limit = limit_of(1_000_000_000, rate, 100)
    fill(&table, counters)
    for i in range(n):
        moment += 50
        x += gcra(word, moment, limit, 1, table.counters).wait
    sink = x
    return clock_ns() - start


def loop_clients(where: tuple, keys: int, times: int) -> int:
    """Keys in an order that no prefetcher knows."""
    global sink, moment
    cdef ClientTable table
    cdef uint64_t i, n = times, k = keys, x = 0, at = 1, start
    cdef Limit limit = limit_of(1_000_000_000, 1000, 100)
    fill(&table, where)
    start = clock_ns()
    for i in range(n):
        at = at * 6364136223846793005ULL + 1442695040888963407ULL
        moment += 2_000_000
        x += gcra_of_client(&table, (at >> 33) % k + 1, 1, moment, limit, 1).wait
    sink = x
    return clock_ns() - start


cdef void fill(ClientTable* table, tuple where):
    table.slots, table.lines = <ClientSlot*><uintptr_t>where[0], where[1] // 4
    table.counters = <LimiterCounters*><uintptr_t>where[2]


def loop_permits(where: tuple, times: int) -> int:
    global sink
    cdef Permits permits
    cdef uint64_t i, observed = 0, n = times, x = 0, start
    permits.own, permits.first = <uint64_t*><uintptr_t>where[0], <const char*><uintptr_t>where[1]
    permits.stride, permits.workers = where[2], where[3]
    start = clock_ns()
    for i in range(n):
        x += take_permit(&permits, 100, &observed)
        give_permit(&permits)
    sink = x
    return clock_ns() - start


def loop_gates(controls: list, rules: tuple, times: int) -> int:
    """Isolation of route, upstream and client, shedding, concurrency, breaker, generation, consecutive failures."""
    global sink
    cdef Control* route = <Control*><uintptr_t>controls[0]
    cdef Control* upstream = <Control*><uintptr_t>controls[1]
    cdef Control* endpoint = <Control*><uintptr_t>controls[2]
    cdef const ClientRule* first = <const ClientRule*><uintptr_t>rules[0]
    cdef const uint64_t* used = <const uint64_t*><uintptr_t>rules[1]
    cdef uint64_t i, n = times, x = 0, capacity = rules[2], start = clock_ns()
    cdef uint32_t generation = 0
    for i in range(n):
        x += isolated(route, i) + isolated(upstream, i) + (rule_of(first, used, capacity, i) != NULL)
        x += sheds(route, rank_of(2, i, 77), i) + concurrency_of(upstream, 100, i)
        x += breaker_admits(upstream, i, <uint32_t>i, &generation) + breaker_takes(upstream, generation)
        x += count_consecutive(endpoint, False, i)
    sink = x
    return clock_ns() - start


def loop_count(row: int, times: int) -> int:
    cdef UpstreamCounters* counters = <UpstreamCounters*><uintptr_t>row
    cdef uint64_t i, n = times, start = clock_ns()
    for i in range(n):
        count_upstream(counters, i & 1, i & 2, i)
    return clock_ns() - start


def loop_record(address: int, target: bytes, times: int) -> int:
    cdef Ring* ring = <Ring*><uintptr_t>address
    cdef Record* record
    cdef const char* path = target
    cdef size_t size = len(target)
    cdef uint64_t i, n = times, start = clock_ns()
    for i in range(n):
        record = begin_record(ring)
        memset(&record.started_ns, 0, sizeof(Record) - 8)
        record.started_ns = start + i
        record.total_us = record.ttfb_us = <uint32_t>i
        record.status = 200
        record_path(record, path, size)
        commit_record(ring, record)
    return clock_ns() - start


def loop_intern(table: tuple, text: bytes, times: int) -> int:
    global sink
    cdef Interned* first = <Interned*><uintptr_t>table[0]
    cdef uint32_t rows = table[1]
    cdef const char* chars = text
    cdef size_t size = len(text)
    cdef uint64_t i, n = times, x = 0, start = clock_ns()
    for i in range(n):
        x += intern_text(first, rows, i & 255, chars, size)
    sink = x
    return clock_ns() - start
