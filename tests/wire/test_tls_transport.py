"""TlsTransport under uvloop, against the standard library's TLS in a thread: how connections end."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gateway.dataplane import tls
from gateway.dataplane.tls_transport import TlsTransport
from gateway.routing import plan
from tests import certificates

pytestmark = pytest.mark.wire

ANSWER = bytes(range(256)) * 4000


class Reader:
    """Notes what it gets and how it ends; pauses when it has begun to get something."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.ends: list[object] = []
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.got:
            self.transport.pause_reading()
        self.got += data

    def eof_received(self) -> bool:
        self.ends.append("eof")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.ends.append(type(error))
        self.gone.set_result(None)

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


async def until(true: Callable[[], object]) -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "it does not happen"
        await asyncio.sleep(0.005)


def peer(folder: Path, talk: Callable[[ssl.SSLSocket], None]) -> tuple[tuple[str, int], threading.Thread]:
    """A TLS server for one connection, which does `talk` and closes the TCP connection."""
    pair = certificates.pair(folder, "a.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening, listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as spoken:
            spoken.settimeout(5)
            talk(spoken)

    thread = threading.Thread(target=serve)
    thread.start()
    return listening.getsockname(), thread


async def connected(address: tuple[str, int]) -> Reader:
    loop = asyncio.get_running_loop()
    context = tls.client_context(plan.UpstreamTls(verify=False))
    transport = TlsTransport(loop, Reader, context, server_side=False, server_hostname="a.test")
    await loop.create_connection(lambda: transport, *address)
    reader = await transport.handshake()
    assert isinstance(reader, Reader)
    return reader


def notify(spoken: ssl.SSLSocket) -> None:
    """Send a close_notify without waiting for the other one."""
    spoken.settimeout(0.05)
    try:
        spoken.unwrap()
    except (TimeoutError, ssl.SSLError):
        return


def test_an_answer_of_a_peer_that_closes_is_read_whole_by_a_reader_that_had_paused(tmp_path: Path) -> None:
    def talk(spoken: ssl.SSLSocket) -> None:
        spoken.sendall(ANSWER)
        notify(spoken)

    async def main() -> None:
        reader = await connected(address)
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert len(reader.got) < len(ANSWER)
        assert reader.ends == []
        reader.transport.resume_reading()
        await reader.gone
        assert bytes(reader.got) == ANSWER
        assert reader.ends == ["eof", type(None)]

    # The whole answer fits into the kernel's buffers: the peer is gone before the reader goes on.
    address, thread = peer(tmp_path, talk)
    uvloop.run(main())


def test_an_answer_that_is_cut_off_is_read_up_to_there_and_ends_with_an_error(tmp_path: Path) -> None:
    async def main() -> None:
        reader = await connected(address)
        await until(lambda: reader.got)
        reader.transport.resume_reading()
        await reader.gone
        assert bytes(reader.got) == ANSWER
        assert reader.ends == [ConnectionResetError]

    address, thread = peer(tmp_path, lambda spoken: spoken.sendall(ANSWER))
    uvloop.run(main())
    thread.join()


def test_the_last_answer_reaches_a_client_that_is_still_sending(tmp_path: Path) -> None:
    """Lingering: our end is sent, and what still comes is read, so that no reset destroys the answer."""
    heard = bytearray()

    def talk(spoken: ssl.SSLSocket) -> None:
        spoken.sendall(ANSWER)
        while part := spoken.recv(1000):
            heard.extend(part)

    async def main() -> None:
        reader = await connected(address)
        reader.transport.write(b"413 too large")
        reader.transport.write_eof()
        await until(lambda: reader.got)
        reader.transport.resume_reading()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert bytes(heard) == b"413 too large"
        reader.transport.abort()
        await reader.gone

    address, thread = peer(tmp_path, talk)
    uvloop.run(main())
