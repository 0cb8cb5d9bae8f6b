"""How an endpoint is dialled: its address taken apart once, and one connection opened on demand."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from gateway.dataplane import names, tls
from gateway.dataplane.plane import Plane
from gateway.dataplane.pool import Endpoint
from gateway.dataplane.tls_transport import TlsTransport
from gateway.dataplane.upstream import UpstreamConnection
from gateway.routing import plan as plans

Spoken = TypeVar("Spoken", bound=asyncio.Protocol)


@dataclass(frozen=True, slots=True)
class Target:
    """`path` is set for a Unix socket, else `host` and `port`; `context` and `server_name` where TLS is spoken."""

    path: str
    host: str
    port: int
    context: ssl.SSLContext | None
    server_name: str
    host_field: bytes


def split_address(address: str, default_port: int) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or a bare host -> (host, port)."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, int(rest[1:]) if rest else default_port
    host, _, port = address.rpartition(":")
    return (host, int(port)) if host else (address, default_port)


def target_of(endpoint: plans.Endpoint, spoken: plans.UpstreamTls | None, context: ssl.SSLContext | None) -> Target:
    """Take an endpoint's address apart. A Unix socket has no name of its own: it is called localhost."""
    if endpoint.address.startswith("unix:"):
        server_name = (spoken.server_name or "localhost") if spoken else ""
        return Target(endpoint.address[5:], "", 0, context, server_name, b"localhost")
    host, port = split_address(endpoint.address, 443 if spoken else 80)
    server_name = (spoken.server_name or host) if spoken else ""
    return Target("", host, port, context, server_name, endpoint.address.encode())


def context_of(spoken: plans.UpstreamTls | None) -> ssl.SSLContext | None:
    """One context per upstream, shared by its endpoints."""
    return tls.client_context(spoken) if spoken else None


async def open_connection(plane: Plane, endpoint: Endpoint, resolver: names.Names) -> UpstreamConnection:
    """Open one connection, TLS included; `connect` bounds it all. Raises OSError (TimeoutError, ssl.SSLError)."""
    connect_s = endpoint.group.connect_timeout / 1e9
    made: list[UpstreamConnection] = []

    def make() -> UpstreamConnection:
        made.append(UpstreamConnection(plane, endpoint, endpoint.target.context is not None))
        return made[-1]

    endpoint.opening()
    try:
        async with asyncio.timeout(connect_s if connect_s else None):
            return await _dial(plane, endpoint, resolver, connect_s or None, make)
    except BaseException:
        # One that came to life in the same turn as the time-out counts itself out, and must do so only once.
        if made:
            made[-1].give_up()
        else:
            endpoint.closed()
        raise


async def open_behind(plane: Plane, endpoint: Endpoint, resolver: names.Names,
                      make: Callable[[], asyncio.Protocol]) -> None:
    """The same for a protocol that stands behind another connection, which counts itself. Raises OSError."""
    connect_s = endpoint.group.connect_timeout / 1e9
    async with asyncio.timeout(connect_s if connect_s else None):
        await _dial(plane, endpoint, resolver, connect_s or None, make)


async def _dial(
    plane: Plane,
    endpoint: Endpoint,
    resolver: names.Names,
    handshake_s: float | None,
    make: Callable[[], Spoken],
) -> Spoken:
    target = endpoint.target
    if target.path:
        return await _connect(plane.loop, target, ("", 0), make)
    last: OSError = OSError(f"no address is known for {target.host}; check the name or the resolver")
    for address in await _addresses(resolver, target, handshake_s or 5.0):
        try:
            return await _connect(plane.loop, target, address, make)
        except OSError as error:
            resolver.failed(target.host, target.port, address)
            last = error
    raise last


async def _connect(
    loop: asyncio.AbstractEventLoop, target: Target, address: names.Address, make: Callable[[], Spoken]
) -> Spoken:
    """One connection to `address` or the target's Unix socket, and TLS on it where the target speaks it."""
    spoken = None if target.context is None else TlsTransport(
        loop, make, target.context, server_side=False, server_hostname=target.server_name)
    factory: Callable[[], Any] = make if spoken is None else lambda: spoken
    opening = (loop.create_unix_connection(factory, target.path) if target.path
               else loop.create_connection(factory, *address))
    _, connection = await opening
    return cast(Spoken, connection if spoken is None else await spoken.handshake())


async def _addresses(resolver: names.Names, target: Target, timeout_s: float) -> tuple[names.Address, ...]:
    known = resolver.resolve(target.host, target.port)
    return known or await resolver.first(target.host, target.port, timeout_s)
