"""Prometheus metrics, read off the board at each scrape: nothing is counted twice, and nothing is lost with control.

Counters are sums over workers, whose rows outlive them. Histogram bounds are powers of two of a microsecond, because
those are exact edges of the board's buckets. Each 32-bit bucket count may wrap; Prometheus takes that as a reset.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from gateway import __version__, _fastpath
from gateway.board import SIZE, Board, State
from gateway.record import board_tables
from gateway.record.board_tables import Table, Tables
from gateway.record.exposition import Family, Labels, Sample, counter, gauge, single
from gateway.record.safeguard_metrics import SafeguardMetrics
from gateway.routing.plan import Plan

WAITS_US = [1 << exponent for exponent in range(8, 26)]
"""256 µs to 33.6 s."""
OWN_US = [1 << exponent for exponent in range(4, 18, 2)]
"""16 µs to 65.5 ms, each four times the last: it is far below a millisecond, or something is wrong."""
SLOT_GAUGES = {
    "connections": ("gateway_connections", "Client connections.", 1),
    "active": ("gateway_active_requests", "Requests in flight.", 1),
    "loop_lag_us": ("gateway_loop_lag_seconds", "How late the event loop is, smoothed, in seconds.", 1e-6),
    "worst_lag_us": ("gateway_loop_lag_worst_seconds", "How late it was at worst in 0.1 s, in seconds.", 1e-6),
    "shed_rank": ("gateway_shed_rank", "Requests above this rank are shed: above 767 none, 127 all but critical.", 1),
}
CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")

ROUTE_COUNTERS = {
    "refused": "Requests that the gateway itself answered with an error.",
    "upstream_failures": "Attempts that failed at the upstream: connect, reset, time-out, malformed answer.",
    "retries": "Attempts sent again.",
    "client_gone": "Requests whose client left before its answer was complete.",
    "slow": "Requests whose first answer byte came later than the breaker's bound.",
    "fallbacks": "Requests that a fallback answered.",
    "shadow_retries": "Attempts that would have been sent again, were retries enforced.",
    "shadow_fallbacks": "Requests that a fallback would have answered, were it enforced.",
    "bytes_in": "Bytes of request bodies.",
    "bytes_out": "Bytes of answer bodies.",
}
ROUTE_HISTOGRAMS = {
    "total": ("gateway_request_duration_seconds", "First request byte to last answer byte, in seconds.", WAITS_US),
    "ttfb": ("gateway_upstream_first_byte_seconds", "Request sent to first answer byte, in seconds.", WAITS_US),
    "own": ("gateway_own_duration_seconds", "Time until the gateway sent the request on, in seconds.", OWN_US),
}
ENDPOINT_COUNTERS = {
    "requests": "Requests sent to the endpoint.",
    "failures": "Requests that failed at the endpoint.",
    "connects": "Connections opened to the endpoint.",
    "connect_failures": "Connections that could not be opened.",
}
ENDPOINT_GAUGES = {"active": "Requests in flight at the endpoint.", "idle": "Pooled connections."}


class BoardMetrics:
    """All metrics of one gateway. `plan`: what it serves, for the bounds that only the plan has."""

    def __init__(self, board: Board, plan: Callable[[], Plan] | None = None) -> None:
        self._board = board
        self._safeguards = SafeguardMetrics(board, plan)

    def collect(self) -> Iterator[Family]:
        tables = board_tables.read(self._board)
        yield from self._processes()
        yield from self._routes(tables)
        yield from _endpoints(tables)
        yield from self._safeguards.collect(tables, time.monotonic_ns())

    def _processes(self) -> Iterator[Family]:
        header, slots = self._board.header, [self._board.slot(index) for index in self._board.crew()]
        uptime = (time.monotonic_ns() - header["boot_ns"]) / 1e9
        ready = sum(slot["state"] == State.READY for slot in slots)
        on_plan = sum(slot["state"] != State.DEAD and slot["digest"] == header["digest"] for slot in slots)
        same = bool(slots) and on_plan == len(slots)
        yield gauge("gateway_build_info", "The version that runs.", ("version",), [((__version__,), 1)])
        yield single("gateway_uptime_seconds", "Seconds since the supervisor started.", uptime)
        yield single("gateway_workers", "Workers that there should be.", header["workers_used"])
        yield single("gateway_workers_up", "Workers that are ready.", ready)
        yield single("gateway_workers_on_plan", "Workers that serve the plan last applied.", on_plan)
        yield single("gateway_same_plan", "1 while every worker serves the plan last applied.", same)
        yield single("gateway_draining", "1 while shutting down.", header["draining"])
        yield counter("gateway_reloads", "Changes of the config by how they ended.", ("result",),
                      [((result,), header[result]) for result in ("applied", "refused", "rolled_back")])
        yield counter("gateway_restarts", "Restarts of a process.", ("process",), self._per_process("restarts"))
        for field, (name, text, unit) in SLOT_GAUGES.items():
            yield gauge(name, text, ("process",), self._per_process(field, unit))

    def _per_process(self, field: str, unit: float = 1) -> Iterator[tuple[Labels, float]]:
        for index in (*self._board.crew(), self._board.workers):
            process = f"worker {index}" if index < self._board.workers else "control"
            yield (process,), self._board.slot(index)[field] * unit

    def _routes(self, tables: Tables) -> Iterator[Family]:
        table = tables.counters["routes"]
        yield _answers(table)
        for field, text in ROUTE_COUNTERS.items():
            yield counter(f"gateway_{field}", text, ("route",), table.samples(field))
        for field, (name, text, bounds) in ROUTE_HISTOGRAMS.items():
            yield Family(name, "histogram", text, ("route", "le"), list(self._histogram(table, field, bounds)))

    def _histogram(self, table: Table, field: str, bounds: list[int]) -> Iterator[Sample]:
        """Of routes that were asked for; the others would be most of the text, and say nothing."""
        sums, workers = table.column(f"{field}_us"), range(self._board.workers)
        apart = self._board.header["routes"] * SIZE["RouteCounters"]
        for row, requests in enumerate(table.column("requests")):
            if requests:
                first = self._board.route(0, row).histogram_at(field)
                counts = _fastpath.sum_histograms(self._board.memory, [first + worker * apart for worker in workers])
                yield from _buckets(table.names[row], counts, bounds, sums[row])


def _endpoints(tables: Tables) -> Iterator[Family]:
    table, labels = tables.counters["endpoints"], ("upstream", "endpoint")
    for field, text in ENDPOINT_COUNTERS.items():
        yield counter(f"gateway_endpoint_{field}", text, labels, table.samples(field))
    for field, text in ENDPOINT_GAUGES.items():
        yield gauge(f"gateway_endpoint_{field}", text, labels, table.samples(field))


def _answers(table: Table) -> Family:
    samples = [((*name, label), count) for index, label in enumerate(CLASSES)
               for name, count in zip(table.names, table.column("answers", index), strict=True)]
    return counter("gateway_requests", "Finished requests by status class.", ("route", "status"), samples)


def _buckets(name: Labels, histogram: bytes, bounds: list[int], sum_us: int) -> Iterable[Sample]:
    """Cumulative counts by upper bound in seconds, as Prometheus wants them."""
    *counts, everything = _fastpath.counts_below(histogram, [*bounds, _fastpath.lower_edge(384)])
    for bound, count in zip(bounds, counts, strict=True):
        yield "_bucket", (*name, f"{bound / 1e6:.6f}"), count
    yield "_bucket", (*name, "+Inf"), everything
    yield "_count", name, everything
    yield "_sum", name, sum_us / 1e6
