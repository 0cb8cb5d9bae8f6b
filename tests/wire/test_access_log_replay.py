"""The 10,000 requests of a real access log, replayed through the gateway and directly: same status, same bytes.

Those of HTTP/1.1 are pipelined on kept connections; each of HTTP/1.0 has a connection of its own, as in its day.
"""
import contextlib
import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from shared_data import shared
from wire import gateways
from wire.peers import addresses
from wire.peers.raw_client import RawClient

pytestmark = pytest.mark.wire
LINE = re.compile(r'"(?P<line>[A-Z]+ \S+ HTTP/1\.[01])" \d+ \S+ "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"?$')
FIELDS_OF_INTEREST = (b"user-agent", b"referer", b"host")
CONNECTIONS = 4
IN_FLIGHT = 16


@dataclass(frozen=True)
class Logged:
    line: str
    referrer: str
    agent: str

    def as_sent(self) -> bytes:
        length = "Content-Length: 0\r\n" if self.method == "POST" else ""
        fields = f"Host: semicomplete.com\r\nUser-Agent: {self.agent}\r\nReferer: {self.referrer}\r\n{length}"
        return f"{self.line}\r\n{fields}\r\n".encode("latin-1")

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def is_old(self) -> bool:
        return self.line.endswith("1.0")


def logged() -> list[Logged]:
    lines = shared("access-logs/apache_logs").read_text(encoding="latin-1").splitlines()
    found = [LINE.search(line) for line in lines]
    return [Logged(**match.groupdict()) for match in found if match]


def answer_to(head: bytes) -> bytes:
    """Decided by method, target and the fields of interest alone: status, size, content, framing."""
    first, *lines = head.split(b"\r\n")
    method, target, version = first.split(b" ")
    fields = sorted(line for line in lines if line.split(b":")[0].lower() in FIELDS_OF_INTEREST)
    digest = hashlib.sha256(b"\n".join([method, target, *fields])).digest()
    status = (200, 200, 200, 404, 304, 206, 301, 500)[digest[0] % 8]
    body = digest * (digest[1] * (30 if digest[2] < 16 else 1))
    start = b"HTTP/1.1 %d Said\r\nX-Digest: %s\r\n" % (status, digest.hex().encode())
    if status == 304:
        return start + b"\r\n"
    if digest[3] % 2 and version == b"HTTP/1.1":
        framing, framed = b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        framed = framed if body else b"0\r\n\r\n"
    else:
        framing, framed = b"Content-Length: %d\r\n\r\n" % len(body), body
    return start + framing + (b"" if method == b"HEAD" else framed)


def serve(stream: socket.socket) -> None:
    """Answer the requests of one connection; those of this log have no bodies."""
    unread = b""
    with stream, contextlib.suppress(ConnectionError):
        while data := stream.recv(65536):
            *heads, unread = (unread + data).split(b"\r\n\r\n")
            stream.sendall(b"".join(map(answer_to, heads)))
            if heads and heads[-1].split(b"\r\n")[0].endswith(b"1.0"):
                return


@pytest.fixture
def upstream_address() -> Iterator[str]:
    threads: list[threading.Thread] = []

    def accept(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listening.accept()[0],)))
                threads[-1].start()

    with addresses.listen("127.0.0.1:0") as listening:
        acceptor = threading.Thread(target=accept, args=(listening,))
        acceptor.start()
        yield addresses.bound(listening)
        listening.shutdown(socket.SHUT_RDWR)
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


Outcome = tuple[int, str, bytes]


def replay(address: str, requests: list[Logged]) -> list[Outcome]:
    """(status, X-Digest, SHA-256 of the body) of every request, several in flight at a time."""
    with RawClient(address) as kept:
        outcomes = []
        for at in range(0, len(requests), IN_FLIGHT):
            batch = requests[at : at + IN_FLIGHT]
            kept.sends(b"".join(each.as_sent() for each in batch if not each.is_old))
            outcomes += [replay_old(address, each) if each.is_old else outcome(kept, each) for each in batch]
        return outcomes


def replay_old(address: str, each: Logged) -> Outcome:
    with RawClient(address) as once:
        once.sends(each.as_sent())
        return outcome(once, each)


def outcome(client: RawClient, each: Logged) -> Outcome:
    said = client.reads_answer(each.method)
    return said.status, said["x-digest"], hashlib.sha256(said.body).digest()


def replay_all(address: str, requests: list[Logged]) -> list[Outcome]:
    parts = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return [found for part in threads.map(lambda part: replay(address, part), parts) for found in part]


def test_ten_thousand_logged_requests_are_answered_as_directly(upstream_address: str) -> None:
    requests = logged()
    directly = replay_all(upstream_address, requests)
    with gateways.running(gateways.before(upstream_address)) as gateway:
        through = replay_all(gateway.address, requests)
    assert len(requests) == 10_000
    assert len({status for status, _, _ in directly}) == 6
    assert [pair for pair in zip(through, directly, strict=True) if pair[0] != pair[1]] == []
