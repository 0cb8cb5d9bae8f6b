"""A raw upstream that plays scripts and keeps what it saw.

The target of a request chooses the script (`on`): the first request for it plays the first script given, the second
the second, and the last one repeats. When a script is over, the connection waits for its next request. So one
upstream and one gateway serve many tests, each with targets of its own.

Every connection has a thread; all state is appended to by that thread only and read by the test after it has seen
the answer, or by polling.
"""
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from wire.peers import addresses, child


@dataclass(frozen=True)
class Send:
    data: bytes


@dataclass(frozen=True)
class Read:
    """Read this many bytes of the body."""

    size: int


@dataclass(frozen=True)
class ReadBody:
    """Read the body as the head frames it, trailers included."""


@dataclass(frozen=True)
class Silence:
    """Answer nothing more, and read until the gateway goes away."""


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Deafness:
    """Read nothing until the event is set."""

    over: threading.Event


@dataclass(frozen=True)
class HalfClose:
    pass


@dataclass(frozen=True)
class Close:
    pass


@dataclass(frozen=True)
class Cut:
    """Close the TCP connection without TLS's own goodbye."""


@dataclass(frozen=True)
class Reset:
    pass


Step = Send | Read | ReadBody | Silence | Pause | Deafness | HalfClose | Close | Cut | Reset


class Gone(Exception):
    """The gateway has ended the connection."""


@dataclass
class Seen:
    """A request as it came: raw bytes of the head, raw bytes of the body as far as the script read it."""

    connection: "Connection"
    head: bytes
    body: bytearray = field(default_factory=bytearray)

    @property
    def request_line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.request_line.split(" ")[1]

    def all(self, name: str) -> list[str]:
        """The values of every field line of this name, in order."""
        lines = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return [value.strip().decode("latin-1") for found, _, value in lines if found.lower() == name.lower().encode()]

    @property
    def data(self) -> bytes:
        """The body without its framing."""
        return dechunked(bytes(self.body)) if self.all("transfer-encoding") else bytes(self.body)

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{name} came {len(values)} times in {self.head!r}"
        return values[0]


