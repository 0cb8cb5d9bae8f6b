"""The clients of the site: they ask whether answered or not, each from its own address over its own connections.

Every request is asked at a random moment (exponential gaps), by a client, an agent and on a road drawn by their
weights. A hiccup of this process is not made up for at once: that would be a surge of our own making.
"""

import asyncio
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import NamedTuple, cast

from loadtests.injections import world
from loadtests.injections.world import Road

NO_ANSWER = 0
PATIENCE = 10.0
HICCUP = 0.5
IDLE_MOST = 8
"""Connections that a client keeps."""


class Seen(NamedTuple):
    """`at`: UTC seconds when it was asked; `status` 0: no answer."""

    at: float
    road: str
    client: str
    status: int
    seconds: float


@dataclass(slots=True)
class Surge:
    """One client that asks `rate` times a second more, on one road."""

    client: str
    road: Road
    rate: float
    agent: str = "python/3.11"


class Crowd:
    """Mutable: what was seen; the surge, if there is one."""

    def __init__(self, port: int, load: float, seed: int) -> None:
        self.port = port
        self.load = load
        self.seen: list[Seen] = []
        self._draw = random.Random(seed)
        self._wander = world.Wander(seed)
        self._idle: dict[str, list[_Connection]] = {}
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._weights = [1 / (rank + 1) for rank in range(len(world.CLIENTS))]

    def start(self) -> None:
        self._spawn(self._usual())

    def surge(self, surge: Surge) -> "asyncio.Task[None]":
        return self._spawn(self._surging(surge))

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._open):
            connection.transport.abort()
        await asyncio.sleep(0.05)

    def _spawn(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _usual(self) -> None:
        factor, turned = self._wander.factor(1000), time.monotonic()
        due = time.monotonic()
        while True:
            due = max(due, time.monotonic() - HICCUP) + self._draw.expovariate(self.load * factor)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            road = self._draw.choices(world.ROADS, [each.share for each in world.ROADS])[0]
            client = self._draw.choices(world.CLIENTS, self._weights)[0]
            agent = self._draw.choices(list(world.AGENTS), list(world.AGENTS.values()))[0]
            self._spawn(self._ask(client, road, agent))
            if time.monotonic() - turned > 1:
                factor, turned = self._wander.factor(time.monotonic() - turned), time.monotonic()

    async def _surging(self, surge: Surge) -> None:
        due = time.monotonic()
        while True:
            due = max(due, time.monotonic() - HICCUP) + self._draw.expovariate(surge.rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._spawn(self._ask(surge.client, surge.road, surge.agent))

    async def _ask(self, client: str, road: Road, agent: str) -> None:
        at, began, status = time.time(), time.monotonic(), NO_ANSWER
        try:
            connection = await self._connection(client)
            status = await asyncio.wait_for(connection.ask(_request(road, agent)), PATIENCE)
            self._keep(client, connection)
        except (OSError, TimeoutError):
            pass
        self.seen.append(Seen(at, road.name, client, status, time.monotonic() - began))

    async def _connection(self, client: str) -> "_Connection":
        idle = self._idle.setdefault(client, [])
        while idle:
            connection = idle.pop()
            if not connection.closed:
                return connection
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self._open), "127.0.0.1", self.port,
                                                     local_addr=(client, 0))
        return connection

    def _keep(self, client: str, connection: "_Connection") -> None:
        idle = self._idle[client]
        if connection.closed or connection.is_last or len(idle) >= IDLE_MOST:
            connection.transport.abort()
        else:
            idle.append(connection)


def _request(road: Road, agent: str) -> bytes:
    length = "content-length: 0\r\n" if road.method == "POST" else ""
    return (f"{road.method} {road.path} HTTP/1.1\r\nhost: shop.example\r\nuser-agent: {agent}\r\n{length}\r\n").encode()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, open_ones: "set[_Connection]") -> None:
        self._open = open_ones
        self._data = b""
        self._answer: asyncio.Future[int] | None = None
        self.closed = False
        self.is_last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        self._data = b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = self._data[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(self._data) >= end + 4 + length:
            self.is_last = b"connection: close" in head
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._open.discard(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("cut off"))
