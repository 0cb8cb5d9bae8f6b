"""A worker's data path without sockets or sleeps: the real plane, connections and exchanges between doubles.

    gateway = Gateway()                             # one listener, one route to the upstream `api` of one endpoint
    client = gateway.client()
    client.says(get("/"))
    upstream = gateway.connects()                   # the connection that the slow path was asked for is there
    assert upstream.hears().startswith(b"GET / HTTP/1.1\r\n")
    upstream.says(answer(b"hello"))
    assert client.hears().endswith(b"hello")

Doubled are the event loop and its transports (transports.py), and the slow path: a test says when a connection comes.
The compiled code reads CLOCK_MONOTONIC itself, so `silence_of` fires deadlines by sweeping at a later `now`.
"""
import logging
from collections import deque
from typing import Any

from http_messages import HOST, message
from transports import Loop, Peer, Task

from gateway import _fastpath, board
from gateway.board import params
from gateway.dataplane import dial
from gateway.dataplane.downstream import DownstreamConnection
from gateway.dataplane.exchange import Exchange
from gateway.dataplane.plane import Door, Plane
from gateway.dataplane.pool import Endpoint, UpstreamGroup
from gateway.dataplane.routes import RoutePlan
from gateway.dataplane.trusted import TrustedProxies
from gateway.dataplane.upstream import UpstreamConnection
from gateway.routing import plan as plans


def get(path: str = "/", *fields: str, version: str = "1.1") -> bytes:
    return message(f"GET {path} HTTP/{version}", HOST, *fields)


def post(path: str = "/", body: bytes = b"", *fields: str) -> bytes:
    return message(f"POST {path} HTTP/1.1", HOST, f"Content-Length: {len(body)}", *fields) + body


