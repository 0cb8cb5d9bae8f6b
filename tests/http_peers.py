"""How h11 and httptools (llhttp) frame the bytes that we accept: the same way, or they refuse them. They refuse only

- by h11: an empty line before a request, which "a server ... SHOULD ignore" (RFC 9112 2.2); it is taken off for h11;
- by llhttp: a method that it does not list. RFC 9110 9.1: a method is any token;
- by both: white space in a chunk extension. RFC 9112 7.1.1 has BWS there, which a recipient "MUST parse for" (RFC
  9110 5.6.3). The size is read alike with and without it;
- by llhttp: a tab after `chunked`. RFC 9110 5.5: "A field value does not include leading or trailing whitespace", and
  5.6.3: OWS is space or tab.

Of an upgrade llhttp reads the head only, even where a body is announced; such a request is no upgrade to us.
A peer that accepts must agree in method, target or status, in every field and in every octet of the body.
"""
import re
from dataclasses import dataclass

import h11
import httptools

from gateway.dataplane import http1

LARGE = 1 << 20
LISTED_BY_LLHTTP = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
BLANK_IN_SIZE_LINE = re.compile(rb"\r\n[0-9A-Fa-f]{1,15}(?:[ \t;][^\r\n]*)?[ \t]")
TAB_AFTER_CHUNKED = re.compile(rb"(?i:chunked) *\t")


@dataclass(frozen=True, slots=True)
class Framed:
    """One whole message: `start` is (method, target) or (status,); names are in lower case; text is Latin-1."""

    start: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    body: bytes
    upgrade: bool = False


def ours(data: bytes, answering: str = "") -> Framed | None:
    """What we make of the first message of `data`; None while it is not complete. Raises heads.HttpFault.

    `answering` is the method that a response answers; empty for a request.
    """
    head = http1.parse_response(data, answering) if answering else http1.parse_request(data)
    if head is None:
        return None
    fields = tuple((name.lower(), value) for name, value in head.fields)
    start = (str(head.status),) if answering else (head.method, head.target)
    ends = head.body if answering else "chunks" if head.chunked else "length"
    body = body_of(data[head.size:], ends, head.content_length or 0)
    return None if body is None else Framed(start, fields, body)


def body_of(data: bytes, ends: str, length: int) -> bytes | None:
    if ends == "chunks":
        reader = http1.ChunkReader()
        _, body = reader.feed(data)
        return body if reader.done else None
    if ends == "length":
        return data[:length] if len(data) >= length else None
    return b"" if ends == "none" else data


def by_h11(data: bytes, answering: str = "") -> Framed | None:
    role = h11.CLIENT if answering else h11.SERVER
    connection = h11.Connection(role, max_incomplete_event_size=LARGE)
    if answering:
        connection.send(h11.Request(method=answering, target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
    try:
        connection.receive_data(data)
        if answering:
            connection.receive_data(b"")
        return read_h11(connection)
    except h11.RemoteProtocolError:
        return None


def read_h11(connection: h11.Connection) -> Framed | None:
    start, fields, body = (), (), b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            start = (event.method.decode(), event.target.decode())
            fields = tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers)
        elif isinstance(event, (h11.Response, h11.InformationalResponse)):
            start = (str(event.status_code),)
            fields = tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers)
            if isinstance(event, h11.InformationalResponse):
                return Framed(start, fields, b"")
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            return Framed(start, fields, body) if isinstance(event, h11.EndOfMessage) else None


class Collector:
    """The callbacks of httptools; only the first message is kept."""

    parser: httptools.HttpRequestParser

    def __init__(self) -> None:
        self.method = ""
        self.target = self.body = b""
        self.fields: list[tuple[str, str]] = []
        self.head_done = self.done = False

    def on_url(self, url: bytes) -> None:
        if not self.done:
            self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_done:
            self.fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if not self.head_done:
            self.method = self.parser.get_method().decode()
        self.head_done = True

    def on_body(self, body: bytes) -> None:
        if not self.done:
            self.body += body

    def on_message_complete(self) -> None:
        self.done = True


def by_httptools(data: bytes) -> Framed | None:
    """A request as llhttp reads it; of an upgrade the head only."""
    seen, upgrade = Collector(), False
    seen.parser = httptools.HttpRequestParser(seen)
    try:
        seen.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        seen.done = upgrade = True
    except httptools.HttpParserError:
        if not seen.done:
            return None
    if not seen.done:
        return None
    # llhttp hands over a value with its trailing white space
    fields = tuple((name, value.strip(" \t")) for name, value in seen.fields)
    return Framed((seen.method, seen.target.decode("latin-1")), fields, seen.body, upgrade)


def disagreements(data: bytes, answering: str = "") -> list[str]:
    """The peers that read the first message of `data` otherwise than we do. Raises heads.HttpFault if we refuse it."""
    framed = ours(data, answering)
    if framed is None:
        return []
    wrong = []
    theirs = by_h11(data.removeprefix(b"\r\n"), answering)
    if theirs != as_h11_writes(framed) and not (theirs is None and BLANK_IN_SIZE_LINE.search(data)):
        wrong.append(f"h11 {theirs} ours {framed}")
    if not answering:
        theirs = by_httptools(data)
        if theirs is not None and theirs.upgrade:
            framed = Framed(framed.start, framed.fields, b"", upgrade=True)
        if theirs != framed and not (theirs is None and llhttp_may_refuse(data, framed)):
            wrong.append(f"httptools {theirs} ours {framed}")
    return wrong


def as_h11_writes(framed: Framed) -> Framed:
    """h11 hands Transfer-Encoding over in lower case."""
    fields = tuple((name, value.lower() if name == "transfer-encoding" else value) for name, value in framed.fields)
    return Framed(framed.start, fields, framed.body)


def llhttp_may_refuse(data: bytes, framed: Framed) -> bool:
    return bool(framed.start[0] not in LISTED_BY_LLHTTP or BLANK_IN_SIZE_LINE.search(data)
                or TAB_AFTER_CHUNKED.search(data))
