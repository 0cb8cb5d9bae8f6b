"""Everything live, over one connection: server-sent events.

    GET /v1/events      traffic (each second), targets, incidents, isolations, safeguards, processes, config
    GET /v1/traffic     ?target=route:NAME&seconds=300: second by second

A listener is told first what it has missed: all that is kept, or what came after its `Last-Event-ID`; then `ready`.
While nothing happens a comment is sent every 15 s, so that a connection that broke is noticed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from gateway.admin import answers, paging
from gateway.admin.live import Event, Listener, Live
from gateway.admin.traffic import Traffic

LIVE = web.AppKey("live", Live)
TRAFFIC = web.AppKey("traffic", Traffic)
SILENCE_SECONDS = 15.0
SECONDS_USUAL, SECONDS_MOST = 300, 900
RETRY = b"retry: 1000\n\n"
READY = b"event: ready\ndata: {}\n\n"


async def _events(request: web.Request) -> web.StreamResponse:
    live = request.app[LIVE]
    listener = live.listen(lambda: _cut(request))
    try:
        missed = [_written(live, each) for each in live.since(request.headers.get("Last-Event-ID", ""))]
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):      # whoever listens may leave at any time
            await answer.write(RETRY + b"".join(missed) + READY)
            while (piece := await _next(live, listener)) is not None:
                await answer.write(piece)
        return answer
    finally:
        live.leave(listener)


async def _next(live: Live, listener: Listener) -> bytes | None:
    try:
        event = await asyncio.wait_for(listener.queue.get(), SILENCE_SECONDS)
    except TimeoutError:
        return b": still here\n\n"
    return None if event is None else _written(live, event)


def _written(live: Live, event: Event) -> bytes:
    return f"id: {live.name}-{event.number}\nevent: {event.kind}\ndata: {event.data}\n\n".encode()


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _traffic(request: web.Request) -> web.Response:
    seconds = paging.number(request, "seconds", SECONDS_USUAL)
    if not 1 <= seconds <= SECONDS_MOST:
        raise ValueError(f"`seconds` must be 1 to {SECONDS_MOST}")
    return web.json_response(request.app[TRAFFIC].history(request.query.get("target", ""), seconds))


async def while_serving(app: web.Application) -> AsyncIterator[None]:
    """aiohttp's `cleanup_ctx`: turns are taken from the start to the end."""
    watching = asyncio.create_task(app[LIVE].watch())
    yield
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def send_home(app: web.Application) -> None:
    """aiohttp's `on_shutdown`: before it waits for those who still talk."""
    app[LIVE].close()


ROUTES = [
    web.get("/v1/events", answers.answered(_events), allow_head=False),
    web.get("/v1/traffic", answers.answered(_traffic)),
]
