"""The Python face of the compiled leaves: for control's arithmetic on histograms, and for tests of the leaves.

Everything that reads the board takes the mapped buffer and byte offsets and checks them against its end; only
`count_request_at` takes an address, as the data plane does.
"""
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

HISTOGRAM_BYTES = BUCKETS * sizeof(uint32_t)


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC as the data plane reads it."""
    return clock_ns()


def address_of(const unsigned char[::1] buffer not None) -> int:
    """Where a buffer (the mapped board) begins in this process; valid while the mapping is."""
    return <uintptr_t>&buffer[0]


def bucket_of(us: int) -> int:
    """The histogram bucket of a duration in µs."""
    return bucket(us)


cdef uint64_t edge(int index) noexcept nogil:
    """The smallest duration in µs that falls into a bucket; for index 384 the end of the last one."""
    cdef int octave
    if index < 32:
        return index
    octave = (index - 32) // 16
    return <uint64_t>(16 + (index - 32) % 16) << (octave + 1)


def lower_edge(index: int) -> int:
    """The smallest duration in µs of bucket `index` (0..384). Raises ValueError outside that."""
    if not 0 <= index <= BUCKETS:
        raise ValueError(f"a histogram has buckets 0 to {BUCKETS}, not {index}")
    return edge(index)


def sum_histograms(const unsigned char[::1] board not None, offsets: list[int]) -> bytes:
    """Add the histograms (384 x u32) at these byte offsets into one of 384 x u64, native order.

    Raises ValueError for an offset that does not leave room for a histogram before the board's end.
    """
    cdef uint64_t[384] total
    cdef uint32_t[384] row
    cdef Py_ssize_t offset, size = board.shape[0]
    cdef int i
    memset(total, 0, sizeof(total))
    for offset in offsets:
        if offset < 0 or size < <Py_ssize_t>sizeof(row) or offset > size - <Py_ssize_t>sizeof(row):
            raise ValueError(f"no histogram fits at offset {offset} of a board of {size} bytes")
        memcpy(row, &board[offset], sizeof(row))
        for i in range(BUCKETS):
            total[i] += row[i]
    return (<char*>total)[:sizeof(total)]


cdef int read_histogram(const unsigned char[::1] histogram, uint64_t* total) except -1:
    """Copy 384 x u64 out of a buffer after checking its size."""
    if histogram.shape[0] != BUCKETS * <Py_ssize_t>sizeof(uint64_t):
        raise ValueError(f"a summed histogram is {BUCKETS * sizeof(uint64_t)} bytes, not {histogram.shape[0]}")
    memcpy(total, &histogram[0], BUCKETS * sizeof(uint64_t))
    return 0


def quantile(const unsigned char[::1] histogram not None, q: float) -> float:
    """The q-quantile (0 < q <= 1) in µs of a histogram (384 x u64): the middle of the bucket of rank ceil(q*n).

    NaN when the histogram is empty. Off by at most half a bucket: 3.1 % (algorithms.md section 3).
    """
    cdef uint64_t[384] total
    cdef uint64_t count = 0, seen = 0
    cdef double wanted = q
    cdef int i
    if not 0.0 < wanted <= 1.0:
        raise ValueError(f"a quantile is above 0 and at most 1, not {q}")
    read_histogram(histogram, total)
    for i in range(BUCKETS):
        count += total[i]
    if count == 0:
        return float("nan")
    for i in range(BUCKETS):
        seen += total[i]
        if <double>seen >= wanted * <double>count:
            break
    return (<double>edge(i) + <double>edge(i + 1) - 1.0) / 2.0


def counts_below(const unsigned char[::1] histogram not None, bounds: list[int]) -> list[int]:
    """How many durations of a histogram (384 x u64) are below each bound in µs: bucket edges, ascending."""
    cdef uint64_t[384] total
    cdef uint64_t seen = 0
    cdef int i = 0
    read_histogram(histogram, total)
    answer = []
    for bound in bounds:
        while i < BUCKETS and edge(i + 1) <= <uint64_t>bound:
            seen += total[i]
            i += 1
        answer.append(seen)
    return answer


def count_request_at(row: int, status: int, total_us: int, ttfb_us: int | None, own_us: int, bytes_in: int,
                     bytes_out: int) -> None:
    """`count_request` on the RouteCounters at an address of `WorkerBoard.route_row`; `ttfb_us` None: not measured."""
    cdef uint64_t ttfb = NOT_MEASURED if ttfb_us is None else ttfb_us
    count_request(<RouteCounters*><uintptr_t>row, status, total_us, ttfb, own_us, bytes_in, bytes_out)


def count_endpoint_at(row: int, failed: bool, ttfb_us: int | None) -> None:
    """`count_endpoint` on the EndpointCounters at an address of `WorkerBoard.endpoint_row`."""
    cdef uint64_t ttfb = NOT_MEASURED if ttfb_us is None else ttfb_us
    count_endpoint(<EndpointCounters*><uintptr_t>row, failed, ttfb)


def layout() -> dict[str, dict[str, int]]:
    """Each compiled row: the offset of every field, and its size under "sizeof"."""
    cdef RouteCounters* r = NULL
    cdef EndpointCounters* e = NULL
    cdef UpstreamCounters* u = NULL
    return {
        "RouteCounters": {
            "requests": <uintptr_t>&r.requests, "answers": <uintptr_t>&r.answers[0], "refused": <uintptr_t>&r.refused,
            "upstream_failures": <uintptr_t>&r.upstream_failures, "retries": <uintptr_t>&r.retries,
            "client_gone": <uintptr_t>&r.client_gone, "bytes_in": <uintptr_t>&r.bytes_in,
            "bytes_out": <uintptr_t>&r.bytes_out, "total_us": <uintptr_t>&r.total_us, "ttfb_us": <uintptr_t>&r.ttfb_us,
            "own_us": <uintptr_t>&r.own_us, "slow": <uintptr_t>&r.slow, "isolated": <uintptr_t>&r.isolated,
            "limited": <uintptr_t>&r.limited, "saturated": <uintptr_t>&r.saturated, "shed": <uintptr_t>&r.shed,
            "open": <uintptr_t>&r.open, "fallbacks": <uintptr_t>&r.fallbacks,
            "shadow_fallbacks": <uintptr_t>&r.shadow_fallbacks,
            "shadow_limited": <uintptr_t>&r.shadow_limited, "shadow_saturated": <uintptr_t>&r.shadow_saturated,
            "shadow_shed": <uintptr_t>&r.shadow_shed, "shadow_open": <uintptr_t>&r.shadow_open,
            "shadow_retries": <uintptr_t>&r.shadow_retries,
            "reserved": <uintptr_t>&r.reserved[0], "total": <uintptr_t>&r.total[0], "ttfb": <uintptr_t>&r.ttfb[0],
            "own": <uintptr_t>&r.own[0], "sizeof": sizeof(RouteCounters),
        },
        "EndpointCounters": {
            "requests": <uintptr_t>&e.requests, "failures": <uintptr_t>&e.failures, "connects": <uintptr_t>&e.connects,
            "connect_failures": <uintptr_t>&e.connect_failures, "active": <uintptr_t>&e.active,
            "idle": <uintptr_t>&e.idle, "ttfb_us": <uintptr_t>&e.ttfb_us, "slow": <uintptr_t>&e.slow,
            "ttfb": <uintptr_t>&e.ttfb[0], "sizeof": sizeof(EndpointCounters),
        },
        "UpstreamCounters": {
            "requests": <uintptr_t>&u.requests, "failures": <uintptr_t>&u.failures, "slow": <uintptr_t>&u.slow,
            "retries": <uintptr_t>&u.retries, "refused": <uintptr_t>&u.refused, "ttfb_us": <uintptr_t>&u.ttfb_us,
            "reserved": <uintptr_t>&u.reserved[0], "sizeof": sizeof(UpstreamCounters),
        },
    }
