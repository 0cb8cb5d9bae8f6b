"""What must wait: a new connection, for a request that found none idle.

The request path hands an exchange over with its generation and forgets it; this coroutine opens a connection, trying
other endpoints when one does not take it, and gives it to the exchange. Whatever happened to the request meanwhile
shows in the generation: a connection that nobody waits for any more goes to the pool.
"""

import asyncio
import ssl
import time

from gateway.dataplane import dial
from gateway.dataplane.exchange import Exchange
from gateway.dataplane.names import Names
from gateway.dataplane.plane import Plane
from gateway.dataplane.pool import Endpoint
from gateway.dataplane.upstream import UpstreamConnection

# A request does not wander through a long list of dead endpoints while its client waits.
MAX_ENDPOINTS = 4


class Connector:
    """Opens upstream connections for the exchanges of one worker."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def connect(self, plane: Plane, exchange: Exchange, generation: int) -> None:
        """Bring `exchange` a connection, or the reason why there is none (a name of model.errors)."""
        try:
            await self._connect(plane, exchange, generation)
        except Exception:
            plane.log.exception("connecting to an upstream failed in the gateway; please report this")
            exchange.connect_failed(generation, "gateway_fault", "")

    async def again(self, plane: Plane, exchange: Exchange, generation: int, pause_s: float) -> None:
        """After `pause_s` let `exchange` try once more, at another endpoint if there is one."""
        failed = exchange.endpoint
        await asyncio.sleep(pause_s)
        if failed is not None:
            other = failed.group.others({failed}, time.monotonic_ns())
            exchange.resume(generation, other or failed)

    async def _connect(self, plane: Plane, exchange: Exchange, generation: int) -> None:
        endpoint: Endpoint | None = exchange.endpoint
        tried: set[Endpoint] = set()
        reason, detail = "no_endpoint", ""
        most = _endpoints_to_try(endpoint)
        while endpoint is not None and len(tried) < most and exchange.generation == generation:
            tried.add(endpoint)
            if not endpoint.has_room():
                reason, detail = "pool_full", "Every endpoint is at `pool.max_connections`."
            else:
                try:
                    connection = await dial.open_connection(plane, endpoint, self._names)
                except OSError as error:
                    count_failure(plane, endpoint)
                    exchange.not_reached(generation)
                    reason, detail = why(error)
                    plane.log.debug("cannot connect to %s: %s", endpoint.address, error)
                else:
                    if not connection.closed:
                        self._hand_over(exchange, generation, connection)
                        return
                    count_failure(plane, endpoint)                 # it accepted only to close
                    exchange.not_reached(generation)
                    reason, detail = "connect_failed", ""
            endpoint = endpoint.group.others(tried, time.monotonic_ns())
        exchange.connect_failed(generation, reason, detail)

    def _hand_over(self, exchange: Exchange, generation: int, connection: UpstreamConnection) -> None:
        if not exchange.attach(generation, connection):
            connection.park_now()


def count_failure(plane: Plane, endpoint: Endpoint) -> None:
    now = time.monotonic_ns()
    if endpoint.connect_failed(now):
        plane.ticker.run_early(now)


def _endpoints_to_try(endpoint: Endpoint | None) -> int:
    """Where tries have a budget, each endpoint after the first is one of them."""
    retry = endpoint.group.retry if endpoint is not None else None
    return 1 if retry is not None and retry.mode == "enforce" else MAX_ENDPOINTS


def why(error: OSError) -> tuple[str, str]:
    """The refusal for a failed connect. Addresses and certificates are for the log, not for the client."""
    if isinstance(error, ssl.SSLError):
        return "connect_failed", "The upstream's TLS certificate or protocol was not accepted."
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "connect_timeout", ""
    return "connect_failed", ""
