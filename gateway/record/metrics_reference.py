"""docs/metrics.md: every metric, from the code that makes it."""

import logging
from collections.abc import Iterator
from pathlib import Path

from gateway.board import Board, Capacity
from gateway.record.access_log import AccessLog
from gateway.record.control_metrics import ControlMetrics, Facts
from gateway.record.exposition import Family
from gateway.record.metrics import BoardMetrics
from gateway.record.process_metrics import ProcessMetrics
from gateway.record.recorder_metrics import RecorderMetrics
from gateway.record.spool import Spool

HEAD = """\
# Metrics

`GET /metrics` of the admin address, in the Prometheus text format. Counters are sums over all workers and go on when
a worker or control is replaced; they begin at 0 with the gateway. What control counts itself (recorder, access log,
incidents not opened) begins anew with control. Routes, upstreams and endpoints keep their series across reloads.
`target` is written as for `gateway isolate`: `route:orders`, `endpoint:orders/10.0.0.1:80`.

Written by `python -m gateway.config.generate`.

| metric | kind | labels | meaning |
|---|---|---|---|
"""


def text() -> str:
    return HEAD + "".join(map(_row, _families()))


def _families() -> Iterator[Family]:
    board, log = Board.create(Capacity.room_for(1, 1, 1), boot_ns=0, boot_utc_ns=0), logging.getLogger(__name__)
    yield from BoardMetrics(board).collect()
    yield from ProcessMetrics(board).collect()
    yield from RecorderMetrics(Spool(board, Path("nowhere"), log), AccessLog(board, log)).collect()
    yield from ControlMetrics(Facts).collect()


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.text} |\n"
