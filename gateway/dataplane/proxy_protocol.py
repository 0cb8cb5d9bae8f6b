"""PROXY protocol version 2: the balancer in front of us says who the client is.

    signature (12) | version and command (1) | family and transport (1) | size of the rest (2) | addresses | TLVs

From the specification (haproxy.org, proxy-protocol.txt, 2.2): LOCAL, and any family or transport that we do not carry
(UNSPEC, datagram, Unix), means "use the connection's own peer"; everything else that is not understood ends the
connection. TLVs are length-checked and ignored. Version 1, the text form, is refused: the listener says which it is,
and guessing would let a client choose.

The header is read from the raw socket before there is a transport, and not one byte more, so that the ClientHello or
the HTTP head behind it stays in the kernel.
"""

import asyncio
import ipaddress
import socket
import struct
from dataclasses import dataclass

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FIXED_SIZE = 16
# The format allows 65,551 bytes. Addresses take 36 (216 for Unix); balancers add at most a few short TLVs.
MAX_SIZE = 1024

LOCAL, PROXY = 0, 1
# Family and transport -> size of the addresses. None: families we do not carry, taken as UNSPEC.
TCP4, TCP6 = 0x11, 0x21
ADDRESS_SIZES = {0x00: 0, TCP4: 12, 0x12: 12, TCP6: 36, 0x22: 36, 0x31: 216, 0x32: 216}


class ProxyFault(ValueError):
    """What came is not a PROXY v2 header that we accept; the connection must be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Header:
    """`client` is (address, port) as the balancer saw it; None: the connection speaks for itself. `size` in bytes."""

    client: tuple[str, int] | None
    size: int


def parse(data: bytes) -> Header | None:
    """The header that `data` begins with; None while incomplete. Raises ProxyFault as soon as it cannot be one."""
    if len(data) < FIXED_SIZE:
        if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
            raise ProxyFault("not a PROXY v2 signature")
        return None
    size = whole_size(data)
    if len(data) < size:
        return None
    command, kind = data[12] & 0x0F, data[13]
    if command == LOCAL:
        return Header(None, size)
    return Header(_client(data[FIXED_SIZE:size], kind), size)


def whole_size(data: bytes) -> int:
    """Size of the whole header from its first 16 bytes. Raises ProxyFault if they are not those of a v2 header."""
    if data[:12] != SIGNATURE:
        raise ProxyFault("not a PROXY v2 signature")
    if data[12] >> 4 != 2 or data[12] & 0x0F not in (LOCAL, PROXY):
        raise ProxyFault(f"unknown PROXY version or command {data[12]:#04x}")
    size = FIXED_SIZE + int.from_bytes(data[14:16], "big")
    if size > MAX_SIZE:
        raise ProxyFault(f"a PROXY header of {size} bytes is above {MAX_SIZE}")
    return size


def _client(rest: bytes, kind: int) -> tuple[str, int] | None:
    address_size = ADDRESS_SIZES.get(kind)
    if address_size is None:
        raise ProxyFault(f"unknown family and transport {kind:#04x}")
    if len(rest) < address_size:
        raise ProxyFault("the addresses are longer than the header says")
    if kind == 0x00:
        return None
    _check_tlvs(rest, address_size)
    if kind == TCP4:
        return str(ipaddress.IPv4Address(rest[:4])), struct.unpack_from(">H", rest, 8)[0]
    if kind == TCP6:
        return str(ipaddress.IPv6Address(rest[:16])), struct.unpack_from(">H", rest, 32)[0]
    return None


def _check_tlvs(rest: bytes, at: int) -> None:
    """Each is a type (1), a size (2) and that many bytes; they fill the header exactly."""
    while at < len(rest):
        if len(rest) - at < 3:
            raise ProxyFault("a TLV is cut short")
        at += 3 + int.from_bytes(rest[at + 1 : at + 3], "big")
    if at > len(rest):
        raise ProxyFault("a TLV is longer than the header")


async def read_header(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> Header:
    """Read exactly one header from `sock` (non-blocking, no transport on it), which is left open.

    Raises ProxyFault (also at an early end of the stream), OSError. The caller sets the time-out.
    """
    data = await _read_exactly(loop, sock, FIXED_SIZE)
    data += await _read_exactly(loop, sock, whole_size(data) - FIXED_SIZE)
    header = parse(data)
    if header is None:  # pragma: no cover - excluded by the reads above
        raise ProxyFault("incomplete PROXY header")
    return header


async def _read_exactly(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        try:
            part = sock.recv(size - len(data))
        except BlockingIOError:
            part = await loop.sock_recv(sock, size - len(data))
        if not part:
            raise ProxyFault("the connection ended inside the PROXY header")
        data += part
    return data
