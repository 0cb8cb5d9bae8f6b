"""A client that sends the bytes it is told to and reads what comes, framed by h11 so that our own parser is not
its own judge."""
import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass, field

import h11
from wire.peers import addresses


class Truncated(Exception):
    """The connection ended before the answer was whole; `so_far` is what came of its body, `by` closed or reset."""

    def __init__(self, so_far: bytes, by: str) -> None:
        super().__init__(f"{by} after {len(so_far)} body bytes")
        self.so_far = so_far
        self.by = by


@dataclass
class Answer:
    """`interim`: the 1xx answers before it; `trailers` as (lower-case name, value)."""

    status: int
    version: str
    fields: list[tuple[str, str]]
    interim: list["Answer"] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.fields if found == name.lower()]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{name} came {len(values)} times in {self.fields!r}"
        return values[0]

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))


class RawClient:
    """`ended`: "" while the connection lives, then "closed" or "reset" by the gateway."""

    def __init__(self, address: str, *, tls: ssl.SSLContext | None = None, server_name: str = "", **options: object):
        self.stream = addresses.connect(address, **options)  # type: ignore[arg-type]
        if tls is not None:
            self.wrap(tls, server_name)
        self.ended = ""
        self._unread = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def wrap(self, tls: ssl.SSLContext, server_name: str = "") -> None:
        plain = self.stream
        try:
            self.stream = tls.wrap_socket(plain, server_hostname=server_name or None, suppress_ragged_eofs=False)
        except OSError:
            plain.close()
            raise

    def sends(self, data: bytes) -> None:
        self.stream.sendall(data)

    def sends_what_is_taken(self, data: bytes) -> None:
        """Send as far as the gateway takes it: an early refusal may end it."""
        with contextlib.suppress(OSError):
            self.stream.sendall(data)

    def half_closes(self) -> None:
        self.stream.shutdown(socket.SHUT_WR)

    def resets(self) -> None:
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    def reads_some(self, size: int = 65536) -> bytes:
        """What is there, b"" at the end."""
        if self._unread:
            data, self._unread = self._unread[:size], self._unread[size:]
            return data
        try:
            data = self.stream.recv(size)
        except TimeoutError:
            raise
        except OSError:
            self.ended = "reset"
            return b""
        self.ended = "" if data else "closed"
        return data

    def reads(self, size: int) -> bytes:
        found = b""
        while len(found) < size and (data := self.reads_some(size - len(found))):
            found += data
        return found

    def reads_until(self, mark: bytes) -> bytes:
        found = b""
        while mark not in found:
            data = self.reads_some()
            assert data, f"{self.ended} before {mark!r}, after {found!r}"
            found += data
        size = found.index(mark) + len(mark)
        self._unread = found[size:] + self._unread
        return found[:size]

    def reads_to_the_end(self) -> bytes:
        """Everything until the gateway ends the connection; `ended` then says how."""
        found = bytearray()
        while data := self.reads_some():
            found += data
        return bytes(found)

    def reads_answer(self, method: str = "GET") -> Answer:
        """The next final answer, with the interim ones before it. Raises Truncated."""
        framing = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        framing.send(h11.Request(method=method, target="/", headers=[("host", "any")]))
        framing.send(h11.EndOfMessage())
        interim: list[Answer] = []
        final: Answer | None = None
        while True:
            try:
                event = framing.next_event()
            except h11.RemoteProtocolError:
                if not self.ended:
                    raise
                raise Truncated(final.body if final else b"", self.ended) from None
            match event:
                case h11.NEED_DATA:
                    self._feed(framing, final)
                case h11.InformationalResponse():
                    interim.append(_answer(event))
                case h11.Response():
                    final = _answer(event)
                    final.interim = interim
                case h11.Data():
                    assert final is not None
                    final.body += event.data
                case h11.EndOfMessage():
                    assert final is not None
                    final.trailers = _fields(event.headers)
                    self._unread = framing.trailing_data[0]
                    return final
                case _:
                    raise Truncated(b"", self.ended)

    def _feed(self, framing: h11.Connection, final: Answer | None) -> None:
        data = self.reads_some()
        if not data and self.ended == "reset":
            raise Truncated(final.body if final else b"", "reset")
        framing.receive_data(data)


def _answer(event: h11.InformationalResponse | h11.Response) -> Answer:
    return Answer(event.status_code, event.http_version.decode(), _fields(event.headers))


def _fields(headers: h11._headers.Headers) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode("latin-1")) for name, value in headers]


def exchange(address: str, data: bytes, **options: object) -> bytes:
    """Send and read everything until the gateway closes."""
    with RawClient(address, **options) as client:  # type: ignore[arg-type]
        client.sends(data)
        return client.reads_to_the_end()


def ask(address: str, target: str, *fields: str, method: str = "GET", body: bytes = b"", host: str = "gate") -> Answer:
    """One plain request on a connection of its own, and its answer."""
    with RawClient(address) as client:
        client.sends(request(target, *fields, method=method, body=body, host=host))
        return client.reads_answer(method)


def request(target: str, *fields: str, method: str = "GET", body: bytes = b"", host: str = "gate") -> bytes:
    """The bytes of a request; a body goes with its Content-Length."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    if body or method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