def answer(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    return message(f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields) + body


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


class Connect:
    """A connection that the slow path was asked for."""

    def __init__(self, exchange: Exchange, generation: int) -> None:
        self.exchange = exchange
        self.generation = generation
        self.task = Task()


class Pause(Connect):
    """Before another try, which the slow path was asked for."""

    def __init__(self, exchange: Exchange, generation: int, seconds: float) -> None:
        super().__init__(exchange, generation)
        self.seconds = seconds
        self.failed = exchange.endpoint


API = plans.Upstream("api", (plans.Endpoint("127.0.0.1:9001"),))
TO_API = plans.Route("all", upstream="api")
LISTENER = plans.Listener("127.0.0.1:8080")


class Gateway:
    """A worker's plane on a board of its own, with one listener and one upstream."""

    def __init__(self, *routes: plans.Route, upstream: plans.Upstream = API,
                 others: tuple[plans.Upstream, ...] = (), listener: plans.Listener = LISTENER,
                 trusted: tuple[str, ...] = (), client_key: str = "ip", loop: Loop | None = None) -> None:
        self.plan = plans.Plan((listener,), (upstream, *others), routes or (TO_API,), trusted)
        self.loop = loop or Loop()
        self.waiting: deque[Connect] = deque()
        self.board = _board_for(self.plan)
        self.rows = board.WorkerBoard(self.board, 0)
        self.log = logging.getLogger("data path")
        self.plane: Any = Plane(self.loop, self.log, TrustedProxies(trusted), self.rows, client_key)
        self.plane.max_connections = 1000
        self.plane.connect = self._connect
        self.pauses: deque[Pause] = deque()
        self.plane.again = self._pause
        self.groups = {each.name: self._group(each) for each in self.plan.upstreams}
        self.group = self.groups[upstream.name]
        self.plane.serve(RoutePlan(self.plan, self.groups, self.rows, self.plane.deadlines), 0)
        self.door = Door(0, listener, self.plane.deadlines)

    def _group(self, upstream: plans.Upstream) -> UpstreamGroup:
        group = UpstreamGroup(upstream, self.plane.deadlines, 42, self.rows)
        group.set_endpoints(Endpoint(group, each, dial.target_of(each, None, None), self.rows)
                            for each in upstream.endpoints)
        return group

    def _connect(self, plane: Plane, exchange: Exchange, generation: int) -> Connect:
        self.waiting.append(Connect(exchange, generation))
        return self.waiting[-1]

    def _pause(self, plane: Plane, exchange: Exchange, generation: int, seconds: float) -> "Pause":
        self.pauses.append(Pause(exchange, generation, seconds))
        return self.pauses[-1]

    # ---- the peers

    def client(self, address: str = "192.0.2.7", sock: Any = None) -> Peer:
        return Peer(self.loop, DownstreamConnection(self.plane, self.door, (address, 40000)), sock)

    def connects(self, sock: Any = None, *, reads: bool = True) -> Peer:
        """The oldest connect under way succeeds: its upstream, which `reads` what it is told, or not yet."""
        asked = self.waiting.popleft()
        endpoint = asked.exchange.endpoint if asked.exchange.generation == asked.generation else self.endpoint
        endpoint.opening()
        peer = Peer(self.loop, UpstreamConnection(self.plane, endpoint, False), sock, reads=reads)
        if not asked.exchange.attach(asked.generation, peer.connection):
            peer.connection.park_now()
        asked.task.end()
        self.loop.run()
        return peer

    def fails_to_connect(self, reason: str = "connect_failed", detail: str = "") -> None:
        asked = self.waiting.popleft()
        asked.exchange.connect_failed(asked.generation, reason, detail)
        asked.task.end()
        self.loop.run()

    def tries_again(self) -> None:
        """The oldest pause before another try is over."""
        pause = self.pauses.popleft()
        other = pause.failed.group.others({pause.failed}, 0)
        pause.exchange.resume(pause.generation, other or pause.failed)
        pause.task.end()
        self.loop.run()

    def silence_of(self, seconds: float) -> list[Exception]:
        """Nobody does anything for so long after the last event; what the deadlines raised."""
        faults = self.plane.deadlines.sweep(_fastpath.monotonic_ns() + int(seconds * 1e9))
        self.loop.run()
        return list(faults)

    # ---- what can be looked at

    @property
    def endpoint(self) -> Endpoint:
        return self.group.endpoints[0]

    def counted(self, route: str = "all") -> dict[str, int]:
        """The route's counters that are not 0, answers as `2xx`; `none`: ended before any status."""
        row = self.board.route(0, self.board.names("routes")[route])
        found = {name: row[name] for name in ("requests", "refused", "upstream_failures", "retries", "client_gone")}
        classes = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
        found |= dict(zip(classes, row.items("answers", 6), strict=True))
        return {name: count for name, count in found.items() if count}

    def counted_endpoint(self, number: int = 0) -> board.Row:
        return self.board.endpoint(0, number)

    def refused(self) -> dict[str, int]:
        return dict(self.plane.snapshot()["refused"])

    @property
    def is_at_rest(self) -> bool:
        """No request, tunnel or connect is under way."""
        busy = [self.plane.active, self.plane.tunnels, len(self.plane.tasks)]
        return not any(busy) and not any(each.active for each in self.group.endpoints)


def _board_for(plan: plans.Plan) -> board.Board:
    endpoints = [(each.name, endpoint.address) for each in plan.upstreams for endpoint in each.endpoints]
    made = board.Board.create(board.Capacity(1, 64, 64), boot_ns=1, boot_utc_ns=1)
    made.name_rows([each.name for each in plan.routes], endpoints, generation=1,
                   upstreams=[each.name for each in plan.upstreams],
                   limits=[(each.name, limit.name) for each in plan.routes for limit in each.limits])
    for each in plan.upstreams:
        params.write_upstream(made, each.name, [one.address for one in each.endpoints], each.breaker, each.eject,
                              each.health)
    return made


def asked(gateway: Gateway, request: bytes, *, reads: bool = True) -> tuple[Peer, Peer]:
    """A client that has sent `request`, and the upstream that was told it on a fresh connection."""
    client = gateway.client()
    client.says(request)
    return client, gateway.connects(reads=reads)


def statuses(heard: bytes) -> list[int]:
    """Those of all answers, in order; no body may hold a status line."""
    return [int(each[:3]) for each in heard.split(b"HTTP/1.1 ")[1:]]


def status(heard: bytes) -> int:
    return statuses(heard)[0]
