"""Accepting on real sockets under uvloop: whoever is in the queue is served, and the queue stays the supervisor's."""

import asyncio
import errno
import functools
import logging
import resource
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gateway.dataplane import accept, tls
from gateway.dataplane.accept import Accepting, Peer
from gateway.dataplane.trusted import TrustedProxies
from gateway.routing import plan
from tests import certificates
from tests.dataplane.test_proxy_protocol import header

pytestmark = pytest.mark.wire

LOG = logging.getLogger("tests.accept")
LOCAL = TrustedProxies(["127.0.0.0/8"])


class Greeter(asyncio.Protocol):
    """Greets with who it thinks the client is, then echoes."""

    def __init__(self, peer: Peer, door: "Door") -> None:
        self.peer = peer
        self.door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.door.met.append(self.peer)
        self.door.served.append(self)
        transport.write(f"hello {self.peer[0] if self.peer else 'unix'};".encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Door:
    """A listening socket of the "supervisor", and a worker's way of accepting on it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.met: list[Peer] = []
        self.served: list[Greeter] = []

    async def open(
        self, *, tls: tls.ServerContexts | None = None, proxy: bool = False, trusted: TrustedProxies = LOCAL,
        head_timeout_s: float = 5.0,
    ) -> Accepting:
        loop = asyncio.get_running_loop()
        return await accept.serve(
            loop, self.sock, functools.partial(Greeter, door=self), tls=tls, proxy=proxy, trusted=trusted,
            head_timeout_s=head_timeout_s, log=LOG,
        )

    def clients(self, count: int) -> list[socket.socket]:
        """Connect `count` clients; connected here means that the kernel has put them into the queue."""
        return [socket.create_connection(self.sock.getsockname(), timeout=5) for _ in range(count)]


def at_the_door(story: Callable[[Door], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=512) as sock:
            await with_door(Door(sock), story)

    uvloop.run(main())


async def with_door(door: Door, story: Callable[[Door], Coroutine[Any, Any, None]]) -> None:
    """A loop that closes with a transport left open waits for ever where warnings are errors (uvloop 0.23)."""
    try:
        await story(door)
    finally:
        for protocol in door.served:
            protocol.transport.abort()
        await asyncio.sleep(0)


async def until(true: Callable[[], object]) -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "it does not happen"
        await asyncio.sleep(0.005)


async def said_to(client: socket.socket, size: int = 100) -> bytes:
    """What comes next, at most `size` bytes; nothing at the end."""
    return await asyncio.get_running_loop().run_in_executor(None, client.recv, size)


async def greeted(client: socket.socket) -> str:
    """Who the greeting says that the client is."""
    said = b""
    while not said.endswith(b";"):
        part = await said_to(client, 1)
        assert part, f"closed after {said!r}"
        said += part
    return said.decode().removeprefix("hello ").removesuffix(";")


async def is_closed(client: socket.socket) -> bool:
    """Closed without a word; a reset where we had not read all that the client sent."""
    try:
        return await said_to(client) == b""
    except ConnectionResetError:
        return True


@contextmanager
def closing(clients: list[socket.socket]) -> Iterator[None]:
    try:
        yield
    finally:
        for client in clients:
            client.close()


def test_a_client_is_served_and_known_by_its_address() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open()
        (client,) = door.clients(1)
        with closing([client]):
            assert await greeted(client) == "127.0.0.1"
            assert door.met == [client.getsockname()]
            client.send(b"echo")
            assert await said_to(client) == b"echo"
        accepting.stop()

    at_the_door(story)


def test_a_unix_client_has_no_address(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "door"))
            assert await greeted(client) == "unix"
        accepting.drain_queue_and_close()

    async def main() -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(tmp_path / "door"))
            sock.listen()
            await with_door(Door(sock), story)

    uvloop.run(main())


def test_an_ipv4_client_of_a_dual_stack_socket_keeps_its_ipv4_address() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open()
        with socket.create_connection(("127.0.0.1", door.sock.getsockname()[1])) as client:
            assert await greeted(client) == "127.0.0.1"
        accepting.stop()

    async def main() -> None:
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as sock:
            await with_door(Door(sock), story)

    uvloop.run(main())


def test_who_is_in_the_queue_when_it_is_drained_is_served() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open()
        clients = door.clients(200)
        with closing(clients):
            assert accepting.drain_queue_and_close() == 200
            await until(lambda: len(door.met) == 200)
            assert {await greeted(client) for client in clients} == {"127.0.0.1"}
            assert accepting.opening == 0

    at_the_door(story)


def test_a_successor_goes_on_with_the_queue_after_a_drain() -> None:
    async def story(door: Door) -> None:
        (await door.open()).drain_queue_and_close()
        successor = await door.open()
        (client,) = door.clients(1)
        with closing([client]):
            assert await greeted(client) == "127.0.0.1"
        successor.stop()

    at_the_door(story)


def test_stopping_leaves_the_queue_to_the_others() -> None:
    async def story(door: Door) -> None:
        (await door.open()).stop()
        (client,) = door.clients(1)
        await asyncio.sleep(0.05)
        assert door.met == []
        with closing([client]):
            another = await door.open()
            assert await greeted(client) == "127.0.0.1"
            another.stop()

    at_the_door(story)


def test_established_connections_outlive_stop_and_drain() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open()
        (client,) = door.clients(1)
        with closing([client]):
            await greeted(client)
            accepting.stop()
            accepting.drain_queue_and_close()
            client.send(b"still here")
            assert await said_to(client) == b"still here"

    at_the_door(story)


def test_without_descriptors_clients_wait_in_the_queue_and_the_worker_is_idle(caplog: pytest.LogCaptureFixture) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open()
        clients = door.clients(5)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
        try:
            began = time.process_time()
            await asyncio.sleep(0.35)
            spent = time.process_time() - began
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert spent < 0.1, "it spins"
        assert accepting.snapshot().get("accepted", 0) == 0
        with closing(clients):
            await until(lambda: len(door.met) == 5)
        accepting.stop()

    at_the_door(story)
    (record,) = caplog.records
    assert record.message.startswith("cannot accept connections (Too many open files)")


def test_a_client_that_gave_up_in_the_queue_does_not_hold_up_the_next() -> None:
    class Listening:
        """A socket whose accept() fails once as the kernel's does."""

        def __init__(self, sock: socket.socket) -> None:
            self.sock = sock
            self.faults = [errno.ECONNABORTED]

        def accept(self) -> tuple[socket.socket, Any]:
            if self.faults:
                raise OSError(self.faults.pop(), "")
            return self.sock.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.sock, name)

    async def story(door: Door) -> None:
        loop = asyncio.get_running_loop()
        opening = accept.Opening(loop, functools.partial(Greeter, door=door), None, None, 5, LOG)
        accepting = Accepting(loop, Listening(door.sock.dup()), opening, LOG)  # type: ignore[arg-type]
        accepting.start()
        (client,) = door.clients(1)
        with closing([client]):
            assert await greeted(client) == "127.0.0.1"
        accepting.stop()

    at_the_door(story)