class Connection:
    """One accepted connection. `ended`: "" while it lives, then "closed" or "reset" by the gateway, or "by script"."""

    def __init__(self, stream: socket.socket, number: int) -> None:
        self.stream = stream
        self.number = number
        self.received = bytearray()
        self.ended = ""
        self._taken = 0

    def __repr__(self) -> str:
        return f"<Connection {self.number} {self.ended or 'open'}, {len(self.received)} bytes received>"

    def more(self) -> None:
        try:
            data = self.stream.recv(65536)
        except OSError:
            self.ended = self.ended or "reset"
            raise Gone from None
        if not data:
            self.ended = self.ended or "closed"
            raise Gone
        self.received += data

    def take(self, size: int) -> bytes:
        while len(self.received) < self._taken + size:
            self.more()
        self._taken += size
        return bytes(self.received[self._taken - size : self._taken])

    def take_some(self, at_most: int) -> bytes:
        """What is there, at least a byte."""
        if len(self.received) == self._taken:
            self.more()
        return self.take(min(at_most, len(self.received) - self._taken))

    def take_until(self, mark: bytes) -> bytes:
        while (at := self.received.find(mark, self._taken)) < 0:
            self.more()
        return self.take(at + len(mark) - self._taken)

    def take_rest(self) -> bytes:
        """Everything until the gateway goes away."""
        start = self._taken
        with contextlib.suppress(Gone):
            while True:
                self.more()
        self._taken = len(self.received)
        return bytes(self.received[start:])

    def send(self, data: bytes) -> None:
        try:
            self.stream.sendall(data)
        except OSError:
            self.ended = self.ended or "reset"
            raise Gone from None

    def say_goodbye(self) -> None:
        """TLS's close_notify."""
        if isinstance(self.stream, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                self.stream.unwrap()

    def end(self, *, reset: bool = False) -> None:
        self.ended = self.ended or "by script"
        with contextlib.suppress(OSError):
            if reset:
                self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.stream.shutdown(socket.SHUT_WR)
        self.stream.close()


class ScriptedUpstream:
    """Listens at once; `stop` ends it and every connection of it."""

    def __init__(
        self, address: str = "127.0.0.1:0", *, tls: ssl.SSLContext | None = None, receive_buffer: int = 0
    ) -> None:
        self._listening = addresses.listen(address, receive_buffer=receive_buffer)
        self._tls = tls
        self._scripts: dict[str, list[tuple[Step, ...]]] = {}
        self._threads: list[threading.Thread] = []
        self.address = addresses.bound(self._listening)
        self.connections: list[Connection] = []
        self.requests: list[Seen] = []
        self._start(self._accept)

    def __repr__(self) -> str:
        return f"<ScriptedUpstream {self.address} {self.connections} {len(self.requests)} requests>"

    def on(self, target: str, *steps: Step) -> None:
        self._scripts.setdefault(target, []).append(steps)

    def seen(self, target: str) -> list[Seen]:
        return [request for request in list(self.requests) if request.target == target]

    def saw(self, target: str) -> Seen:
        """The only request for this target; waits for it."""
        found = child.until(lambda: self.seen(target), what=f"a request for {target} at the upstream")
        assert len(found) == 1, found
        return found[0]

    def forget_everything(self) -> None:
        """End every connection and forget all scripts and sights, for the next test."""
        self._hang_up()
        for connection in self.connections:
            child.until(lambda connection=connection: connection.ended, what="the end of a connection")
        self._scripts, self.connections, self.requests = {}, [], []

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._hang_up()
        for thread in self._threads:
            thread.join(5)

    def _hang_up(self) -> None:
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.stream.shutdown(socket.SHUT_RDWR)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listening.accept()
            except OSError:
                return
            self._start(self._serve, stream)

    def _serve(self, stream: socket.socket) -> None:
        if self._tls is not None:
            try:
                stream = self._tls.wrap_socket(stream, server_side=True, suppress_ragged_eofs=False)
            except OSError:
                stream.close()
                return
        connection = Connection(stream, len(self.connections))
        self.connections.append(connection)
        with stream, contextlib.suppress(Gone):
            while not connection.ended:
                self._play(connection)

    def _play(self, connection: Connection) -> None:
        request = Seen(connection, connection.take_until(b"\r\n\r\n"))
        self.requests.append(request)
        scripts = self._scripts.get(request.target, [(Send(answer(404, b"no script")),)])
        turn = min(len(self.seen(request.target)), len(scripts)) - 1
        for step in scripts[turn]:
            _take(step, request)


def _take(step: Step, request: Seen) -> None:
    connection = request.connection
    match step:
        case Send(data):
            connection.send(data)
        case Read(size):
            while len(request.body) < size:
                request.body += connection.take_some(size - len(request.body))
        case ReadBody():
            read_body(request)
        case Silence():
            request.body += connection.take_rest()
        case Pause(seconds):
            time.sleep(seconds)
        case Deafness(over):
            over.wait(60)
        case HalfClose():
            connection.stream.shutdown(socket.SHUT_WR)
        case Close():
            connection.say_goodbye()
            connection.end()
        case Cut() | Reset():
            connection.end(reset=isinstance(step, Reset))


def dechunked(raw: bytes) -> bytes:
    """The data of a whole chunked body."""
    data, rest = b"", raw
    while (size := int(rest.split(b"\r\n", 1)[0].split(b";")[0], 16)) > 0:
        start = rest.index(b"\r\n") + 2
        data, rest = data + rest[start : start + size], rest[start + size + 2 :]
    return data


def read_body(request: Seen) -> None:
    """Read the rest of a request as its head frames it."""
    if request.all("transfer-encoding") != ["chunked"]:
        request.body += request.connection.take(int((request.all("content-length") or ["0"])[0]))
        return
    size = 1
    while size:
        line = request.connection.take_until(b"\r\n")
        request.body += line
        size = int(line.split(b";")[0], 16)
        request.body += request.connection.take(size + 2) if size else b""
    while not request.body.endswith(b"\r\n\r\n"):
        request.body += request.connection.take_until(b"\r\n")


def answer(status: int = 200, body: bytes = b"", **fields: str) -> bytes:
    """A plain answer with Content-Length; `x_name="v"` becomes the field x-name."""
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def upstream(address: str = "127.0.0.1:0", **options: object) -> Iterator[ScriptedUpstream]:
    peer = ScriptedUpstream(address, **options)  # type: ignore[arg-type]
    try:
        yield peer
    finally:
        peer.stop()
