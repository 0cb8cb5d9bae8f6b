"""Drills in the data plane: which tries meet an injected fault, and the faulty connection that these are given.

Off the request path: without a fault that stands, `plane.faults` is None, which is all that a request looks at. The
list is short (model/injection.py bounds it), and each fault ends on this worker's own clock.
"""

import asyncio
import functools
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from gateway.dataplane import dial
from gateway.dataplane.exchange import Exchange
from gateway.dataplane.faulty_transport import Behind, FaultyTransport
from gateway.dataplane.names import Names
from gateway.dataplane.plane import Plane
from gateway.dataplane.pool import Endpoint
from gateway.dataplane.routes import Route
from gateway.dataplane.slowpath import count_failure, why
from gateway.dataplane.upstream import UpstreamConnection
from gateway.model.injection import REACHING, Injection, InjectionKind
from gateway.model.safeguards import WHOLE

Way = Callable[[Plane, Exchange, int], Coroutine[Any, Any, None]]


class Faults:
    """Mutable state: what stands in this worker, with the key of the client that each names (0: any)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, plane: Plane, names: Names) -> None:
        self._loop = loop
        self._plane = plane
        self._names = names
        self._standing: list[tuple[Injection, int]] = []

    def stand(self, injections: Iterable[Injection]) -> None:
        """These, and no others."""
        self._standing = [(each, self._plane.known.of(each.client).key if each.client else 0) for each in injections]
        self.turn(time.monotonic_ns())

    def turn(self, now: int) -> None:
        """Forget what is over."""
        self._standing = [each for each in self._standing if each[0].until > now]
        self._plane.faults = self if self._standing else None

    def way(self, route: Route, endpoint: Endpoint, client: int) -> Way | None:
        """How to connect instead, where a fault meets this try; work that keeps us busy is done here and now."""
        now = time.monotonic_ns()
        for injection, key in self._standing:
            if (injection.until > now and (not key or key == client) and _meets(injection, route, endpoint)
                    and random.randrange(WHOLE) < injection.share):  # noqa: S311 - a share, no secret
                if injection.kind is not InjectionKind.BUSY:
                    return functools.partial(self._connect, injection)
                work(injection.delay)
        return None

    async def _connect(self, injection: Injection, plane: Plane, exchange: Exchange, generation: int) -> None:
        try:
            await self._give(injection, plane, exchange, generation)
        except OSError as error:
            exchange.connect_failed(generation, *why(error))
        except Exception:
            plane.log.exception("an injected fault failed in the gateway; please report this")
            exchange.connect_failed(generation, "gateway_fault", "")

    async def _give(self, injection: Injection, plane: Plane, exchange: Exchange, generation: int) -> None:
        endpoint = exchange.endpoint
        if not endpoint.has_room():
            exchange.connect_failed(generation, "pool_full", "")
            return
        connection = UpstreamConnection(plane, endpoint, False)
        connection.once = True
        transport = FaultyTransport(self._loop, injection, connection)
        endpoint.opening()
        try:
            if injection.kind in REACHING:
                await dial.open_behind(plane, endpoint, self._names, lambda: Behind(transport, connection))
        except OSError:
            endpoint.closed()
            count_failure(plane, endpoint)
            raise
        connection.connection_made(transport)
        if not exchange.attach(generation, connection):
            connection.give_up()

    def __repr__(self) -> str:
        return f"<Faults {[str(each) for each, _ in self._standing]}>"


def work(duration: int) -> None:
    """Keep this thread's processor, and with it the event loop, for so many ns."""
    until = time.monotonic_ns() + duration
    while time.monotonic_ns() < until:
        pass


def _meets(injection: Injection, route: Route, endpoint: Endpoint) -> bool:
    """Is this try in its scope? One that names no upstream spares those that fallbacks ask."""
    if injection.route and injection.route != route.name:
        return False
    if injection.endpoint and injection.endpoint != endpoint.address:
        return False
    if injection.upstream:
        return injection.upstream == endpoint.group.name
    return bool(injection.endpoint) or endpoint.group is route.group
