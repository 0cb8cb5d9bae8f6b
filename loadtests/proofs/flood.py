"""Requests at a given rate, however slow the answers are: what strangers do to a server that is too slow."""

import asyncio
import time
from typing import cast

from loadtests.proofs.answers import NO_ANSWER, Answer

BEAT = 0.005            # seconds
LAST_CHUNK = b"0\r\n\r\n"
CONNECTIONS_MOST = 3000


class Flood:
    """Mutable: `rate` may be changed while it flows. `held_back`: not sent, since all connections waited already.

    With `connections` it is a closed loop instead: each of them asks again as soon as it is answered.
    """

    def __init__(self, port: int, request: bytes, rate: float, connections: int = 0) -> None:
        self.port = port
        self.request = request
        self.rate = rate
        self.connections = connections
        self.held_back = 0
        self.answers: list[Answer] = []
        self.idle: list[Stream] = []
        self.streams: set[Stream] = set()
        self._opening = 0
        self._due = 0.0
        self._last = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        for _ in range(self.connections):
            self._send()
        self._beat()

    def answered(self, stream: "Stream") -> None:
        if self.connections:
            stream.ask()
        else:
            self.idle.append(stream)

    def stop(self) -> None:
        self._timer.cancel()
        self.connections = 0
        for stream in list(self.streams):
            stream.transport.abort()

    def _beat(self) -> None:
        now = self._loop.time()
        self._due += min(now - self._last, 0.1) * self.rate     # a hiccup of our own is not made up for at once
        self._last = now
        while self._due >= 1:
            self._due -= 1
            self._send()
        self._timer = self._loop.call_later(BEAT, self._beat)

    def _send(self) -> None:
        if self.idle:
            self.idle.pop().ask()
        elif len(self.streams) + self._opening < CONNECTIONS_MOST:
            self._opening += 1
            task = self._loop.create_task(self._open())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self.held_back += 1

    async def _open(self) -> None:
        asked = time.monotonic()
        try:
            _, stream = await self._loop.create_connection(lambda: Stream(self), "127.0.0.1", self.port)
            stream.ask()
        except OSError:
            self.answers.append(Answer(asked, time.monotonic() - asked, NO_ANSWER))
        finally:
            self._opening -= 1


class Stream(asyncio.Protocol):
    """Counts an answer as whole at its last chunk, or, if it is one of the gateway's own, at its first piece."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._status = NO_ANSWER
        self._tail = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._flood.streams.add(self)

    def ask(self) -> None:
        self._asked, self._status, self._tail = time.monotonic(), NO_ANSWER, b""
        self.transport.write(self._flood.request)

    def data_received(self, data: bytes) -> None:
        if not self._status:
            self._status = int(data[9:12])
        self._tail = (self._tail + data[-len(LAST_CHUNK):])[-len(LAST_CHUNK):]
        if self._status != 200 or self._tail == LAST_CHUNK:
            self._flood.answers.append(Answer(self._asked, time.monotonic() - self._asked, self._status))
            self._asked = 0.0
            self._flood.answered(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._flood.streams.discard(self)
        if self._asked:
            self._flood.answers.append(Answer(self._asked, time.monotonic() - self._asked, NO_ANSWER))
        elif self in self._flood.idle:
            self._flood.idle.remove(self)
