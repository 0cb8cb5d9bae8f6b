"""What a scan found, as Python values, for tests and for the replay of traffic. The data plane never makes one.

Text is Latin-1 of the octets, so that `text.encode("latin-1")` gives back what was on the wire.
"""
from dataclasses import dataclass


class HttpFault(Exception):
    """Why a message was refused: `name` as in http1.pxd's Fault, `status` towards the client that sent it."""

    def __init__(self, code: int, name: str, status: int, text: str) -> None:
        super().__init__(code, name, status, text)
        self.code = code
        self.name = name
        self.status = status
        self.text = text

    def __str__(self) -> str:
        return f"{self.name} ({self.status}): {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHead:
    """`size` counts the head's octets with its empty line. `dropped`: indices of the fields that Connection names."""

    size: int
    version: str
    fields: tuple[tuple[str, str], ...]
    content_length: int | None
    chunked: bool
    keep_alive: bool
    upgrade: bool
    dropped: tuple[int, ...]

    def values(self, name: str) -> list[str]:
        """The values of every field of this name, whatever its case, in order."""
        return [value for field, value in self.fields if field.lower() == name.lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead(MessageHead):
    """`form` is origin, absolute or asterisk; `query` keeps its "?"; `method_bit` is a bit of http1.pxd's Method."""

    method: str
    method_bit: int
    target: str
    form: str
    path: str
    query: str
    host: str
    host_name: str
    expect_continue: bool
    te_trailers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead(MessageHead):
    """`body` says how it ends: none, length, chunks or close. `keep_alive_timeout` is in seconds."""

    status: int
    reason: str
    keep_alive_timeout: int | None
    body: str
