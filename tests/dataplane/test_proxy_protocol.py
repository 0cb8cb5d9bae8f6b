"""PROXY v2 headers from a builder of fifteen lines that follows the specification's tables."""

import asyncio
import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane import proxy_protocol
from gateway.dataplane.proxy_protocol import Header, ProxyFault

SIGNATURE = bytes.fromhex("0D0A0D0A000D0A515549540A")
HTTP = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def header(client: tuple[str, int] | None, tlvs: tuple[tuple[int, bytes], ...] = (), command: int = 1) -> bytes:
    """A header as a balancer sends it; `client` None is UNSPEC."""
    kind, addresses = 0x00, b""
    if client is not None:
        address = ipaddress.ip_address(client[0])
        kind = 0x11 if address.version == 4 else 0x21
        addresses = address.packed * 2 + struct.pack(">HH", client[1], 443)
    return raw(kind, addresses + b"".join(struct.pack(">BH", t, len(v)) + v for t, v in tlvs), command)


def raw(kind: int, rest: bytes, command: int = 1, version: int = 2) -> bytes:
    return SIGNATURE + struct.pack(">BBH", version << 4 | command, kind, len(rest)) + rest


CLIENTS = st.tuples(st.ip_addresses().map(str), st.integers(0, 65535))
TLVS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=50)), max_size=8).map(tuple)


@given(CLIENTS, TLVS, st.binary(max_size=20))
def test_what_a_balancer_wrote_is_read_and_what_follows_is_left(
    client: tuple[str, int], tlvs: tuple[tuple[int, bytes], ...], following: bytes
) -> None:
    data = header(client, tlvs)
    assert proxy_protocol.parse(data + following) == Header(client, len(data))


@given(CLIENTS, TLVS, st.data())
def test_any_prefix_is_incomplete(
    client: tuple[str, int], tlvs: tuple[tuple[int, bytes], ...], data: st.DataObject
) -> None:
    whole = header(client, tlvs)
    assert proxy_protocol.parse(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


@given(st.binary(max_size=300))
def test_nothing_but_a_fault_is_raised(data: bytes) -> None:
    for candidate in (data, SIGNATURE + data, SIGNATURE + b"\x21" + data):
        try:
            proxy_protocol.parse(candidate)
        except ProxyFault:
            continue


@given(st.binary(min_size=1, max_size=40).filter(lambda data: not SIGNATURE.startswith(data[:12])))
def test_what_is_not_the_signature_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(ProxyFault):
        proxy_protocol.parse(data)


def test_local_means_the_connections_own_peer_whatever_the_addresses_say() -> None:
    data = header(("192.0.2.1", 1), command=0)
    assert proxy_protocol.parse(data) == Header(None, len(data))


@pytest.mark.parametrize(("kind", "size"), [(0x00, 0), (0x00, 7), (0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)])
def test_families_that_we_do_not_carry_are_taken_as_unspecified(kind: int, size: int) -> None:
    assert proxy_protocol.parse(raw(kind, b"x" * size)) == Header(None, 16 + size)


@pytest.mark.parametrize(
    "data",
    [
        raw(0x11, b"x" * 11),
        raw(0x21, b"x" * 12),
        raw(0x41, b"x" * 12),
        raw(0x11, b"x" * 12, command=2),
        raw(0x11, b"x" * 12, version=1),
        raw(0x11, b"x" * 12 + b"\x04\x00"),
        raw(0x11, b"x" * 12 + b"\x04\x00\x05abcd"),
        raw(0x11, b"x" * 1009),
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    ],
    ids=["short v4", "short v6", "family", "command", "version", "cut TLV", "long TLV", "too large", "version 1"],
)
def test_a_header_that_is_not_valid_is_refused(data: bytes) -> None:
    with pytest.raises(ProxyFault):
        proxy_protocol.parse(data)


def read_from(*parts: bytes, end: bool = False) -> tuple[Header, bytes]:
    """Send `parts` one by one to a reader of a header; what it read, and what it left in the kernel."""

    async def main() -> tuple[Header, bytes]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            reading = loop.create_task(proxy_protocol.read_header(loop, ours))
            for part in parts:
                theirs.send(part)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if end:
                theirs.shutdown(socket.SHUT_WR)
            return await reading, ours.recv(1000)

    return asyncio.run(main())


def test_the_reader_takes_the_header_and_not_a_byte_more() -> None:
    data = header(("192.0.2.1", 1234), ((4, b"padding"),))
    assert read_from(data + HTTP) == (Header(("192.0.2.1", 1234), len(data)), HTTP)


def test_a_header_that_comes_byte_by_byte_is_read() -> None:
    data = header(("2001:db8::1", 1))
    assert read_from(*(bytes([byte]) for byte in data), HTTP) == (Header(("2001:db8::1", 1), len(data)), HTTP)


def test_an_end_inside_the_header_is_a_fault() -> None:
    with pytest.raises(ProxyFault, match="ended inside"):
        read_from(header(("192.0.2.1", 1))[:20], end=True)
