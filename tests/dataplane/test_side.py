"""Sending straight to the kernel: what it does not take goes through the transport, and the order stays."""
import socket

import pytest
from data_path import Gateway, answer, get

MIB = 1 << 20


def received(sock: socket.socket) -> bytes:
    """All that waits in the kernel."""
    found = b""
    while True:
        try:
            piece = sock.recv(MIB, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return found
        if not piece:
            return found
        found += piece


def test_what_the_kernel_takes_never_meets_the_transport() -> None:
    gateway = Gateway()
    near, far = socket.socketpair()
    with near, far:
        client = gateway.client(sock=near)
        client.says(get())
        gateway.connects().says(answer(b"hello"))
        assert received(far).endswith(b"hello")
        assert client.hears() == b""


@pytest.mark.parametrize("size", [100, 16 * 1024, 16 * 1024 + 1, MIB, 4 * MIB])
def test_the_order_stays_whatever_the_kernel_takes(size: int) -> None:
    gateway = Gateway()
    near, far = socket.socketpair()
    body = bytes(range(256)) * (size // 256 + 1)
    with near, far:
        client = gateway.client(sock=near)
        client.says(get())
        gateway.connects().says(answer(body[:size]))
        whole = b""
        while piece := received(far):
            whole += piece
            client.reads(0)                         # the kernel has room again
        assert whole.partition(b"\r\n\r\n")[2] == body[:size]
        assert gateway.is_at_rest


def test_what_comes_while_something_waits_goes_behind_it() -> None:
    gateway = Gateway()
    near, far = socket.socketpair()
    with near, far:
        client = gateway.client(sock=near)
        client.says(get())
        upstream = gateway.connects()
        said = answer(b"a" * 300_000 + b"z")
        upstream.says(said[:-1])
        assert client.transport.buffer, "the kernel took less"
        heard = received(far)
        upstream.says(b"z")
        heard += received(far)              # the kernel had room again, but the transport was first
        assert heard.partition(b"\r\n\r\n")[2] == b"a" * 300_000 + b"z"
        client.says(get())
        upstream.says(answer(b"straight"))
        assert received(far).endswith(b"straight")
        assert client.transport.buffer == b""


def test_a_connection_that_is_broken_is_left_to_the_transport_to_find_out() -> None:
    gateway = Gateway()
    near, far = socket.socketpair()
    with near:
        client = gateway.client(sock=near)
        client.says(get())
        far.close()
        client.transport.broken = True
        gateway.connects().says(answer(b"hello"))
        assert client.is_gone
        assert gateway.is_at_rest
