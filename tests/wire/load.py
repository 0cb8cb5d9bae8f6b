"""A small client that keeps asking, and a server that answers: who failed, and when.

Each of the client's connections is kept alive and asks again as soon as it has its answer. A failure is anything but a
complete 200 on a connection that was established; a refused connect is counted apart.
"""
import asyncio
import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from typing import Self

ANSWER_SECONDS = 10.0


@dataclasses.dataclass
class Tally:
    """What the client saw. Times on the monotonic clock, in seconds."""

    answered: int = 0
    refused: int = 0
    failures: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    last_answer: float = 0.0
    longest_gap: float = 0.0

    def note_answer(self) -> None:
        now = time.monotonic()
        if self.last_answer:
            self.longest_gap = max(self.longest_gap, now - self.last_answer)
        self.last_answer = now
        self.answered += 1


class Load:
    """Asks on `connections` connections, in a thread of its own, from `with` to its end."""

    def __init__(self, port: int, path: str = "/", connections: int = 8, pause: float = 0.005) -> None:
        self.tally = Tally()
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._connections = connections
        self._pause = pause
        self._ending = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask_all()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join(ANSWER_SECONDS + 5)
        assert not self._thread.is_alive()

    async def _ask_all(self) -> None:
        await asyncio.gather(*(self._ask() for _ in range(self._connections)))

    async def _ask(self) -> None:
        while not self._ending:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.tally.refused += 1
                await asyncio.sleep(0.02)
                continue
            await self._converse(reader, writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask until the connection may end: told `Connection: close`, or found closed before a request was sent."""
        fresh = True
        while not self._ending and (fresh or not reader.at_eof()):
            fresh = False
            try:
                writer.write(self._request)
                if await asyncio.wait_for(self._read_answer(reader), ANSWER_SECONDS):
                    return
            except (OSError, asyncio.IncompleteReadError, TimeoutError, AssertionError) as error:
                self.tally.failures.append((time.monotonic(), repr(error)))
                return
            await asyncio.sleep(self._pause)

    async def _read_answer(self, reader: asyncio.StreamReader) -> bool:
        """True if this was the connection's last answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head[:80]
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.tally.note_answer()
        return b"connection: close" in head


class _Answering(asyncio.Protocol):
    """Answers every head with 200; `/slow` after half a second."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, self._data = self._data.split(b"\r\n\r\n", 1)
            delay = 0.5 if b"/slow" in head.split(b"\r\n")[0] else 0.0
            asyncio.get_running_loop().call_later(delay, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


@contextlib.contextmanager
def answering_server() -> Iterator[int]:
    """A server in a thread of its own; gives its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(_Answering, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
