"""The layout of the board: LAYOUT is the law. Readers compute every offset from it; a test holds the compiled structs
against it.

    header | names | slots | counters (routes, upstreams, endpoints, limiters) | controls | clients | permits |
    limits | client table | windows | params | tick | interned | rings

Who writes what: the supervisor header, names and params; each process its own slot, counters, permits, interned texts
and ring; control and the tick the controls; the tick windows; every worker, by CAS, limits and client table.

A *target* is whatever can be isolated and counted: routes, upstreams and endpoints lie in this order in `controls`,
`windows` and each worker's block of `permits`, so one number, `target`, finds all three.
"""

from dataclasses import dataclass

MAGIC = int.from_bytes(b"SAFEGRD1", "little")
VERSION = 6
ALIGNMENT = 64
NAME_BYTES = 224
HISTOGRAM = 384
PATH_BYTES = 96
BUCKETS_100MS = 128
BUCKETS_1S = 64
"""A tick comes at most every 90 ms, so 128 buckets are more than 11 s; 64 are more than a minute."""
FOR_EVER = 2**63
TARGETS = ("routes", "upstreams", "endpoints")
NAMED = (*TARGETS, "limits")


@dataclass(frozen=True, slots=True)
class Field:
    """`count` values of `size` bytes each."""

    name: str
    count: int = 1
    size: int = 8


def _each(size: int, names: str) -> tuple[Field, ...]:
    return tuple(Field(name, 1, size) for name in names.split())


def _words(names: str) -> tuple[Field, ...]:
    return _each(8, names)


LAYOUT: dict[str, tuple[Field, ...]] = {
    "Header": (*_words(
        "magic version bytes boot_ns boot_utc_ns generation digest draining"
        " proposed highest asked taken applied refused rolled_back overrides_full"
        " workers routes upstreams endpoints limits clients client_slots ring_records"
        " routes_used upstreams_used endpoints_used limits_used seed0 seed1 clients_used workers_used"
        " faults spare1 spare2 spare3 spare4 spare5 spare6 spare7"
        " names_at slots_at routes_at upstreams_at endpoints_at limiters_at controls_at clients_at"
        " permits_at limits_at client_table_at windows_at params_at tick_at interned_at rings_at"
        " beside share"
    ), Field("reserved", 6)),
    "Name": (*_words("used generation size reserved"), Field("text", NAME_BYTES, 1)),
    "Slot": _words(
        "state pid heartbeat_ns started_ns ready_ns generation digest restarts"
        " connections active loop_lag_us adopted prepared unfit worst_lag_us shed_rank"
    ),
    "RouteCounters": (
        Field("requests"),
        Field("answers", 6),
        *_words("refused upstream_failures retries client_gone bytes_in bytes_out total_us ttfb_us own_us"),
        *_words("slow isolated limited saturated shed open fallbacks shadow_fallbacks"),
        *_words("shadow_limited shadow_saturated shadow_shed shadow_open shadow_retries"),
        Field("reserved", 3),
        Field("total", HISTOGRAM, 4),
        Field("ttfb", HISTOGRAM, 4),
        Field("own", HISTOGRAM, 4),
    ),
    "UpstreamCounters": (*_words("requests failures slow retries refused ttfb_us"), Field("reserved", 2)),
    "EndpointCounters": (
        *_words("requests failures connects connect_failures active idle ttfb_us slow"),
        Field("ttfb", HISTOGRAM, 4),
    ),
    "LimiterCounters": (*_words("claims evicted_live cas_giveups"), Field("reserved", 5)),
    "Control": _words(
        "isolated_until isolation breaker breaker_until shed_rank shed_until concurrency concurrency_until"
        " forced forced_until probes weight weight_until ramp_ppm ramp_until consecutive"
        " ejected_until ejections returned_ns decayed_ns unhealthy panic opens since_ns"
        " step probed_ns upstream next_endpoint first_endpoint check_due check_streak retry_spent"
    ),
    "ClientRule": (*_words("hash isolated_until isolation clamp_ns clamp_until"), Field("reserved", 3)),
    "LimitRow": (*_words("arrival"), Field("reserved", 7)),
    "ClientSlot": _words("tag arrival"),
    "Window": (
        *_words("requests failures slow refused client_errors latency_us retries reserved"),
        Field("fast", BUCKETS_100MS * 8),
        Field("seconds", BUCKETS_1S * 8),
    ),
    "Params": (*_words(
        "breaker_mode breaker_window_ns breaker_min_requests breaker_failures_ppm breaker_slow_ppm breaker_slow_us"
        " open_ns open_cap_ns forget_ns step_ns step_results step_failures_ppm reopen_ppm spare"
        " eject_mode eject_consecutive eject_window_ns eject_min_requests eject_failures_ppm eject_ns eject_cap_ns"
        " eject_jitter_ppm eject_at_most_ppm panic_ppm slow_start_ns slow_start_min_ppm health_mode"
    ), Field("reserved", 5)),
    "Tick": _words("lease ticks fast seconds second_ns last_ns transitions torn"),
    "Interned": (*_words("hash size"), Field("text", 48, 1)),
    "Ring": (*_words("next records spooled"), Field("reserved", 5)),
    "Record": (
        *_words("sequence started_ns request_id_high request_id_low client_high client_low client_key"),
        *_words("bytes_in bytes_out observed threshold"),
        *_each(4, "total_us ttfb_us own_us generation route upstream endpoint limit host agent"),
        *_each(2, "status path_size"),
        *_each(1, "method protocol decision safeguard attempts flags version_size unreached"),
        Field("version", 20, 1),
        Field("path", PATH_BYTES, 1),
    ),
}
"""Every word of 8 bytes unless said otherwise. `seen` counters of a Window are what its last fold had summed up."""

GAUGES = {"Slot": ("connections", "active", "loop_lag_us", "adopted", "worst_lag_us", "shed_rank"),
          "EndpointCounters": ("active", "idle")}
"""What is true only while the process that wrote it lives."""


def _offsets(fields: tuple[Field, ...]) -> dict[str, int]:
    answer, offset = {}, 0
    for field in fields:
        answer[field.name] = offset
        offset += field.count * field.size
    return answer | {"sizeof": offset}


OFFSETS: dict[str, dict[str, int]] = {kind: _offsets(fields) for kind, fields in LAYOUT.items()}
SIZE: dict[str, int] = {kind: offsets["sizeof"] for kind, offsets in OFFSETS.items()}
SHARING_A_LINE = {"ClientSlot": 4}
"""Rows smaller than a cache line, and how many of them fill one."""
assert all(size * SHARING_A_LINE.get(kind, 1) % ALIGNMENT == 0 for kind, size in SIZE.items()), SIZE
