"""The access log: a line for every request, from its flight record, written by control off the request path."""

import logging

from gateway.board import Board
from gateway.record import access_lines, flight
from gateway.record.flight import Meanings, Records
from gateway.record.line_file import Counts, LineFile
from gateway.record.spool import utc_offset
from gateway.routing import plan

SLICE = 1024                            # records formatted at a time: about half a MiB of lines


class AccessLog:
    """Off until `obey`. Mutable state: the file that the config names, and the counts."""

    def __init__(self, board: Board, log: logging.Logger) -> None:
        self._board = board
        self._log = log
        self._wanted = plan.AccessLog()
        self._file: LineFile | None = None
        self.counts = Counts()

    def obey(self, wanted: plan.AccessLog) -> None:
        """Follow a config. The file is another one only where its path or its bounds are."""
        if wanted == self._wanted:
            return
        self.close()
        self._wanted = wanted
        if wanted.path:
            self._file = LineFile(wanted.path, wanted.rotate_bytes, wanted.keep, self.counts, self._log)

    def take(self, records: Records, worker: int) -> None:
        """Records of a worker, in their order."""
        if self._file is None:
            return
        for start in range(0, len(records), SLICE):
            some = records[start : start + SLICE]
            told = words(flight.meanings(self._board, worker, some, utc_offset()), self._wanted.format)
            self._file.append(access_lines.lines(some.tobytes(), told, worker), len(some))

    def flush(self) -> None:
        """Write what waits; after each turn of the recorder."""
        if self._file is not None:
            self._file.flush()

    def reopen(self) -> None:
        """Open the file anew; a rename or removal of it is noticed without."""
        if self._file is not None:
            self._file.flush()
            self._file.reopen()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._wanted = None, plan.AccessLog()

    @property
    def fault(self) -> str:
        """Why it cannot write now; empty if it can."""
        return self._file.fault if self._file is not None else ""

    def snapshot(self) -> dict[str, object]:
        return {"path": self._wanted.path, **self.counts.snapshot(), "fault": self.fault}

    def __repr__(self) -> str:
        return f"<AccessLog {self._wanted.path or 'off'}: {self.counts}>"


def words(told: Meanings, form: str) -> access_lines.Words:
    """Endpoints and limits without the upstream and route that their names on the board begin with."""
    rows = {section: {row: told.name(section, row) for row in names} for section, names in told.rows.items()}
    endpoints = {row: name.partition(" ")[2] for row, name in rows.get("endpoints", {}).items()}
    limits = {row: name.rpartition(" ")[2] for row, name in rows.get("limits", {}).items()}
    return access_lines.Words(form, told.utc_offset, rows.get("routes", {}), rows.get("upstreams", {}), endpoints,
                              limits, told.texts, told.incidents)
