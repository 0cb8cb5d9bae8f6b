"""The admin API stays in reach, whoever else connects."""
import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from gateway.admin import bodies, serving
from gateway.admin.answers import answered
from gateway.admin.serving import Door

pytestmark = pytest.mark.wire

ASK = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"


async def ended(reader: asyncio.StreamReader) -> bool:
    """Without a word; a connection that is cut may be reset."""
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


class Served:
    """An app of one page and one stream behind a door for `most` connections."""

    def __init__(self, most: int) -> None:
        self.door = Door(most)
        self.over = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._socket = socket.create_server(("127.0.0.1", 0))

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.get("/healthz", self._health), web.get("/stream", self._stream),
                        web.post("/body", answered(self._body))])
        await self.door.open(app, self._socket)

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(text="well")

    async def _stream(self, request: web.Request) -> web.Response:
        await self.over.wait()
        return web.Response(text="over")

    async def _body(self, request: web.Request) -> web.Response:
        return web.json_response(await bodies.json_object(request))

    async def connect(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._socket.getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        self._writers.append(writer)
        writer.write(sent)
        await asyncio.sleep(0.02)
        return reader, writer


    async def end(self) -> None:
        self.over.set()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        await self.door.close()


def served(most: int, story: Callable[[Served], Awaitable[None]]) -> None:
    async def run() -> None:
        behind = Served(most)
        await behind.start()
        try:
            await asyncio.wait_for(story(behind), 10)
        finally:
            await behind.end()

    asyncio.run(run())


def test_who_asks_nothing_makes_room_for_who_does() -> None:
    async def story(behind: Served) -> None:
        silent = [await behind.connect(b"GET /heal") for _ in range(6)]
        reader, _ = await behind.connect(ASK)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert behind.door.snapshot() == {"connections": 3, "sent_away": 4, "refused": 0}
        assert await ended(silent[0][0])

    served(3, story)


def test_who_is_being_answered_is_not_sent_away() -> None:
    async def story(behind: Served) -> None:
        streams = [await behind.connect(b"GET /stream HTTP/1.1\r\nhost: localhost\r\n\r\n") for _ in range(2)]
        late, _ = await behind.connect(ASK)
        assert await ended(late)
        assert behind.door.refused == 1
        behind.over.set()
        for reader, _ in streams:
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    served(2, story)


def test_those_who_left_are_forgotten() -> None:
    async def story(behind: Served) -> None:
        for _ in range(9):
            _, writer = await behind.connect()
            writer.close()
            await asyncio.sleep(0.02)
        assert len(behind.door.waiting) <= 4
        assert behind.door.sent_away == 0

    served(2, story)


def test_who_is_silent_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "SILENCE_SECONDS", 0.1)

    async def story(behind: Served) -> None:
        for sent in (b"", b"GET /healthz HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: loc"):
            reader, _ = await behind.connect(sent)
            assert await ended(reader)

    served(2, story)


def test_a_body_that_does_not_come_is_a_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS_MOST", 0.05)

    async def story(behind: Served) -> None:
        head = b"POST /body HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
        reader, _ = await behind.connect(head)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")

    served(2, story)


def test_a_body_that_is_too_large_is_answered_and_not_read_to_its_end() -> None:
    async def story(behind: Served) -> None:
        head = b"POST /body HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        reader, writer = await behind.connect(head + b"content-length: 99000000\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError, TimeoutError):
            while sent < 99_000_000:
                writer.write(b" " * 65536)
                sent += 65536
                await asyncio.wait_for(writer.drain(), 0.2)
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        assert sent < 20_000_000

    served(2, story)


def test_what_is_no_http_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def story(behind: Served) -> None:
        reader, _ = await behind.connect(b"GET / HTTP/1.1\r\nhost: \x00\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.0 400")

    served(2, story)
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []
