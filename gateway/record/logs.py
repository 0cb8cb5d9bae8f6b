"""Logs on stderr: readable on a terminal, JSON lines otherwise.

A log line never waits for its reader: stderr may be a pipe that nobody empties, and the data plane must not stop for
it. So lines go through a bounded queue to one thread; when it is full they are dropped, counted, and the count is the
next line that gets through. Fields beside the message are given as `extra={"fields": {...}}`; never a secret.
"""

import json
import logging
import os
import queue
import sys
import threading
import time
from typing import Any

QUEUED_LINES = 2000
FLUSH_SECONDS = 1.0


class TerminalFormatter(logging.Formatter):
    """`14:03:07.250 worker 0    WARNING message  key=value`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = "".join(f"  {name}={value}" for name, value in _fields(record).items())
        origin = f"{clock}.{int(record.msecs):03d} {self._process:<10} {record.levelname:<7}"
        line = f"{origin} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One object per line: time (UTC, RFC 3339), level, process, pid, message, the fields, and `exception`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry: dict[str, Any] = {
            "time": f"{second}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(_fields(record) | entry, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "fields", {})


class BackgroundWriter(logging.Handler):
    """Writes to a descriptor from one thread, holding at most `bound` lines."""

    def __init__(self, fd: int, bound: int = QUEUED_LINES) -> None:
        super().__init__()
        self._fd = fd
        self._lines: queue.Queue[str | None] = queue.Queue(bound)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._dropped:
            record.msg = f"{record.msg} ({self._dropped} log lines before this one were dropped: stderr was not read)"
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1
        else:
            self._dropped = 0

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            if not self._write(line.encode(errors="replace") + b"\n"):
                return

    def _write(self, data: bytes) -> bool:
        """False when nobody can read stderr any more: there is no place left to say so."""
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the thread FLUSH_SECONDS to write what is queued."""
        try:
            self._lines.put(None, timeout=FLUSH_SECONDS)
            self._thread.join(FLUSH_SECONDS)
        except queue.Full:
            self._dropped += 1
        super().close()

    def __repr__(self) -> str:
        return f"<BackgroundWriter fd {self._fd}: {self._lines.qsize()} queued, {self._dropped} dropped>"


def start(process: str, level: int = logging.INFO) -> logging.Logger:
    """Send all logging of this process to stderr; returns the logger `gateway`."""
    writer = BackgroundWriter(sys.stderr.fileno())
    writer.setFormatter(TerminalFormatter(process) if sys.stderr.isatty() else JsonFormatter(process))
    logging.basicConfig(level=level, handlers=[writer], force=True)
    logging.captureWarnings(True)
    return logger()


def logger() -> logging.Logger:
    return logging.getLogger("gateway")


def stop() -> None:
    """Write out what is queued, for FLUSH_SECONDS at most; the last call of a process."""
    for writer in list(logging.getLogger().handlers):
        logging.getLogger().removeHandler(writer)
        writer.close()
