"""What anybody may say: that a page looks wrong. A body becomes a Report, or a ValueError that says what to write.

    {"url": "https://api.example.com/orders/17", "words": "the total is wrong"}

Who says it is counted once: an address is known by a keyed hash, and all of an IPv6 /64 network, which is what one
household or one machine has, is one. What is kept of it is bounded: MOST of half an hour; the rest changes nothing.
"""

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.model.http import METHODS
from gateway.model.report import Report
from gateway.model.signal import SignalKind

MOST = 500
WORDS_MAX = 200
URL_MAX = 2048
NAMES = ("url", "method", "words")


@dataclass(frozen=True, slots=True)
class Said:
    """`host` is empty where only a path was named."""

    host: str
    path: str
    method: str
    words: str


def read(body: bytes) -> Said:
    """Raises ValueError."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body must be JSON") from None
    if not isinstance(said, dict) or not all(name in NAMES and isinstance(said[name], str) for name in said):
        raise ValueError(f"the body must be an object of texts: {', '.join(NAMES)}")
    url, method = said.get("url", ""), said.get("method", "GET")
    if not url or len(url) > URL_MAX or not url.isascii() or not url.isprintable():
        raise ValueError("`url` must be the address or the path of the page, such as /orders/17")
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}")
    parts = urlsplit(url)
    if not parts.path.startswith("/"):
        raise ValueError("`url` must have a path, such as /orders/17")
    return Said((parts.hostname or "").lower(), parts.path, method, _line(said.get("words", "")))


def _line(text: str) -> str:
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:WORDS_MAX]


def person(address: str, key: bytes) -> str:
    """Who it is, without saying it. `key`: at most 64 bytes."""
    return "client:" + hashlib.blake2b(_network(address).encode(), key=key, digest_size=8).hexdigest()


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False))


def is_new(report: Report, known: Iterable[Report]) -> bool:
    """Whether it adds to what was said lately: `known`."""
    said = [each for each in known if each.kind is SignalKind.COMMUNITY_REPORT]
    return len(said) < MOST and not any(each.who == report.who and each.target == report.target for each in said)
