"""Metrics of the flight recorder, as control's spool counts."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.record.spool import Spool

HOW = {
    "kept": "written to segment files", "sampled_out": "left out, stood for by the weight of others",
    "lost": "overwritten or torn before they were read", "unwritten": "read, but the disk did not take them",
}


class RecorderCollector(Collector):
    """All of one spool; counts begin anew with control."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def collect(self) -> Iterable[Metric]:
        counts = self._spool.snapshot()
        told = "; ".join(f"{name}: {text}" for name, text in HOW.items())
        family = CounterMetricFamily("gateway_recorder_records", f"Flight records by what became of them. {told}.",
                                     labels=["result"])
        for name in HOW:
            family.add_metric([name], float(str(counts[name])))
        yield family
        yield GaugeMetricFamily("gateway_recorder_bytes", "Size of the recorder's files.",
                                value=float(str(counts["bytes"])))
        yield GaugeMetricFamily("gateway_recorder_fault", "1 while the recorder cannot write.",
                                value=float(bool(counts["fault"])))
