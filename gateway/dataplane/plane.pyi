import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from gateway._tick import Ticker
from gateway.board import WorkerBoard
from gateway.dataplane.clients import Clients
from gateway.dataplane.deadlines import DeadlineBook
from gateway.dataplane.downstream import DownstreamConnection
from gateway.dataplane.exchange import Exchange
from gateway.dataplane.recording import Recording
from gateway.dataplane.routes import RoutePlan
from gateway.dataplane.stale_answers import StaleAnswers
from gateway.dataplane.trusted import TrustedProxies
from gateway.dataplane.turns import Turns
from gateway.routing import plan as plans

class Door:
    index: int
    health: bytes
    tls: bool
    def __init__(self, index: int, listener: plans.Listener, book: DeadlineBook) -> None: ...

class Plane:
    loop: asyncio.AbstractEventLoop
    log: logging.Logger
    known: Clients
    routes: RoutePlan
    serves: int
    beside: RoutePlan | None
    beside_serves: int
    deadlines: DeadlineBook
    turns: Turns
    connect: Callable[[Plane, Exchange, int], Coroutine[Any, Any, None]]
    again: Callable[[Plane, Exchange, int, float], Coroutine[Any, Any, None]]
    faults: object
    stale_answers: StaleAnswers
    tasks: set[asyncio.Task[None]]
    clients: set[DownstreamConnection]
    recording: Recording
    ticker: Ticker
    open_tunnels: set[Exchange]
    refusals: list[int]
    draining: bool
    active: int
    tunnels: int
    max_connections: int
    shedding: bool
    shed_threshold: int
    shed_reserve: int
    shed_room: int
    shed_budget: int
    beat_let_in: int
    epoch: int
    shed_salt: int
    def __init__(
        self, loop: asyncio.AbstractEventLoop, log: logging.Logger, trusted: TrustedProxies, board: WorkerBoard,
        client_key: str = "ip",
    ) -> None: ...
    def serve(self, routes: RoutePlan, number: int) -> None: ...
    def stay(self, beside: RoutePlan | None, number: int, share: int) -> None: ...
    def heed(self, word: int, follow: Callable[[], None]) -> None: ...
    def take_ranks(self) -> tuple[list[int], int, int]: ...
    def next_epoch(self) -> None: ...
    def forget_ranks(self) -> None: ...
    def snapshot(self) -> dict[str, object]: ...
