"""The spool: from the rings on the board into segment files, and back for whoever asks.

How far each ring was read stands in the ring, so that the next control goes on there. What a crash of control can lose
is what waited, at most FLUSH_NS of it, and what a ring overwrote meanwhile.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway import _recorder
from gateway.board import Board
from gateway.record import flight, sampling, segments
from gateway.record.flight import Records
from gateway.record.segments import ARRIVAL, ARRIVALS, FLIGHT, SegmentWriter

FOLDER = "recorder"
FLUSH_NS = 10**9
READ_MOST = 65_536                      # records of a ring in one turn: 16 MiB
ARRIVALS_SHARE = 4                      # of the bound on disk, a quarter is for arrivals


@dataclass(slots=True)
class Counts:
    """Since control began, in records."""

    read: int = 0
    kept: int = 0
    sampled_out: int = 0
    lost: int = 0                       # overwritten or torn before they were read
    unwritten: int = 0                  # read, but the disk took them not

    def snapshot(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


class Spool:
    """Reads every ring of a board. Mutable state: what waits for the next block, and what was not kept, counted."""

    def __init__(self, board: Board, state: Path, log: logging.Logger,
                 random: np.random.Generator | None = None) -> None:
        self._board = board
        self._log = log
        self.folder = state / FOLDER
        self._flight = SegmentWriter(self.folder, FLIGHT, 0)
        self._arrivals = SegmentWriter(self.folder, ARRIVALS, 0)
        self._waiting: dict[int, list[tuple[Records, np.ndarray]]] = {}
        self._flushed = 0
        self._random = random or np.random.default_rng()
        self.counts = Counts()
        self.fault = ""
        self.rate = 1000

    def bound(self, disk: int, rate: int) -> None:
        """Obey the config."""
        self._arrivals.most_bytes = disk // ARRIVALS_SHARE
        self._flight.most_bytes = disk - disk // ARRIVALS_SHARE
        self.rate = rate

    def turn(self, now_ns: int, seconds: float, also: Callable[[Records, int], None] | None = None) -> None:
        """Read what is new; `seconds` since the last turn. `also` is shown all of it, with its worker."""
        for worker in range(self._board.workers):
            ring = self._board.ring(worker)
            if not ring["records"] or ring["next"] <= ring["spooled"]:
                continue
            records = self._read(worker, ring.at)
            if also is not None and len(records):
                also(records, worker)
            if self._flight.most_bytes and len(records):
                self._choose(worker, records, seconds)
        if now_ns - self._flushed >= FLUSH_NS:
            self.flush(now_ns)

    def _read(self, worker: int, at: int) -> Records:
        ring = self._board.ring(worker)
        raw, last, lost = _recorder.drain(self._board.memory, at, ring["spooled"], READ_MOST)
        ring["spooled"] = last
        self.counts.lost += lost
        self.counts.read += len(raw) // _recorder.RECORD_BYTES
        return flight.records_of(raw)

    def _choose(self, worker: int, records: Records, seconds: float) -> None:
        offset = utc_offset()
        arrivals = np.empty(len(records), ARRIVAL)
        arrivals["at_ns"], arrivals["client_key"] = records["started_ns"] + np.uint64(offset), records["client_key"]
        self._write(self._arrivals, b"", arrivals.tobytes(), arrivals["at_ns"])
        most = max(1, int(self.rate * min(max(seconds, 0.05), 5.0) / max(1, len(self._board.crew()))))
        indexes, weights = sampling.chosen(records, most, self._random)
        self.counts.sampled_out += len(records) - len(indexes)
        self._waiting.setdefault(worker, []).append((records[indexes], weights))

    def flush(self, now_ns: int) -> None:
        """Write what waits, a block for each worker."""
        self._flushed = now_ns
        offset = utc_offset()
        for worker, parts in self._waiting.items():
            records = np.concatenate([part for part, _ in parts])
            weights = np.concatenate([part for _, part in parts])
            told = flight.meanings(self._board, worker, records, offset)
            written = self._write(self._flight, told.to_json().encode(), segments.pack(records, weights),
                                  records["started_ns"] + np.uint64(offset))
            self.counts.kept += written
            self.counts.unwritten += len(records) - written
        self._waiting.clear()

    def _write(self, writer: SegmentWriter, header: bytes, payload: bytes, times: np.ndarray) -> int:
        """How many were written: all, or none where the disk takes no more, which is said once."""
        try:
            writer.append(header, payload, len(times), int(times.min()), int(times.max()))
        except OSError as error:
            if not self.fault:
                self._log.error("the flight recorder cannot write to %s: %s; requests are served on", self.folder,
                                error.strerror or error)
            self.fault = error.strerror or str(error)
            return 0
        self.fault = ""
        return len(times)

    def close(self, now_ns: int) -> None:
        self.flush(now_ns)
        self._flight.close()
        self._arrivals.close()

    @property
    def bytes(self) -> int:
        """Of its files."""
        return self._flight.bytes + self._arrivals.bytes

    def snapshot(self) -> dict[str, object]:
        return {**self.counts.snapshot(), "bytes": self.bytes,
                "most_bytes": self._flight.most_bytes + self._arrivals.most_bytes, "fault": self.fault}

    def __repr__(self) -> str:
        return f"<Spool {self.folder}: {self.counts}>"


def utc_offset() -> int:
    """What makes UTC of the monotonic clock, ns."""
    return time.time_ns() - time.monotonic_ns()
