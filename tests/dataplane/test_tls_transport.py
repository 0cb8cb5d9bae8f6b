"""Two TlsTransports over a wire in memory: `Wire` is the TCP transport of each end; the test says what it carries."""

import asyncio
import logging
import ssl
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dataplane import tls
from gateway.dataplane.tls_transport import TlsTransport
from gateway.routing import plan
from tests import certificates

PAIR = certificates.pair(Path(tempfile.mkdtemp()), "a.test")
SERVER = tls.ServerContexts([PAIR], logging.getLogger("tests.tls")).context
CLIENT = tls.client_context(plan.UpstreamTls(ca_file=PAIR.certificate))
RECEIVE_SIZE = 128 * 1024


class Wire:
    """A TCP transport that keeps what is written until the other end reads it."""

    def __init__(self, above: TlsTransport) -> None:
        self.above = above
        self.sent = bytearray()
        self.reading = True
        self.capacity = 1 << 30
        self.ended = False
        self.closed = False
        self.end_told = False
        self.full = False
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        self.sent += data
        if len(self.sent) > self.capacity and not self.full:
            self.full = True
            self.above.pause_writing()

    def take(self, size: int) -> bytes:
        taken = bytes(self.sent[:size])
        del self.sent[:size]
        if self.full and len(self.sent) <= self.capacity // 4:
            self.full = False
            self.above.resume_writing()
        return taken

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = self.closed = True

    def abort(self) -> None:
        self.sent.clear()
        self.close()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return len(self.sent)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1) if name == "peername" else default


