"""Active health checks: the workers ask each endpoint regularly, one of them each time; isolate/health.py judges.

When the next check of an endpoint is due stands on the board, and so does the streak of results. Whoever finds it due
and moves it on makes that check; if it dies meanwhile, the next one is due all the same. Nothing here needs control.

A check is a connection and a GET of its own, so that it meets what a new client would meet; it does not count as a
request, and takes no permit.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway import __version__, _gates
from gateway.board import Row, WorkerBoard, endpoint_name
from gateway.dataplane.names import Names
from gateway.dataplane.pool import Endpoint, UpstreamGroup
from gateway.isolate import health
from gateway.isolate.health import Checked
from gateway.model.safeguards import OFF, SECOND, Health
from gateway.routing.plan import Upstream

STATUS_LINE_MOST = 1024
AGENT = f"gateway-health/{__version__}"


@dataclass(frozen=True, slots=True)
class Watched:
    """An endpoint that is checked: `gate` and `control` are its row on the board."""

    name: str
    endpoint: Endpoint
    host: bytes
    params: Health
    gate: _gates.Gate
    control: Row


class HealthChecks:
    """Mutable state: what is watched under the present plan, and the checks under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, names: Names, log: logging.Logger) -> None:
        self._loop = loop
        self._names = names
        self._log = log
        self._watched: tuple[Watched, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, upstreams: Iterable[tuple[Upstream, UpstreamGroup]], board: WorkerBoard) -> None:
        """From now on the endpoints of these; of two for one address, the first. One that is no longer checked is taken
        to be healthy."""
        before = {each.name: each.control for each in self._watched}
        watched: dict[str, Watched] = {}
        for upstream, group in upstreams:
            if upstream.health.mode != OFF:
                watched = {each.name: each for each in _watched(upstream, group, board)} | watched
        self._watched = tuple(watched.values())
        for name in before.keys() - {each.name for each in self._watched}:
            before[name]["unhealthy"] = before[name]["check_streak"] = 0

    def turn(self, now_ns: int) -> None:
        """Every 100 ms: begin the checks that are due and that no other worker has taken."""
        for each in self._watched:
            jitter = random.uniform(-1, 1)  # noqa: S311 - spreads checks, hides nothing
            if each.gate.claim_check(now_ns, health.next_check(now_ns, each.params, jitter)):
                task = self._loop.create_task(self._check(each))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        self._watched = ()
        for task in self._tasks:
            task.cancel()

    async def _check(self, watched: Watched) -> None:
        try:
            found = await self._ask(watched)
        except Exception:
            self._log.exception("a health check failed in the gateway; please report this")
            return
        before = Checked(not watched.control["unhealthy"], watched.control["check_streak"])
        after = health.observe(before, found.isdecimal() and health.is_good(int(found)), found, watched.params)
        watched.control["check_streak"] = after.streak
        watched.control["unhealthy"] = int(not after.healthy)
        if after.healthy != before.healthy:
            self._log.warning("health check: %s is %s: %s found %s", watched.name,
                              "in" if after.healthy else "out", watched.params.path, found)

    async def _ask(self, watched: Watched) -> str:
        """The status, or why there is none."""
        try:
            async with asyncio.timeout(watched.params.timeout / SECOND):
                return await self._status(watched)
        except TimeoutError:
            return f"no answer within {watched.params.timeout / SECOND:g} s"
        except ssl.SSLError:
            return "TLS that was not accepted"
        except OSError as error:
            return error.strerror or "no connection"

    async def _status(self, watched: Watched) -> str:
        reader, writer = await self._open(watched)
        try:
            writer.write(b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n" % (
                watched.params.path.encode(), watched.host, AGENT.encode()))
            line = await reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return "no answer in HTTP"
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        version, _, rest = line.decode("latin-1").partition(" ")
        status = rest[:3]
        return status if version in ("HTTP/1.1", "HTTP/1.0") and status.isdecimal() else "no answer in HTTP"

    async def _open(self, watched: Watched) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = watched.endpoint.target
        server_name = target.server_name or None
        if target.path:
            return await asyncio.open_unix_connection(target.path, limit=STATUS_LINE_MOST, ssl=target.context,
                                                      server_hostname=server_name)
        known = self._names.resolve(target.host, target.port)
        if not known:
            known = await self._names.first(target.host, target.port, watched.params.timeout / SECOND)
        if not known:
            raise OSError(0, f"no address is known for {target.host}")
        return await asyncio.open_connection(*known[0][:2], limit=STATUS_LINE_MOST, ssl=target.context,
                                             server_hostname=server_name)

    def __repr__(self) -> str:
        return f"<HealthChecks of {len(self._watched)} endpoints, {len(self._tasks)} under way>"


def _watched(upstream: Upstream, group: UpstreamGroup, board: WorkerBoard) -> Iterator[Watched]:
    for endpoint in group.endpoints:
        name = endpoint_name(upstream.name, endpoint.address)
        yield Watched(name, endpoint, group.host or endpoint.host, upstream.health,
                      _gates.Gate(board.control("endpoints", name)), board.control_row("endpoints", name))
