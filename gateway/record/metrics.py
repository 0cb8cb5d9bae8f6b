"""Prometheus metrics, read off the board at each scrape: nothing is counted twice, and nothing is lost with control.

Counters are sums over workers, whose rows outlive them. Histogram bounds are powers of two of a microsecond, because
those are exact edges of the board's buckets. Each 32-bit bucket count may wrap; Prometheus takes that as a reset.
"""

import time
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import __version__, _fastpath
from gateway.board import Board, Row, State

BOUNDS_US = [1 << exponent for exponent in range(6, 26)]
"""64 µs to 33.6 s."""
CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")

ROUTE_COUNTERS = {
    "refused": "Requests that the gateway itself answered with an error.",
    "upstream_failures": "Attempts that failed at the upstream: connect, reset, time-out, malformed answer.",
    "retries": "Attempts sent again.",
    "client_gone": "Requests whose client left before its answer was complete.",
}
ROUTE_HISTOGRAMS = {
    "total": ("gateway_request_duration_seconds", "First request byte to last answer byte."),
    "ttfb": ("gateway_upstream_first_byte_seconds", "Request sent to the upstream's first answer byte."),
    "own": ("gateway_own_duration_seconds", "Time that the gateway itself took."),
}
ENDPOINT_COUNTERS = {
    "requests": "Requests sent to the endpoint.",
    "failures": "Requests that failed at the endpoint.",
    "connects": "Connections opened to the endpoint.",
    "connect_failures": "Connections that could not be opened.",
}
ENDPOINT_GAUGES = {"active": "Requests in flight at the endpoint.", "idle": "Pooled connections."}


class BoardCollector(Collector):
    """All metrics of one gateway."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterable[Metric]:
        yield from self._processes()
        yield from self._routes()
        yield from self._endpoints()

    def _processes(self) -> Iterator[Metric]:
        board = self._board
        slots = [board.slot(index) for index in board.crew()]
        uptime = (time.monotonic_ns() - board.header["boot_ns"]) / 1e9
        on_plan = sum(slot["state"] != State.DEAD and slot["digest"] == board.header["digest"] for slot in slots)
        yield _labelled("gateway_build_info", "The version that runs.", version=__version__)
        yield GaugeMetricFamily("gateway_uptime_seconds", "Since the supervisor started.", value=uptime)
        yield GaugeMetricFamily("gateway_workers", "Workers that there should be.", value=board.header["workers_used"])
        yield GaugeMetricFamily("gateway_workers_up", "Workers that are ready.", value=_ready(slots))
        yield GaugeMetricFamily("gateway_workers_on_plan", "Workers that serve the plan last applied.", value=on_plan)
        yield GaugeMetricFamily("gateway_draining", "1 while shutting down.", value=board.header["draining"])
        yield self._reloads()
        yield self._per_process(CounterMetricFamily, "restarts", "gateway_restarts", "Restarts of a process.", 1)
        yield self._per_process(GaugeMetricFamily, "connections", "gateway_connections", "Client connections.", 1)
        yield self._per_process(GaugeMetricFamily, "active", "gateway_active_requests", "Requests in flight.", 1)
        yield self._per_process(GaugeMetricFamily, "loop_lag_us", "gateway_loop_lag_seconds", "Lateness.", 1e-6)

    def _reloads(self) -> Metric:
        family = CounterMetricFamily("gateway_reloads", "Changes of the config by how they ended.", labels=["result"])
        for result in ("applied", "refused", "rolled_back"):
            family.add_metric([result], self._board.header[result])
        return family

    def _per_process(
        self, kind: type[CounterMetricFamily] | type[GaugeMetricFamily], field: str, name: str, text: str, unit: float
    ) -> Metric:
        family = kind(name, text, labels=["process"])
        for index in (*self._board.crew(), self._board.workers):
            process = f"worker {index}" if index < self._board.workers else "control"
            family.add_metric([process], self._board.slot(index)[field] * unit)
        return family

    def _routes(self) -> Iterator[Metric]:
        board = self._board
        rows = {
            name: [board.route(worker, row) for worker in range(board.workers)]
            for name, row in board.names("routes").items()
        }
        yield _answers(rows)
        for field, text in ROUTE_COUNTERS.items():
            yield _counter(f"gateway_{field}", text, ["route"], {(name,): each for name, each in rows.items()}, field)
        for field in ("bytes_in", "bytes_out"):
            text = "Bytes of request bodies." if field == "bytes_in" else "Bytes of answer bodies."
            yield _counter(f"gateway_{field}", text, ["route"], {(name,): each for name, each in rows.items()}, field)
        for field, (family, text) in ROUTE_HISTOGRAMS.items():
            yield self._histogram(family, text, rows, field)

    def _histogram(self, family: str, text: str, rows: dict[str, list[Row]], field: str) -> Metric:
        metric = HistogramMetricFamily(family, text, labels=["route"])
        for name, each in rows.items():
            if any(row["requests"] for row in each):
                offsets = [row.histogram_at(field) for row in each]
                summed = _fastpath.sum_histograms(self._board.memory, offsets)
                seconds = sum(row[f"{field}_us"] for row in each) / 1e6
                metric.add_metric([name], _buckets(summed), sum_value=seconds)
        return metric

    def _endpoints(self) -> Iterator[Metric]:
        board = self._board
        rows: dict[tuple[str, ...], list[Row]] = {
            tuple(name.split(" ", 1)): [board.endpoint(worker, row) for worker in range(board.workers)]
            for name, row in board.names("endpoints").items()
        }
        labels = ["upstream", "endpoint"]
        for field, text in ENDPOINT_COUNTERS.items():
            yield _counter(f"gateway_endpoint_{field}", text, labels, rows, field)
        for field, text in ENDPOINT_GAUGES.items():
            family = GaugeMetricFamily(f"gateway_endpoint_{field}", text, labels=labels)
            for names, each in rows.items():
                family.add_metric(names, sum(row[field] for row in each))
            yield family


def _ready(slots: list[Row]) -> int:
    return sum(slot["state"] == State.READY for slot in slots)


def _labelled(name: str, text: str, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family


def _counter(name: str, text: str, labels: list[str], rows: dict[tuple[str, ...], list[Row]], field: str) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for names, each in rows.items():
        family.add_metric(names, sum(row[field] for row in each))
    return family


def _answers(rows: dict[str, list[Row]]) -> Metric:
    family = CounterMetricFamily("gateway_requests", "Finished requests by status class.", labels=["route", "status"])
    for name, each in rows.items():
        counts = [row.items("answers", len(CLASSES)) for row in each]
        for label, total in zip(CLASSES, map(sum, zip(*counts, strict=True)), strict=True):
            family.add_metric([name, label], total)
    return family


def _buckets(summed: bytes) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound in seconds, as Prometheus wants them."""
    bounds = [*BOUNDS_US, _fastpath.lower_edge(384)]
    *counts, everything = _fastpath.counts_below(summed, bounds)
    named = [(f"{bound / 1e6:.6f}", float(count)) for bound, count in zip(BOUNDS_US, counts, strict=True)]
    return [*named, ("+Inf", float(everything))]
