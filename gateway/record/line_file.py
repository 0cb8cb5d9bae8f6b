"""A file of lines that others rotate, truncate, rename and read: appended to, bounded, never waited for.

Theory of operation: lines wait in a buffer; `flush` writes as much of it as goes. What does not go (a full disk, a late
reader of stdout) stays for the next flush, and where the buffer is full new lines are dropped and counted. So a line is
torn only where its file is taken away in the middle of it, and then the rest of it is dropped too.
No fault reaches the caller: it is said once until writing works again.
"""

import contextlib
import logging
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass, fields

STDOUT = "stdout"
WAITING_MOST = 4 * 2**20                # what a stopped reader or a full disk costs in memory
FLUSH_BYTES = 256 * 1024
APPEND = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(slots=True)
class Counts:
    """Since control began. `lines` were written whole."""

    lines: int = 0
    dropped: int = 0
    bytes: int = 0
    rotations: int = 0

    def snapshot(self) -> dict[str, int]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


class LineFile:
    """Appends lines to a path, or to stdout. Beyond `rotate_bytes` the file becomes path.1, up to path.`keep`.

    Mutable state: the open file and its size, what waits, and whether that begins in the middle of a line.
    """

    def __init__(self, path: str, rotate_bytes: int, keep: int, counts: Counts, log: logging.Logger) -> None:
        self.path, self.rotate_bytes, self.keep, self.counts = path, rotate_bytes, keep, counts
        self.fault = ""
        self._log = log
        self._write: Callable[[memoryview], int] | None = None
        self._close: Callable[[], None] = _nothing
        self._file: tuple[int, int] | None = None      # device and inode, of a regular file alone
        self._size = 0
        self._waiting = bytearray()
        self._torn = False

    def append(self, lines: bytes, count: int) -> None:
        """`count` whole lines. They are dropped where too much waits already."""
        if len(self._waiting) + len(lines) > WAITING_MOST:
            self.counts.dropped += count
            self._fail("it takes less than is written")
            return
        self._waiting += lines
        if len(self._waiting) >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits, as far as it goes."""
        try:
            while self._waiting:
                self._make_ready()
                self._write_some()
        except BlockingIOError:
            return                                      # the reader of stdout is late; what is dropped is said
        except OSError as error:
            self._fail(error.strerror or str(error))
            return
        if self.fault:
            self._log.warning("the access log %s is written again", self.path)
        self.fault = ""

    def reopen(self) -> None:
        """Open the path anew at the next flush."""
        self._close()
        self._write, self._close, self._file = None, _nothing, None
        if self._torn:
            self._drop_torn()

    def close(self) -> None:
        """What could not be written is dropped."""
        self.flush()
        self.counts.dropped += self._waiting.count(b"\n")
        self._waiting.clear()
        self._torn = False
        self.reopen()

    def _make_ready(self) -> None:
        if self._file and self._has_moved():
            self.reopen()
        if self._write is None:
            self._open()
        if self._file and self._size and self._size + len(self._waiting) > self.rotate_bytes:
            self._rotate()
            self._open()

    def _has_moved(self) -> bool:
        """Renamed or removed under us; what truncated it is noticed here, too."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return True
        self._size = found.st_size
        return (found.st_dev, found.st_ino) != self._file

    def _open(self) -> None:
        """Only a regular file is rotated, and no link to one: /dev/stdout is a link."""
        if self.path == STDOUT:
            self._write, self._close = _open_stdout()
            return
        descriptor = os.open(self.path, APPEND | os.O_CREAT, 0o640)
        self._write, self._close = _of_descriptor(descriptor)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and not os.path.islink(self.path):
            self._file, self._size = (found.st_dev, found.st_ino), found.st_size

    def _write_some(self) -> None:
        """One write. Raises OSError."""
        assert self._write is not None
        with memoryview(self._waiting) as waiting:
            written = self._write(waiting)
        if not written:
            raise BlockingIOError
        self.counts.bytes += written
        self.counts.lines += self._waiting.count(b"\n", 0, written)
        self._torn = self._waiting[written - 1] != ord("\n")
        self._size += written
        del self._waiting[:written]

    def _rotate(self) -> None:
        """Raises OSError: what cannot be rotated does not grow."""
        for number in range(self.keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        os.replace(self.path, f"{self.path}.1")
        self.counts.rotations += 1
        self.reopen()

    def _drop_torn(self) -> None:
        """The rest of a line whose beginning is in another file."""
        del self._waiting[: self._waiting.index(b"\n") + 1]
        self._torn = False
        self.counts.dropped += 1

    def _fail(self, reason: str) -> None:
        if not self.fault:
            self._log.error("cannot write to the access log %s: %s; its lines are dropped, requests are served on",
                            self.path, reason)
        self.fault = reason

    def __repr__(self) -> str:
        return f"<LineFile {self.path}: {self.counts}>"


def _of_descriptor(descriptor: int) -> tuple[Callable[[memoryview], int], Callable[[], None]]:
    return lambda lines: os.write(descriptor, lines), lambda: os.close(descriptor)


def _open_stdout() -> tuple[Callable[[memoryview], int], Callable[[], None]]:
    """Without O_NONBLOCK on the stdout that other processes share: it is opened anew, or asked per write."""
    if not stat.S_ISSOCK(os.fstat(1).st_mode):
        return _of_descriptor(os.open("/proc/self/fd/1", APPEND))
    ours = socket.socket(fileno=os.dup(1))
    return lambda lines: ours.send(lines, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL), ours.close


def _nothing() -> None:
    pass
