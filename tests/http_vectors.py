"""The vectors of `http-requests/*.yaml` as bytes on the wire: the scanner's tests and the wire tests send the same.

A vector is a parsed request; it is written out as its parts stand, in UTF-8, with two additions that every client
would make: a Host where the vector has none, and "/" where its URI is empty (RFC 9112 3.2.1: "If the target URI's path
component is empty, the client MUST send "/" as the path within the origin-form of request-target").
Its value is preceded by one space unless it brings its own white space.
"""
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from shared_data import shared


@dataclass(frozen=True, slots=True)
class Vector:
    """`tier` is Compliant, Acceptable, Ambiguous or Severe; `head` is the request up to its empty line."""

    name: str
    tier: str
    reason: str
    method: str
    uri: str
    fields: tuple[tuple[str, str], ...]
    head: bytes

    def __str__(self) -> str:
        return f"{self.tier}: {self.name}"

    @property
    def body(self) -> bytes:
        """A body such as the fields announce: a last chunk, or as many octets as the first sound length says."""
        named = {name.lower(): value.strip() for name, value in reversed(self.fields)}
        if "transfer-encoding" in named:
            return b"0\r\n\r\n"
        length = named.get("content-length", "0")
        return b"x" * int(length) if length.isdecimal() and len(length) < 8 else b""


def read_vectors() -> list[Vector]:
    """Every vector; skips the test where the shared data is absent."""
    return list(vectors_in(shared("http-requests").glob("*.yaml")))


def vectors_in(files: Iterable[Path]) -> Iterator[Vector]:
    for file in sorted(files):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
            yield vector_of(entry)


def vector_of(entry: dict[str, Any]) -> Vector:
    fields = tuple((str(field["name"]), str(field["value"])) for field in entry["headers"] or ())
    expected = entry["expected"]
    return Vector(entry["name"], expected["tier"], expected["reason"], entry["method"], entry["uri"], fields,
                  head_of(entry["method"], entry["uri"], entry["version"], fields))


def head_of(method: str, uri: str, version: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"{method} {uri or '/'} {version}"]
    if not any(name.strip().lower() == "host" for name, _ in fields):
        lines.append("Host: example.com")
    lines += [f"{name}:{value}" if value[:1].isspace() else f"{name}: {value}" for name, value in fields]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