def test_behind_a_proxy_header_the_client_is_whom_it_names() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(proxy=True)
        (client,) = door.clients(1)
        with closing([client]):
            client.send(header(("203.0.113.9", 4711)) + b"and the request")
            assert await greeted(client) == "203.0.113.9"
            assert await said_to(client) == b"and the request"
            assert door.met == [("203.0.113.9", 4711)]
        accepting.stop()

    at_the_door(story)


def test_a_local_proxy_header_is_a_check_of_the_balancers_own() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(proxy=True)
        (client,) = door.clients(1)
        with closing([client]):
            client.send(header(None, command=0))
            assert await greeted(client) == "127.0.0.1"
        accepting.stop()

    at_the_door(story)


@pytest.mark.parametrize(
    ("trusted", "sent"),
    [(TrustedProxies(["10.0.0.0/8"]), header(("203.0.113.9", 1))), (LOCAL, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
    ids=["a proxy that is not ours", "no header"],
)
def test_who_may_not_speak_proxy_protocol_or_does_not_is_closed(trusted: TrustedProxies, sent: bytes) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(proxy=True, trusted=trusted)
        (client,) = door.clients(1)
        with closing([client]):
            client.send(sent)
            assert await is_closed(client)
        await until(lambda: accepting.snapshot().get("proxy_refused"))
        assert door.met == []
        accepting.stop()

    at_the_door(story)


def test_a_proxy_header_that_does_not_come_is_cut_after_the_head_time_out() -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(proxy=True, head_timeout_s=0.05)
        (client,) = door.clients(1)
        with closing([client]):
            client.send(header(("203.0.113.9", 1))[:13])
            assert await said_to(client) == b""
        assert accepting.snapshot()["open_timeout"] == 1
        accepting.stop()

    at_the_door(story)


def contexts(folder: Path) -> tls.ServerContexts:
    return tls.ServerContexts([certificates.pair(folder, "a.test")], LOG)


def handshake(client: socket.socket, before: bytes = b"") -> tuple[ssl.SSLSocket, bytes]:
    client.sendall(before)
    shaken = tls.client_context(plan.UpstreamTls(verify=False)).wrap_socket(client, server_hostname="a.test")
    return shaken, shaken.recv(100)


@pytest.mark.parametrize("proxied", [False, True])
def test_tls_is_spoken_also_behind_a_proxy_header(tmp_path: Path, proxied: bool) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(tls=contexts(tmp_path), proxy=proxied)
        (client,) = door.clients(1)
        before = header(("203.0.113.9", 1)) if proxied else b""
        shaken, said = await asyncio.get_running_loop().run_in_executor(None, handshake, client, before)
        assert said == (b"hello 203.0.113.9;" if proxied else b"hello 127.0.0.1;")
        shaken.close()
        accepting.stop()

    at_the_door(story)


def test_a_client_without_tls_is_closed_and_counted_and_no_protocol_hears_of_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(tls=contexts(tmp_path))
        (client,) = door.clients(1)
        with closing([client]):
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await until(lambda: accepting.snapshot().get("tls_failed"))
        assert door.met == []
        accepting.stop()

    at_the_door(story)


def test_a_handshake_that_does_not_begin_is_counted_as_opening_and_cut_after_the_time_out(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(tls=contexts(tmp_path), head_timeout_s=0.2)
        (client,) = door.clients(1)
        with closing([client]):
            await until(lambda: accepting.opening == 1)
            assert await said_to(client) == b""
        await until(lambda: accepting.snapshot().get("open_timeout"))
        assert accepting.opening == 0
        accepting.stop()

    at_the_door(story)


def test_the_end_of_a_drain_drops_what_is_still_opening(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        accepting = await door.open(tls=contexts(tmp_path))
        (client,) = door.clients(1)
        with closing([client]):
            assert accepting.drain_queue_and_close() == 1
            await asyncio.sleep(0.02)
            accepting.abort_opening()
            assert await said_to(client) == b""
        await until(lambda: accepting.opening == 0)

    at_the_door(story)
