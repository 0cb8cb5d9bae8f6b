"""The far end of a faulty endpoint: a transport that stands between an upstream connection and the real one, or in the
place of it.

The request path sees an ordinary connection that behaves badly, so whatever watches endpoints (deadlines, breaker,
ejection, counters, recorder) sees the fault as it would see a real one. It serves one exchange; its connection is never
used again.
"""

import asyncio
from collections import deque
from typing import cast

from gateway.dataplane.upstream import UpstreamConnection
from gateway.model.injection import Injection, InjectionKind

STEP_S = 0.1
"""Between two pieces of a slow body."""
HIGH_WATER = 256 * 1024
END = b""
ANSWER = b"HTTP/1.1 %d Injected By A Drill\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
NANO = 1e9


class FaultyTransport(asyncio.Transport):
    """Mutable state: what came of the endpoint and is not passed on yet, in order, and when the next of it is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, injection: Injection, connection: UpstreamConnection) -> None:
        super().__init__()
        self._loop = loop
        self._injection = injection
        self._connection = connection
        self._behind: asyncio.Transport | None = None
        self._came: deque[bytes | Exception] = deque()
        self._waiting = 0
        self._due = 0.0
        self._timer: asyncio.Handle | None = None
        self._asked = self._head_passed = self._held = self._closing = self._lost = False

    def reach(self, behind: asyncio.Transport) -> None:
        """The real connection is there."""
        self._behind = behind

    # ---- what the endpoint does

    def came(self, data: bytes | Exception) -> None:
        """Bytes, END, or the error with which the connection broke."""
        if self._lost:
            return
        self._came.append(data)
        if isinstance(data, bytes):
            self._waiting += len(data)
            if self._waiting > HIGH_WATER and self._behind is not None:
                self._behind.pause_reading()
        self._soon()

    def _soon(self) -> None:
        if self._timer is None and not self._lost:
            self._timer = self._loop.call_later(max(0.0, self._due - self._loop.time()), self._pass_on)

    def _pass_on(self) -> None:
        self._timer = None
        if self._held or self._lost or not self._came:
            return
        if self._loop.time() < self._due:
            self._soon()
            return
        item = self._came.popleft()
        if isinstance(item, Exception):
            self._lose(item)
        elif item == END:
            self._connection.eof_received()
            self._lose(None)
        else:
            self._give(self._piece(item))
        if self._came:
            self._soon()

    def _give(self, data: bytes) -> None:
        self._waiting -= len(data)
        if self._waiting <= HIGH_WATER // 2 and self._behind is not None:
            self._behind.resume_reading()
        self._connection.data_received(data)

    def _piece(self, data: bytes) -> bytes:
        """What of it goes on now; the rest waits its turn."""
        if self._injection.kind is not InjectionKind.SLOW_BODY:
            return data
        size = max(1, int(self._injection.rate * STEP_S))
        if not self._head_passed:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                return data                             # more of the head comes
            self._head_passed, size = True, end + 4
        self._due = self._loop.time() + STEP_S
        if len(data) > size:
            self._came.appendleft(data[size:])
        return data[:size]

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self._came.clear()
            if self._behind is not None:
                self._behind.abort()
            self._connection.connection_lost(error)

    # ---- what the connection calls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._behind is not None:
            self._behind.write(data)
        if not self._asked:
            self._asked = True
            self._begin()

    def _begin(self) -> None:
        match self._injection.kind:
            case InjectionKind.DELAY:
                self._due = self._loop.time() + self._injection.delay / NANO
            case InjectionKind.ABORT:
                self.came(ConnectionResetError("injected by a drill"))
            case InjectionKind.STATUS:
                self.came(ANSWER % self._injection.status)

    def writelines(self, list_of_data) -> None:  # type: ignore[no-untyped-def]
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if self._behind is not None:
            self._behind.write_eof()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if self._behind is not None:
            self._behind.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._behind.get_write_buffer_size() if self._behind is not None else 0

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._held = True

    def resume_reading(self) -> None:
        self._held = False
        self._soon()

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lose, None)

    def __repr__(self) -> str:
        return f"<FaultyTransport {self._injection}>"


class Behind(asyncio.Protocol):
    """The real connection to the endpoint, heard by a FaultyTransport."""

    def __init__(self, front: FaultyTransport, connection: UpstreamConnection) -> None:
        self._front = front
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._front.reach(cast(asyncio.Transport, transport))       # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._front.came(bytes(data))

    def eof_received(self) -> None:
        self._front.came(END)

    def connection_lost(self, error: Exception | None) -> None:
        self._front.came(error or END)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
