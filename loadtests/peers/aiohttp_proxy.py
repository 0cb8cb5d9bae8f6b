"""A reverse proxy as one writes it with aiohttp in an afternoon: a server, a client session, a coroutine per request.

It limits each client (GCRA) and leaves out an endpoint for 30 s after 5 failures in a row, as its peers do.
"""

import argparse
import asyncio
import logging
import os
import signal
import ssl
import time
from collections.abc import Sequence

import aiohttp
import aiohttp.web
import uvloop

HOP_BY_HOP = frozenset(("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
                        "transfer-encoding", "upgrade"))
INTERVAL = 1e-6  # seconds between two requests of a client, once its burst is used up
BURST = 1.0  # seconds that a client may be ahead
FAILURES = 5
EJECTED_FOR = 30.0


class Endpoint:
    """One upstream address and its health."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.failures = 0
        self.ejected_until = 0.0

    def record(self, failed: bool, now: float) -> None:
        self.failures = self.failures + 1 if failed else 0
        if self.failures >= FAILURES:
            self.ejected_until = now + EJECTED_FOR


class Proxy:
    """Holds the session, the endpoints and each client's next allowed time."""

    def __init__(self, upstreams: Sequence[str]) -> None:
        self.endpoints = [Endpoint(url) for url in upstreams]
        self.turn = 0
        self.arrivals: dict[str, float] = {}
        self.session: aiohttp.ClientSession | None = None

    async def start(self, _app: aiohttp.web.Application) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self.session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def stop(self, _app: aiohttp.web.Application) -> None:
        assert self.session is not None
        await self.session.close()

    def admits(self, client: str, now: float) -> bool:
        arrival = max(self.arrivals.get(client, now), now) + INTERVAL
        if arrival > now + BURST:
            return False
        self.arrivals[client] = arrival
        return True

    def choose(self, now: float) -> Endpoint:
        """Round robin over the endpoints that are in; all of them when none is."""
        healthy = [endpoint for endpoint in self.endpoints if endpoint.ejected_until <= now] or self.endpoints
        self.turn += 1
        return healthy[self.turn % len(healthy)]

    async def answer(self, request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        now = time.monotonic()
        client = request.remote or ""
        if not self.admits(client, now):
            return aiohttp.web.Response(status=429)
        endpoint = self.choose(now)
        try:
            response = await self.relay(request, endpoint, client)
        except aiohttp.ClientError:
            endpoint.record(failed=True, now=now)
            return aiohttp.web.Response(status=502)
        endpoint.record(failed=response.status >= 500, now=now)
        return response

    async def relay(self, request: aiohttp.web.Request, endpoint: Endpoint, client: str) -> aiohttp.web.StreamResponse:
        assert self.session is not None
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        headers += [("X-Forwarded-For", client), ("X-Forwarded-Proto", request.scheme)]
        async with self.session.request(
                request.method, endpoint.url + request.raw_path, headers=headers, allow_redirects=False,
                data=request.content if request.body_exists else None) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            response = aiohttp.web.StreamResponse(status=answer.status, reason=answer.reason)
            response.headers.extend(kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def application(upstreams: Sequence[str]) -> aiohttp.web.Application:
    proxy = Proxy(upstreams)
    app = aiohttp.web.Application()
    app.router.add_route("*", "/{path:.*}", proxy.answer)
    app.on_startup.append(proxy.start)
    app.on_cleanup.append(proxy.stop)
    return app


def serve(arguments: argparse.Namespace) -> None:
    context = None
    if arguments.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.tls)
    if arguments.access_log:
        logging.basicConfig(filename=arguments.access_log, level=logging.INFO, format="%(message)s")
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    aiohttp.web.run_app(application(arguments.upstream), host="127.0.0.1", port=arguments.port, ssl_context=context,
                        reuse_port=True, backlog=4096, access_log=_access_log(arguments), print=None,
                        keepalive_timeout=3600)


def _access_log(arguments: argparse.Namespace) -> logging.Logger | None:
    return logging.getLogger("aiohttp.access") if arguments.access_log else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", action="append", required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tls", help="PEM file with certificate and key")
    parser.add_argument("--access-log", help="a file; none without")
    arguments = parser.parse_args()
    children = []
    for _ in range(arguments.workers - 1):
        child = os.fork()
        if child == 0:
            serve(arguments)
            return
        children.append(child)
    try:
        serve(arguments)
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)


if __name__ == "__main__":
    main()
