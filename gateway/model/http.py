"""Which texts may stand in an HTTP message (RFC 9110), for everything that a config lets a user put into one.

A config must not be able to inject a line, break the framing or undo what the gateway itself decides.
"""

import re

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
FIELD_VALUE = re.compile(r"[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?|")
FIELD_VALUE_MAX = 4096
TARGET = re.compile(r"[\x21-\x7e]{1,2048}")

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
REFUSED_METHODS = ("CONNECT", "TRACE")

# Fields that frame a message or belong to one connection: the gateway writes them itself (RFC 9110 7.6.1, RFC 9112 6).
FRAMING = frozenset({
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip

# What a request carries about its way here; written, kept or replaced by who sent it (clients.trusted_proxies).
TRACING = frozenset({
    "forwarded", "traceparent", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id",
})  # fmt: skip


def token(text: str) -> str:
    """A header name as written."""
    if not TOKEN.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a header name; write letters, digits and dashes, such as x-team")
    return text


def _not_among(owned: frozenset[str], text: str, why: str) -> str:
    if token(text).lower() in owned:
        raise ValueError(f"{text} {why}")
    return text


def request_field(text: str) -> str:
    """The name of a header to change on the way to the upstream."""
    if text.lower() == "host":
        raise ValueError("Host is not edited here; write host: NAME on the upstream")
    _not_among(TRACING, text, "is written by the gateway itself from what it knows of the client; leave it out")
    return _not_among(FRAMING, text, "frames the message and is written by the gateway itself; leave it out")


def response_field(text: str) -> str:
    """The name of a header to change on the way to the client."""
    return _not_among(FRAMING | {"via"}, text, "is written by the gateway itself; leave it out")


def answer_field(text: str) -> str:
    """The name of a header of an answer that the gateway gives by itself."""
    return _not_among(FRAMING | {"date"}, text, "is written by the gateway itself; leave it out")


def field_value(text: str) -> str:
    """A header value as written. Raises ValueError on control bytes (so no line can be injected) and outer spaces."""
    if len(text) > FIELD_VALUE_MAX:
        raise ValueError(f"the value has {len(text)} characters; write at most {FIELD_VALUE_MAX}")
    if not FIELD_VALUE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a header value; write printable ASCII on one line, "
                         "without spaces around them")
    return text


def method(text: str) -> str:
    """A method that a route may name. Methods are told apart by case (RFC 9110 9.1)."""
    if text.upper() in REFUSED_METHODS:
        raise ValueError(f"the gateway always refuses {text.upper()}; leave it out")
    if text.upper() in METHODS and text not in METHODS:
        raise ValueError(f"{text!r} is written in capital letters; did you mean {text.upper()}?")
    if not TOKEN.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a method; write one such as {' '.join(METHODS)}")
    return text


def path(text: str) -> str:
    """A request path, or a pattern or template of one."""
    if not text.startswith("/") or not TARGET.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a path; write one that begins with / and is ASCII without spaces, "
                         "such as /orders/**")
    return text


def plain_path(text: str) -> str:
    """A path that stands for itself."""
    if set(path(text)) & set("*{}?#"):
        raise ValueError(f"{text!r} must be one exact path, such as /healthz")
    return text


def target(text: str) -> str:
    """A path or a URL that a redirect sends the client to."""
    if not text.startswith(("/", "http://", "https://")) or not TARGET.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a place to redirect to; write a path such as /new/** or a URL such as "
                         "https://example.com/new/**")
    return text
