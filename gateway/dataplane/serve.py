"""The data plane of one worker: made from a plan, given listening sockets, ticked, drained.

This is the shell: it owns the objects of the request path and the tasks around it, and decides nothing about a request.
"""

import asyncio
import contextlib
import functools
import itertools
import logging
import resource
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway import board as boards
from gateway.dataplane import accept, dial, succession
from gateway.dataplane.downstream import DownstreamConnection
from gateway.dataplane.faults import Faults
from gateway.dataplane.health_checks import HealthChecks
from gateway.dataplane.names import Names
from gateway.dataplane.overload import Overload
from gateway.dataplane.plane import Door, Plane
from gateway.dataplane.pool import Endpoint, UpstreamGroup
from gateway.dataplane.recording import Recording
from gateway.dataplane.routes import RoutePlan
from gateway.dataplane.slowpath import Connector
from gateway.dataplane.tls import ServerContexts
from gateway.dataplane.trusted import TrustedProxies
from gateway.dataplane.tunnel import close_isolated
from gateway.model.injection import Injection
from gateway.routing import side_by_side
from gateway.routing.plan import Listener, Plan, Upstream

# Descriptors that are not clients: listening sockets, board, files, pipes, and the upstream half of each exchange.
RESERVED_DESCRIPTORS = 64
# While draining, a client that has been silent for so long is not about to send: close it.
DRAIN_IDLE_NS = 1_000_000_000
REFRESH_NS = 1_000_000_000



def connection_bound(configured: int) -> int:
    """How many client connections a worker takes: as configured, else four fifths of the open files less a reserve.

    A fifth is left for upstream connections: most clients are idle at any time, and where they are not, a connect that
    finds no descriptor is a 502 of one request, counted, and no worse.
    """
    if configured:
        return configured
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, (soft - RESERVED_DESCRIPTORS) * 4 // 5)


