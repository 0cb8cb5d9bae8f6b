"""Metrics of the flight recorder and the access log, as control counts them: they begin anew with it."""

from collections.abc import Iterator

from gateway.record.access_log import AccessLog
from gateway.record.exposition import Family, counter, single
from gateway.record.spool import Spool

HOW = {
    "kept": "written to segment files", "sampled_out": "left out, stood for by the weight of others",
    "lost": "overwritten or torn before they were read", "unwritten": "read, but the disk did not take them",
}


class RecorderMetrics:
    """Both of one control."""

    def __init__(self, spool: Spool, access_log: AccessLog) -> None:
        self._spool = spool
        self._access_log = access_log

    def collect(self) -> Iterator[Family]:
        yield from self._recorder()
        yield from self._lines()

    def _recorder(self) -> Iterator[Family]:
        counts = self._spool.counts.snapshot()
        told = "; ".join(f"{name}: {text}" for name, text in HOW.items())
        yield counter("gateway_recorder_records", f"Flight records by what became of them. {told}.", ("result",),
                      [((name,), counts[name]) for name in HOW])
        yield single("gateway_recorder_bytes", "Bytes of the recorder's files.", self._spool.bytes)
        yield single("gateway_recorder_fault", "1 while the recorder cannot write.", bool(self._spool.fault))

    def _lines(self) -> Iterator[Family]:
        counts = self._access_log.counts
        yield counter("gateway_access_log_lines", "Lines written, and dropped since the file took none.", ("result",),
                      [(("written",), counts.lines), (("dropped",), counts.dropped)])
        yield counter("gateway_access_log_bytes", "Bytes written to the access log.", (), [((), counts.bytes)])
        yield counter("gateway_access_log_rotations", "Files of the access log that were full.", (),
                      [((), counts.rotations)])
        yield single("gateway_access_log_fault", "1 while the access log cannot be written.",
                     bool(self._access_log.fault))
