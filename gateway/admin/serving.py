"""How the admin API is served: aiohttp's server, within bounds, so that it stays in reach of whoever may use it.

At most CONNECTIONS_MOST are open. When all are taken, a new one takes the place of the one that has waited longest
without a request in progress: somebody who opens thousands and asks nothing keeps nobody out. A connection may take
SILENCE_SECONDS to its next whole request, and its body bodies.SECONDS_MOST and 1 MiB.
"""

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware
from aiohttp.web_protocol import RequestHandler

CONNECTIONS_MOST = 256                  # of which live.LISTENERS_MOST may hear the events
SILENCE_SECONDS = 15.0
LINGER_SECONDS = 0.5                    # after an answer to a body that nobody wants to the end
UNREAD_MOST = 64 * 1024                 # of such a body is read
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Mutable state: `waiting`, connections without a request in progress, who waits longest first."""

    def __init__(self, most: int = CONNECTIONS_MOST) -> None:
        self._most = most
        self.waiting: OrderedDict[RequestHandler, None] = OrderedDict()
        self.sent_away = self.refused = 0

    async def open(self, app: web.Application, listening: socket.socket) -> None:
        """Serve `app` there, once."""
        app[DOOR] = self
        app.middlewares.insert(0, self._ask())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, logger=_log(),
                                     keepalive_timeout=SILENCE_SECONDS, lingering_time=LINGER_SECONDS)
        await self._runner.setup()
        self._listening = await asyncio.get_running_loop().create_server(self._enter, sock=listening)

    async def close(self) -> None:
        self._listening.close()
        await self._runner.cleanup()

    def _enter(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        server = self._runner.server
        assert server is not None
        if len(server.connections) >= self._most and not self._make_room():
            self.refused += 1
            return _Refused()
        handler = server()
        self._let_wait(handler)
        return handler

    def _make_room(self) -> bool:
        while self.waiting:
            handler, _ = self.waiting.popitem(last=False)
            if handler.transport is not None:
                self.sent_away += 1
                handler.transport.abort()
                return True
        return False

    def _let_wait(self, handler: RequestHandler) -> None:
        self.waiting[handler] = None
        if len(self.waiting) > 2 * self._most:          # some have gone, and did not say so
            self.waiting = OrderedDict.fromkeys(each for each in self.waiting if each.transport is not None)

    def _ask(self) -> Middleware:
        @web.middleware
        async def ask(request: web.Request, handler: Answer) -> web.StreamResponse:
            self.waiting.pop(request.protocol, None)
            try:
                return await handler(request)
            finally:
                _leave_unread(request)
                self._let_wait(request.protocol)

        return ask

    def snapshot(self) -> dict[str, int]:
        """For `/v1/status`."""
        server = self._runner.server
        return {"connections": len(server.connections) if server else 0, "sent_away": self.sent_away,
                "refused": self.refused}

    def __repr__(self) -> str:
        return f"<Door {len(self.waiting)} wait, {self.sent_away} sent away, {self.refused} refused>"


DOOR = web.AppKey("door", Door)


class OnlyOurFaults(logging.Filter):
    """Drops what aiohttp says of a request that is no HTTP: whoever sends such must not be able to fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _leave_unread(request: web.Request) -> None:
    """What is left of a large body stays with its sender, who has LINGER_SECONDS to read the answer."""
    is_small = request.content_length is not None and request.content_length <= UNREAD_MOST
    if not (request.content.is_eof() or is_small or request.transport is None):
        request.transport.pause_reading()


def _log() -> logging.Logger:
    log = logging.getLogger("gateway.admin")
    if not log.filters:
        log.addFilter(OnlyOurFaults())
    return log


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