class DataPlane:
    """What a worker process serves with. Sockets given to it stay the caller's; it works on duplicates."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        *,
        worker: int,
        board: boards.WorkerBoard,
        log: logging.Logger,
        generation: int = 0,
    ) -> None:
        self._loop = loop
        self._plan = plan
        self._log = log
        self._worker = worker
        self._board = board                 # its rows are written by address: the mapping must outlive us
        self._trusted = TrustedProxies(plan.trusted_proxies)
        self._names = Names(loop, log)
        self._plane = Plane(loop, log, self._trusted, board, plan.client_key)
        self._plane.max_connections = connection_bound(plan.max_connections)
        connector = Connector(self._names)
        self._plane.connect, self._plane.again = connector.connect, connector.again
        self._faults = Faults(loop, self._plane, self._names)
        self._retired: list[Endpoint] = []
        first = self._make(plan, board)
        succession.commit(first)
        self._plane.serve(first.routes, generation)
        self._plane.recording = Recording(board, plan.recorder.version_header)
        self._doors = [Door(index, each, self._plane.deadlines) for index, each in enumerate(plan.listeners)]
        self._contexts = [_contexts(each, log) for each in plan.listeners]
        self._accepting: dict[int, accept.Accepting] = {}
        self._refreshed = 0
        self._health = HealthChecks(loop, self._names, log)
        self._watch_health(board)
        self.overload = Overload(loop, self._plane)
        self.worst_lag_ns = 0
        self._idle = asyncio.Event()                    # set by the tick that finds no connection while draining

    def prepare(self, plan: Plan, board: boards.WorkerBoard, *, beside: bool = False) -> succession.Prepared:
        """All that the next plan needs, without touching what serves. `board` must know its names. `beside`: it is to
        serve a part of the clients, and what serves now (or serves the rest of them) goes on for the others.

        Raises OSError, ValueError or KeyError where it cannot be served here (an authority's file, a missing row).
        """
        if beside:
            rest = self._plane.beside or self._plane.routes
            changed = side_by_side.limits(rest.plan, plan)
            board = board.beside(dict(zip(sorted(changed), (name for _, name in side_by_side.spare(changed)),
                                          strict=True)))
        return self._make(plan, board, beside=beside)

    def heed(self, follow: Callable[[], None]) -> None:
        """Have `follow` called by the first request that finds the board's generation another than what is served."""
        self._plane.heed(self._board.generation(), follow)

    def commit(self, prepared: succession.Prepared, generation: int) -> None:
        """Serve it from the next request on; what it has not taken over is closed as it falls idle."""
        before = set(self._endpoints())
        succession.commit(prepared)
        rest, number = self._plane.beside or self._plane.routes, self._plane.beside_serves or self._plane.serves
        self._plane.serve(prepared.routes, generation)
        if prepared.beside:
            self._plane.stay(rest, number, self._board.share())
        else:
            self._plane.stay(None, 0, self._board.share())
        self._plan = prepared.routes.plan
        self._plane.recording = Recording(prepared.board, self._plan.recorder.version_header)
        self._plane.max_connections = connection_bound(self._plan.max_connections)
        staying = set(self._endpoints())
        self._retired += [each for each in before if each not in staying]
        self._watch_health(prepared.board)
        if not self._plan.drills:
            self._faults.stand(())
        self._close_retired()

    @property
    def divided(self) -> int:
        """The number of the revision that serves the rest of the clients; 0: one plan serves all."""
        return int(self._plane.beside_serves)

    def unite(self) -> None:
        """All clients have the newer plan from now on, with the rows that are its own."""
        self.commit(self.prepare(self._plan, self._board.beside({})), self._plane.serves)

    def _watch_health(self, board: boards.WorkerBoard) -> None:
        """Of an upstream that two plans have, the settings and endpoints of the older one, and the newer's others."""
        self._health.watch(((upstream, each.groups[upstream.name]) for each in self._serving()[::-1]
                            for upstream in each.plan.upstreams), board)

    def _serving(self) -> list[RoutePlan]:
        """The plans that serve, the latest first."""
        return [each for each in (self._plane.routes, self._plane.beside) if each is not None]

    def inject(self, injections: Iterable[Injection]) -> None:
        """These faults of drills stand from now on, and no others; none where the config does not allow drills."""
        self._faults.stand(injections if self._plan.drills else ())

    def _close_retired(self) -> None:
        for endpoint in self._retired:
            endpoint.close_idle()
        self._publish()
        self._retired = [each for each in self._retired if each.connections]

    def _publish(self) -> None:
        """Gauges of this worker's share. Two plans may have an endpoint each for one address, and so for one row."""
        known: set[int] = set()
        for endpoint in dict.fromkeys((*self._retired, *self._endpoints())):
            endpoint.publish(endpoint.row in known)
            known.add(endpoint.row)

    def _make(self, plan: Plan, board: boards.WorkerBoard, *, beside: bool = False) -> succession.Prepared:
        groups, endpoints = {}, {}
        for each in plan.upstreams:
            kept: dict[int, Endpoint] = {}
            if found := succession.group_of(each, self._serving(), beside=beside):
                group, before = found
                kept = succession.kept(group, before, each)
            else:
                group = UpstreamGroup(each, self._plane.deadlines, secrets.randbits(63), board)
            groups[each.name], endpoints[each.name] = group, self._endpoints_of(group, each, kept, board)
        return succession.Prepared(RoutePlan(plan, groups, board, self._plane.deadlines), endpoints, board, beside)

    def _endpoints_of(self, group: UpstreamGroup, upstream: Upstream, kept: dict[int, Endpoint],
                      board: boards.WorkerBoard) -> tuple[Endpoint, ...]:
        if len(kept) == len(upstream.endpoints):
            return tuple(kept[index] for index in range(len(kept)))
        context = dial.context_of(upstream.tls)
        return tuple(
            kept.get(index) or Endpoint(group, each, dial.target_of(each, upstream.tls, context), board)
            for index, each in enumerate(upstream.endpoints)
        )

    async def open(self, sockets: Sequence[tuple[int, socket.socket]]) -> None:
        """Start to accept; `sockets` are (index of the listener in the plan, listening socket)."""
        self.overload.start()
        for listener, sock in sockets:
            await self.adopt(listener, sock)

    async def adopt(self, listener: int, sock: socket.socket) -> None:
        """Accept on one more socket, for a worker that is not there at present."""
        settings = self._plan.listeners[listener]
        self._accepting[sock.fileno()] = await accept.serve(
            self._loop, sock, functools.partial(DownstreamConnection, self._plane, self._doors[listener]),
            tls=self._contexts[listener], proxy=settings.proxy_protocol, trusted=self._trusted,
            head_timeout_s=settings.timeouts.head / 1e9 or 10.0, log=self._log)

    async def release(self, sock_fileno: int) -> None:
        """Stop accepting on an adopted socket; connections go on."""
        accepting = self._accepting.pop(sock_fileno, None)
        if accepting is not None:
            accepting.stop()

    def begin_drain(self) -> None:
        """Not ready any more: health says so, and each answer is its connection's last."""
        self._plane.draining = True

    async def stop_accepting(self) -> None:
        """Take what waits in the accept queues, then close them."""
        for accepting in self._accepting.values():
            accepting.drain_queue_and_close()

    async def finished(self, timeout: float) -> bool:
        """Wait until no connection is left; after `timeout` seconds abort the rest. True: none had to be aborted."""
        self._idle.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        cleanly = not self._busy()
        for accepting in self._accepting.values():
            accepting.abort_opening()
        for client in list(self._plane.clients):
            client.abort()
        await asyncio.sleep(0)
        self._close_pools()
        self.overload.stop()
        self._health.stop()
        self._names.close()
        await asyncio.sleep(0)
        return cleanly

    def _close_pools(self) -> None:
        for endpoint in self._endpoints():
            endpoint.close_idle()

    def _endpoints(self) -> Iterator[Endpoint]:
        groups = dict.fromkeys(group for each in self._serving() for group in each.groups.values())
        return itertools.chain.from_iterable(group.endpoints for group in groups)

    def _busy(self) -> bool:
        return bool(self._plane.clients) or any(each.opening for each in self._accepting.values())

    def tick(self, now_ns: int) -> None:
        """Every 100 ms: fire deadlines; while draining close the idle. Once a second: gauges and certificate files."""
        for fault in self._plane.deadlines.sweep(now_ns):
            self._log.error("a deadline failed; please report this", exc_info=fault)
        self._plane.ticker.run(now_ns)
        if self._plane.faults is not None:
            self._faults.turn(now_ns)
        self.worst_lag_ns = self.overload.turn(now_ns)
        close_isolated(self._plane, now_ns)
        if not self._plane.draining:
            self._health.turn(now_ns)
        if self._plane.draining:
            for client in list(self._plane.clients):
                client.close_if_idle(now_ns, DRAIN_IDLE_NS)
            if not self._busy():
                self._idle.set()
        if now_ns - self._refreshed >= REFRESH_NS:
            self._refreshed = now_ns
            self._close_retired()
            for contexts in self._contexts:
                if contexts is not None:
                    contexts.refresh()

    def snapshot(self) -> dict[str, object]:
        """Connections, exchanges in flight, refusals, and the state of each pool."""
        return {
            **self._plane.snapshot(),
            "worker": self._worker,
            "accepting": {str(fd): each.snapshot() for fd, each in self._accepting.items()},
            "upstreams": {name: group.snapshot() for name, group in self._plane.routes.groups.items()},
            "deadlines": self._plane.deadlines.snapshot(),
            "at": time.monotonic_ns(),
        }


def _contexts(listener: Listener, log: logging.Logger) -> ServerContexts | None:
    return ServerContexts(listener.certificates, log) if listener.certificates else None
