"""The endpoints of the site, and the fault proxy that stands in them: each answers as `world` says is usual, until a
Fault that fits the request and the endpoint says otherwise.

    status N   answers with it         reset    cuts the connection off
    hang       says nothing at all     slow S   takes S seconds longer
    refuse     does not even listen    version  names another one in x-version (and fails as `status` says, if it does)
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import cast

from loadtests.injections import world

RESET, HANG, SLOW, REFUSE, STATUS, HEALTHY = "reset", "hang", "slow", "refuse", "status", "healthy"


@dataclass(frozen=True, slots=True)
class Fault:
    """`share`: of the requests that it fits; `only`: header, method or path word -> value; all where it is empty."""

    kind: str
    share: float = 1.0
    status: int = 500
    seconds: float = 0.0
    only: dict[str, str] = field(default_factory=dict)
    version: str = ""

    def fits(self, method: str, path: str, agent: str) -> bool:
        asked = {"method": method, "path": path, "agent": agent}
        return all(asked[name] == value for name, value in self.only.items())


class Origin:
    """An endpoint on a port. Mutable: its fault, what it was asked."""

    def __init__(self, upstream: str, port: int, seed: int) -> None:
        self.upstream = upstream
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.fault: Fault | None = None
        self.requests = 0
        self.draw = random.Random(seed)
        self.connections: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in list(self.connections):
            transport.abort()

    def break_with(self, fault: Fault) -> None:
        self.fault = fault
        if fault.kind == REFUSE:
            self.close()

    async def heal(self) -> None:
        self.fault = None
        if self._server is None:
            await self.open()

    def choose(self, method: str, path: str, agent: str) -> Fault | None:
        fault = self.fault
        hit = fault is not None and fault.fits(method, path, agent) and self.draw.random() < fault.share
        return fault if hit else None

    @property
    def version(self) -> str:
        return (self.fault.version if self.fault else "") or world.VERSION


class _Connection(asyncio.Protocol):
    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._origin.connections.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._origin.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            self._answer(head.decode("latin-1"))

    def _answer(self, head: str) -> None:
        origin = self._origin
        origin.requests += 1
        method, path, _ = head.split("\r\n", 1)[0].split(" ", 2)
        agent = head.lower().partition("\r\nuser-agent: ")[2].partition("\r\n")[0]
        fault = origin.choose(method, path, agent)
        took = origin.draw.lognormvariate(0, world.SIGMA) * world.MEDIAN_MS / 1000
        if fault is None or fault.kind in (SLOW, HEALTHY):
            slower = fault.seconds if fault else 0.0
            status = 500 if origin.draw.random() < world.ERRORS else 200
            self._later(took + slower, status)
        elif fault.kind == RESET:
            self._transport.abort()
        elif fault.kind == STATUS:
            self._later(took, fault.status)

    def _later(self, seconds: float, status: int) -> None:
        asyncio.get_running_loop().call_later(seconds, self._write, status)

    def _write(self, status: int) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 %d X\r\nx-version: %s\r\ncontent-length: 2\r\n\r\nok"
                                  % (status, self._origin.version.encode()))