class End:
    """A protocol that notes what it hears; `pause_after` bytes it pauses reading each time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.got = bytearray()
        self.pieces: list[int] = []
        self.events: list[object] = []
        self.pause_at_once = False
        self.keep_open = True

    def connection_made(self, transport: TlsTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        self.pieces.append(len(data))
        if self.pause_at_once:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self.keep_open

    def connection_lost(self, error: Exception | None) -> None:
        self.events.append(error)

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")


class Pair:
    """A client and a server end, joined."""

    def __init__(self, server: ssl.SSLContext = SERVER, client: ssl.SSLContext = CLIENT) -> None:
        loop = asyncio.get_running_loop()
        self.client, self.server = End(), End()
        self.tls = {
            "client": TlsTransport(loop, lambda: self.client, client, server_side=False, server_hostname="a.test"),
            "server": TlsTransport(loop, lambda: self.server, server),
        }
        self.wires = {name: Wire(above) for name, above in self.tls.items()}
        for name, above in self.tls.items():
            above.connection_made(self.wires[name])  # type: ignore[arg-type]

    def carry(self, frm: str, to: str, most: int = RECEIVE_SIZE) -> bool:
        """Move up to `most` bytes from one end to the other, as a TCP transport would; whether anything moved."""
        wire, above = self.wires[frm], self.tls[to]
        if self.wires[to].closed or not self.wires[to].reading or wire.end_told:
            return False
        if wire.sent:
            size = min(most, len(wire.sent), RECEIVE_SIZE)
            above.get_buffer(-1)[:size] = wire.take(size)
            above.buffer_updated(size)
            return True
        if wire.ended:
            wire.end_told = True
            if not above.eof_received():
                self.wires[to].close()
            return True
        return False

    async def settle(self, most: int = RECEIVE_SIZE) -> None:
        """Carry both ways until nothing moves any more."""
        await asyncio.sleep(0)
        while self.carry("client", "server", most) | self.carry("server", "client", most):
            await asyncio.sleep(0)

    def lose(self, name: str, error: Exception | None = None) -> None:
        self.tls[name].connection_lost(error)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_the_protocols_are_made_and_connected_when_the_handshake_is_complete() -> None:
    async def story() -> None:
        pair = Pair()
        assert pair.server.transport is pair.client.transport is None
        await pair.settle()
        assert await pair.tls["server"].handshake() is pair.server
        assert await pair.tls["client"].handshake() is pair.client
        assert pair.client.transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert pair.server.transport.get_extra_info("peername") == ("192.0.2.1", 1)

    run(story)


def test_a_message_goes_each_way_with_one_write_each() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        before = pair.wires["server"].writes
        pair.client.transport.write(b"request")
        await pair.settle()
        pair.server.transport.write(b"answer")
        await pair.settle()
        assert (bytes(pair.server.got), bytes(pair.client.got)) == (b"request", b"answer")
        assert pair.wires["server"].writes == before + 1

    run(story)


@settings(deadline=None, max_examples=60)
@given(
    writes=st.lists(st.integers(1, 400_000), min_size=1, max_size=6),
    segment=st.integers(1, RECEIVE_SIZE),
    capacity=st.integers(1, 200_000),
    pausing=st.booleans(),
)
def test_everything_arrives_in_order_however_it_is_cut_paused_and_pushed_back(
    writes: list[int], segment: int, capacity: int, pausing: bool
) -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.server.pause_at_once = pausing
        pair.wires["client"].capacity = capacity
        sent = b"".join(bytes([i + 1]) * size for i, size in enumerate(writes))
        at = 0
        for size in writes:
            pair.client.transport.write(sent[at:at + size])
            at += size
        pair.client.transport.write_eof()
        for _ in range(100_000):
            await pair.settle(max(segment, len(sent) // 500 + 1))
            if "eof" in pair.server.events:
                break
            pair.server.transport.resume_reading()
            await asyncio.sleep(0)
        assert bytes(pair.server.got) == sent
        assert pair.server.events == ["eof"]

    run(story)


def test_an_end_while_reading_is_paused_is_heard_behind_the_last_byte() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.server.pause_at_once = True
        pair.client.transport.write(b"x" * 300_000)
        pair.client.transport.close()
        await pair.settle()
        assert "eof" not in pair.server.events
        assert len(pair.server.got) < 300_000
        while "eof" not in pair.server.events:
            pair.server.transport.resume_reading()
            await pair.settle()
        assert len(pair.server.got) == 300_000
        assert pair.server.events == ["eof"]

    run(story)


def test_an_end_without_close_notify_is_a_truncation() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.client.transport.write(b"half of i")
        pair.wires["client"].ended = True
        await pair.settle()
        pair.lose("server")
        assert bytes(pair.server.got) == b"half of i"
        (error,) = pair.server.events
        assert isinstance(error, ConnectionError)
        assert "close_notify" in str(error)

    run(story)


def test_a_protocol_that_keeps_its_sending_side_answers_after_the_peers_end() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.client.transport.write(b"request")
        pair.client.transport.write_eof()
        await pair.settle()
        assert pair.server.events == ["eof"]
        pair.server.transport.write(b"answer")
        pair.server.transport.close()
        await pair.settle()
        assert bytes(pair.client.got) == b"answer"
        assert pair.client.events == ["eof"]

    run(story)


def test_a_protocol_that_does_not_is_closed_with_a_close_notify() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.server.keep_open = False
        pair.client.transport.write_eof()
        await pair.settle()
        assert pair.server.transport.is_closing()
        assert pair.client.events == ["eof"]

    run(story)


def test_what_comes_after_our_own_end_is_still_read() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.server.transport.write(b"413")
        pair.server.transport.write_eof()
        pair.client.transport.write(b"the rest of the body")
        await pair.settle()
        assert bytes(pair.client.got) == b"413"
        assert bytes(pair.server.got) == b"the rest of the body"
        pair.server.transport.write(b"too late")
        await pair.settle()
        assert bytes(pair.client.got) == b"413"

    run(story)


def test_a_slow_peer_pauses_the_protocol_and_what_it_wrote_waits_unencrypted() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        wire = pair.wires["server"]
        wire.capacity = 64 * 1024
        for _ in range(4):
            pair.server.transport.write(b"x" * 256_000)
        assert pair.server.events == ["pause"]
        assert len(wire.sent) < 300_000
        assert pair.server.transport.get_write_buffer_size() >= 4 * 256_000
        await pair.settle()
        assert len(pair.client.got) == 4 * 256_000
        assert pair.server.events[-1] == "resume"

    run(story)


def test_close_sends_what_waits_first() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.wires["server"].capacity = 1000
        pair.server.transport.write(b"x" * 600_000)
        pair.server.transport.write(b"the end")
        pair.server.transport.close()
        assert not pair.wires["server"].closed
        await pair.settle()
        assert len(pair.client.got) == 600_007
        assert pair.client.events == ["eof"]
        assert pair.wires["server"].closed

    run(story)


def test_a_buffer_that_its_owner_alters_is_sent_as_it_was() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.wires["client"].capacity = 10
        data = bytearray(b"a" * 600_000)
        pair.client.transport.write(data)
        data[:] = b"b" * len(data)
        await pair.settle()
        assert set(pair.server.got) == {ord("a")}

    run(story)


def test_a_paused_protocol_hears_nothing_and_tcp_is_paused_with_it() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.server.pause_at_once = True
        pair.client.transport.write(b"x" * 1_000_000)
        await pair.settle()
        assert len(pair.server.pieces) == 1
        assert not pair.wires["server"].reading
        assert len(pair.wires["client"].sent) > 800_000

    run(story)


def test_a_refused_certificate_fails_the_handshake_on_both_sides_and_makes_no_protocol() -> None:
    async def story() -> None:
        pair = Pair(client=tls.client_context(plan.UpstreamTls()))
        await pair.settle()
        with pytest.raises(ssl.SSLCertVerificationError):
            await pair.tls["client"].handshake()
        assert pair.client.transport is None

    run(story)


def test_garbage_fails_the_handshake() -> None:
    async def story() -> None:
        above = TlsTransport(asyncio.get_running_loop(), End, SERVER)
        wire = Wire(above)
        above.connection_made(wire)  # type: ignore[arg-type]
        data = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        above.get_buffer(-1)[: len(data)] = data
        above.buffer_updated(len(data))
        assert wire.closed
        with pytest.raises(ssl.SSLError):
            await above.handshake()

    run(story)


def test_an_end_within_the_handshake_fails_it() -> None:
    async def story() -> None:
        pair = Pair()
        pair.lose("server")
        with pytest.raises(ConnectionResetError, match="handshake"):
            await pair.tls["server"].handshake()

    run(story)


def test_giving_up_the_handshake_aborts_the_connection() -> None:
    async def story() -> None:
        pair = Pair()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await pair.tls["server"].handshake()
        assert pair.wires["server"].closed
        pair.lose("server")

    run(story)


def test_altered_ciphertext_ends_the_connection_with_the_reason() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        pair.client.transport.write(b"request")
        pair.wires["client"].sent[-1] ^= 1
        await pair.settle()
        assert pair.wires["server"].closed
        pair.lose("server")
        assert bytes(pair.server.got) == b""
        assert isinstance(pair.server.events[0], ssl.SSLError)

    run(story)


def test_nothing_is_sent_or_delivered_after_the_end() -> None:
    async def story() -> None:
        pair = Pair()
        await pair.settle()
        transport = pair.server.transport
        pair.lose("server")
        transport.write(b"x")
        transport.write_eof()
        transport.pause_reading()
        transport.resume_reading()
        transport.close()
        transport.abort()
        assert transport.is_closing()
        assert transport.get_write_buffer_size() == 0
        assert transport.get_extra_info("peername") is None
        assert pair.server.events == [None]

    run(story)
