"""Health checks against real little servers on loopback, the workers' turns told by the test."""
import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from data_path import Gateway

from gateway import _fastpath
from gateway.board import endpoint_name
from gateway.dataplane.health_checks import HealthChecks
from gateway.dataplane.names import Names
from gateway.model.safeguards import ENFORCE, SECOND, Health
from gateway.routing import plan as plans

LOG = logging.getLogger("health")
HEALTH = Health(path="/healthz", every=SECOND, timeout=SECOND, rise=2, fall=3, mode=ENFORCE)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each connection with `says`; keeps what it heard."""

    def __init__(self, says: bytes) -> None:
        self.says = says
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.says)
        writer.close()


class Checked:
    """One endpoint that is checked, by `workers` workers of one board."""

    def __init__(self, port: int, workers: int = 1) -> None:
        upstream = plans.Upstream("api", (plans.Endpoint(f"127.0.0.1:{port}"), plans.Endpoint("127.0.0.1:1")),
                                  health=HEALTH)
        self.gateway = Gateway(upstream=upstream)
        loop = asyncio.get_running_loop()
        self.workers = [HealthChecks(loop, Names(loop, LOG), LOG) for _ in range(workers)]
        for each in self.workers:
            each.watch([(upstream, self.gateway.group)], self.gateway.rows)
        board = self.gateway.board
        self.control = board.control("endpoints", board.names("endpoints")[endpoint_name("api", f"127.0.0.1:{port}")])
        self.now = _fastpath.monotonic_ns()

    async def round(self) -> None:
        """The next checks are due and made."""
        self.now += 2 * SECOND
        for each in self.workers:
            each.turn(self.now)
        for each in self.workers:
            await asyncio.gather(*each._tasks)

    @property
    def is_in(self) -> bool:
        return not self.control["unhealthy"]


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    asyncio.run(told())


async def listening(server: Server) -> tuple[asyncio.Server, int]:
    made = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port: int = made.sockets[0].getsockname()[1]
    return made, port


def test_three_bad_checks_take_it_out_and_two_good_ones_bring_it_in() -> None:
    async def story() -> None:
        server = Server(b"HTTP/1.1 503 Sorry\r\n\r\n")
        made, port = await listening(server)
        async with made:
            checked = Checked(port)
            seen = []
            for says in (b"503 a", b"503 b", b"503 c", b"200 OK", b"500 d", b"204 e", b"302 f"):
                server.says = b"HTTP/1.1 " + says + b"\r\n\r\n"
                await checked.round()
                seen.append(checked.is_in)
            assert seen == [True, True, False, False, False, False, True]
            assert server.heard[0].startswith(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)

    run(story)


def test_each_check_is_made_by_one_worker() -> None:
    async def story() -> None:
        server = Server(b"HTTP/1.1 200 OK\r\n\r\n")
        made, port = await listening(server)
        async with made:
            checked = Checked(port, workers=3)
            for _ in range(4):
                await checked.round()
            assert len(server.heard) == 4

    run(story)


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-x\r\n", b"HTTP/2 200\r\n", b"x" * 5000, b"HTTP/1.1 2"])
def test_what_is_no_answer_in_http_is_bad(says: bytes) -> None:
    async def story() -> None:
        made, port = await listening(Server(says))
        async with made:
            checked = Checked(port)
            for _ in range(3):
                await checked.round()
            assert not checked.is_in

    run(story)


def test_nobody_there_is_bad() -> None:
    async def story() -> None:
        checked = Checked(1)
        for _ in range(3):
            await checked.round()
        assert not checked.is_in

    run(story)


def test_an_endpoint_that_is_checked_no_more_is_in() -> None:
    async def story() -> None:
        checked = Checked(1)
        for _ in range(3):
            await checked.round()
        checked.workers[0].watch([], checked.gateway.rows)
        assert checked.is_in
        assert checked.gateway.group.pick(checked.now) is not None

    run(story)


def test_an_unhealthy_endpoint_is_passed_over_while_there_is_another() -> None:
    async def story() -> None:
        server = Server(b"HTTP/1.1 200 OK\r\n\r\n")
        made, port = await listening(server)
        async with made:
            checked = Checked(port)
            for _ in range(3):
                await checked.round()                   # port 1 takes no connections
            picked = {checked.gateway.group.pick(checked.now).address for _ in range(50)}
            assert picked == {f"127.0.0.1:{port}"}

    run(story)
