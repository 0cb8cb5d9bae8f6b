"""Clients and upstreams that break off, reset, dawdle and lie, all at once and at random (from a fixed seed).

Whatever the others do, a client that reads an answer reads its own, whole and unmixed; and when all is over, the worker
holds no more sockets and no more memory than before.
"""
import contextlib
import hashlib
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import certificates
import pytest
from wire import gateways
from wire.peers import addresses
from wire.peers.child import until
from wire.peers.raw_client import RawClient, Truncated
from wire.peers.scripted_upstream import Connection, Gone, Seen, read_body

pytestmark = pytest.mark.wire
CLIENTS = 12
TURNS = 40
MANNERS = ("well", "well", "well", "breaks off", "stalls", "lies", "early", "until close", "silent end")


def body_of(target: str) -> bytes:
    """What a good upstream answers: from nothing to 200 KB, and of this target only."""
    digest = hashlib.sha256(target.encode()).digest()
    return digest * (digest[0] ** 2 // 10)


class MoodyUpstream:
    """Behaves as the third segment of the target says: /turn/<unique>/<manner>."""

    def __init__(self) -> None:
        self.listening = addresses.listen("127.0.0.1:0")
        self.address = addresses.bound(self.listening)
        self.threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: object, *args: object) -> None:
        self.threads.append(threading.Thread(target=target, args=args, daemon=True))  # type: ignore[arg-type]
        self.threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._start(self._serve, Connection(self.listening.accept()[0], 0))

    def _serve(self, connection: Connection) -> None:
        with connection.stream, contextlib.suppress(Gone):
            while not connection.ended:
                seen = Seen(connection, connection.take_until(b"\r\n\r\n"))
                self._answer(connection, seen, seen.target.split("/")[3])

    def _answer(self, connection: Connection, seen: Seen, manner: str) -> None:
        body = body_of(seen.target)
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        if manner != "early":
            read_body(seen)
        match manner:
            case "well":
                connection.send(whole)
            case "breaks-off":
                connection.send(whole[: len(whole) // 2])
                connection.end(reset=len(body) % 3 == 0)
            case "stalls":
                connection.send(whole[: len(whole) // 2])
                time.sleep(0.02)
                connection.send(whole[len(whole) // 2 :])
            case "lies":
                connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwrong\r\nnonsense\r\n")
            case "early":
                connection.send(whole.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                connection.end()
            case "until-close":
                connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
                connection.end()
            case "silent-end":
                connection.end()


Scene = tuple[gateways.Running, ssl.SSLContext | None]


@pytest.fixture(params=["plain", "tls"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A gateway, and how clients speak to it."""
    api, made = MoodyUpstream(), certificates.pair(tmp_path, "gate.example")
    trust = ssl.create_default_context(cafile=made.certificate) if request.param == "tls" else None
    listener = {"tls": {"certificate": made.certificate, "key": made.key}} if trust else {}
    with gateways.running(gateways.before(api.address, listener=listener)) as gateway:
        yield gateway, trust
    with contextlib.suppress(OSError):
        api.listening.shutdown(socket.SHUT_RDWR)
    api.listening.close()


class MoodyClient:
    """Takes its turns on connections that it keeps while all is well; `outcomes` by manner of the upstream."""

    def __init__(self, address: str, tls: ssl.SSLContext | None, number: int) -> None:
        self.address = address
        self.tls = tls
        self.number = number
        self.random = random.Random(number)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.faults: list[str] = []

    def run(self) -> None:
        for turn in range(TURNS):
            manner = self.random.choice(MANNERS).replace(" ", "-")
            target = f"/{self.number}/{turn}/{manner}"
            try:
                self.outcomes[manner, self._take_turn(target)] += 1
            except (OSError, AssertionError) as fault:
                self.faults.append(f"{target}: {fault!r}")

    def _take_turn(self, target: str) -> str:
        body = self.random.randbytes(self.random.choice((0, 10, 5000, 300_000)))
        sent = self._post(target, body)
        with RawClient(self.address, tls=self.tls, server_name="gate.example") as client:
            match self.random.choice(("reads", "reads", "reads", "reads", "resets", "leaves", "cuts its body")):
                case "reads":
                    client.sends_what_is_taken(sent)
                    return self._read(client, target)
                case "resets":
                    client.sends_what_is_taken(sent)
                    client.resets()
                case "leaves":
                    client.sends_what_is_taken(sent)
                    client.reads_some(100)
                case "cuts its body":
                    client.sends_what_is_taken(sent[: len(sent) - 1 - len(body) // 2])
            return "left"

    def _post(self, target: str, body: bytes) -> bytes:
        if self.random.random() < 0.5:
            return f"POST {target} HTTP/1.1\r\nHost: gate\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
        head = f"POST {target} HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        return head + chunk + b"0\r\n\r\n"

    def _read(self, client: RawClient, target: str) -> str:
        try:
            said = client.reads_answer("POST")
        except Truncated as cut:
            return "cut" if body_of(target).startswith(cut.so_far) or cut.so_far == b"wrong" else "mixed"
        if said.status == 200:
            assert said.body == body_of(target), "another one's answer"
            return "whole"
        assert said.status == 502, said.status
        return "502"


def run_together(clients: list[MoodyClient]) -> None:
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_nothing_is_mixed_and_nothing_is_left_behind(scene: Scene) -> None:
    gateway, tls = scene
    idle = gateways.open_sockets(gateway.worker)
    run_together([MoodyClient(gateway.address, tls, 1000)])
    wait_for_idleness(gateway, idle)
    memory = gateways.private_memory(gateway.worker)
    clients = [MoodyClient(gateway.address, tls, number) for number in range(CLIENTS)]
    run_together(clients)
    outcomes = sum((client.outcomes for client in clients), Counter())
    print(dict(outcomes))
    assert [fault for client in clients for fault in client.faults] == []
    assert outcomes["well", "whole"] > 0
    assert {how for manner, how in outcomes if manner in {"well", "stalls", "until-close"}} <= {"whole", "left"}
    assert {how for manner, how in outcomes if manner in {"breaks-off", "lies", "silent-end"}} <= {"cut", "502", "left"}
    wait_for_idleness(gateway, idle)
    assert gateways.private_memory(gateway.worker) - memory < 2 << 20
    assert "please report" not in gateway.process.log.read_text()


def wait_for_idleness(gateway: gateways.Running, sockets: int) -> None:
    """Until lingering connections and the idle ones of the pool are gone: 4 s by default."""
    until(lambda: gateways.open_sockets(gateway.worker) <= sockets, within=10, what="the end of every connection")
