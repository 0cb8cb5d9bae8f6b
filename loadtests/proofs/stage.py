"""Clients and endpoints of a proof, on an event loop in a thread of its own: the proof reads from top to bottom.

    with Stage() as stage:
        endpoint = stage.endpoint(port)
        crowd = stage.crowd(port, request, connections=6, pause=0.2)
        time.sleep(3)
        endpoint.status = 500
        answers = stage.leave(crowd)
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Self, cast

import uvloop

from loadtests.proofs.answers import NO_ANSWER, Answer
from loadtests.proofs.flood import Flood

PATIENCE = 30.0

Request = Callable[[int], bytes]


def get(path: str, **fields: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\nhost: proof\r\n{lines}\r\n".encode()


class Endpoint(asyncio.Protocol):
    """Answers each request (without a body) at once with its `status` and `body`."""

    def __init__(self, mood: "Mood") -> None:
        self._mood = mood
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._mood.connections.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mood.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            self._mood.requests += 1
            if self._mood.keep:
                self._mood.heads.append(head)
            self._transport.write(self._mood.answer)


class Mood:
    """How the endpoint on a port behaves now, and how often it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests = 0
        self.keep = False
        self.heads: list[bytes] = []
        self.connections: set[asyncio.Transport] = set()
        self.answers(200)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answers(self, status: int, body: bytes = b"ok") -> None:
        self.answer = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


class Crowd:
    """Connections that ask again `pause` seconds after each answer; a connection that is lost is opened anew."""

    def __init__(self, port: int, request: Request, pause: float) -> None:
        self.port = port
        self.request = request
        self.pause = pause
        self.asked = 0
        self.leaving = False
        self.answers: list[Answer] = []
        self.refused = 0
        self.clients: set[Client] = set()

    def next_request(self) -> bytes:
        self.asked += 1
        return self.request(self.asked)

    def statuses(self, since: float = 0.0, until: float = float("inf")) -> Counter[int]:
        """By when they were asked."""
        return Counter(each.status for each in self.answers if since <= each.at < until)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.leaving:
            try:
                await loop.create_connection(lambda: Client(self), "127.0.0.1", self.port)
            except OSError:
                self.refused += 1
                await asyncio.sleep(0.02)
            else:
                return

    async def leave(self) -> None:
        self.leaving = True
        deadline = time.monotonic() + PATIENCE
        while any(client.waits for client in self.clients) and time.monotonic() < deadline:  # noqa: ASYNC110 - ends soon
            await asyncio.sleep(0.01)
        for client in list(self.clients):
            client.close()
        await asyncio.sleep(0.02)


class Client(asyncio.Protocol):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._loop = asyncio.get_running_loop()
        self._asked = 0.0
        self._data = b""
        self._due = 0
        self._last = False
        self.waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._crowd.clients.add(self)
        self._ask()

    def _ask(self) -> None:
        if self._crowd.leaving or self._transport.is_closing():
            return
        self._asked, self._data, self._due, self.waits = time.monotonic(), b"", 0, True
        self._transport.write(self._crowd.next_request())

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._due:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._data[:end].lower()
            self._due = end + 4 + int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            self._last = b"connection: close" in head
        if len(self._data) >= self._due:
            self._take(int(self._data[9:12]))

    def _take(self, status: int) -> None:
        self.waits = False
        self._note(status)
        if self._last:
            self._transport.close()
        elif self._crowd.pause:
            self._loop.call_later(self._crowd.pause, self._ask)
        else:
            self._ask()

    def _note(self, status: int) -> None:
        self._crowd.answers.append(Answer(self._asked, time.monotonic() - self._asked, status))

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.clients.discard(self)
        if self.waits:
            self.waits = False
            self._note(NO_ANSWER)
        if not self._crowd.leaving:
            self._opening = self._loop.create_task(self._crowd.open())

    def close(self) -> None:
        self._transport.close()


async def _end_others() -> None:
    """Whoever still tries to connect to a gateway that is gone."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Stage:
    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._servers: dict[int, asyncio.Server] = {}
        self._moods: set[Mood] = set()
        self._crowds: list[Crowd] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for crowd in self._crowds:
            self._run(crowd.leave())
        for mood in list(self._moods):
            self.refuse(mood)
        self._run(_end_others())
        self._run(asyncio.sleep(0.05))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE + 5)

    def endpoint(self, port: int) -> Mood:
        """Listen on a port."""
        mood = Mood(port)
        self.listen(mood)
        return mood

    def listen(self, mood: Mood) -> None:
        self._moods.add(mood)
        self._servers[mood.port] = self._run(
            self._loop.create_server(lambda: Endpoint(mood), "127.0.0.1", mood.port, reuse_address=True, backlog=1024))

    def refuse(self, mood: Mood) -> None:
        """Stop listening and cut what is open: the port answers with a reset from now on."""
        async def end() -> None:
            self._moods.discard(mood)
            self._servers.pop(mood.port).close()
            for transport in list(mood.connections):
                transport.abort()
        self._run(end())

    def crowd(self, port: int, request: bytes | Request, *, connections: int, pause: float = 0.0,
              apart: float = 0.0) -> Crowd:
        """`apart`: seconds between the first requests of two connections."""
        crowd = Crowd(port, request if callable(request) else lambda _: request, pause)
        self._crowds.append(crowd)

        async def enter() -> None:
            for _ in range(connections):
                await crowd.open()
                await asyncio.sleep(apart)
        self._run(enter())
        return crowd

    def flood(self, port: int, request: bytes, rate: float) -> Flood:
        """`rate` requests a second, whether answered or not."""
        return self._flow(Flood(port, request, rate))

    def loop_of(self, port: int, request: bytes, connections: int) -> Flood:
        """So many connections that each ask again when they are answered."""
        return self._flow(Flood(port, request, 0.0, connections))

    def _flow(self, flood: Flood) -> Flood:
        async def start() -> None:
            flood.start()
        self._run(start())
        return flood

    def stop(self, flood: Flood) -> None:
        async def end() -> None:
            flood.stop()
        self._run(end())

    def leave(self, crowd: Crowd) -> list[Answer]:
        """Ask nothing more, wait for what is on its way, and go."""
        self._run(crowd.leave())
        self._crowds.remove(crowd)
        return crowd.answers
