"""What a route may match: the syntax of paths and hosts, checked once, when the config is read.

- A path starts with `/` and is split at every `/`; an empty last segment is a trailing slash and counts.
- A segment is a literal, `{name}` (any one segment that is not empty), or, as the last one only, `**`
  (everything that follows, nothing included: `/a/**` takes `/a`, `/a/` and `/a/b/c`).
- Encoded unreserved bytes are the bytes themselves (`%6f` is `o`, RFC 3986 6.2.2.2); encoded reserved ones are
  not (`%2F` is no `/`), and their hex digits compare without case. Requests are matched in this same form.
- A host is exact or `*.suffix` (one or more labels before the suffix); no port, no case, no final dot.
- `.` and `..` segments are refused, as they are in requests (dataplane/target.pxd): `/public/../admin` must not pass as
  something below `/public/**`, to be resolved to `/admin` by the upstream.
"""
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.routing import plan

MAX_SEGMENTS = 64           # in a pattern; the router keeps as many of a request's path on its stack
MAX_LITERAL = 255           # bytes of a literal segment, once normalised; as a file name's limit
MAX_CAPTURES = 8
MAX_HOST = 253              # characters of a DNS name

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_LITERAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;=:@]|%[0-9A-Fa-f]{2})*")     # pchar of RFC 3986 3.3, less `*`
_HOST = re.compile(r"(?:[a-z0-9_\-]+\.)*[a-z0-9_\-]+|\[[0-9a-f:.]+(?:%[!-~]+)?\]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`segments` without the `**`: a normalised literal, or None for a `{name}`; `names` in their order.

    A request captures one text per name and, with `tail`, two more at the end: what `**` stood for with the slash
    before it (of `/a/**`: "" in `/a`, "/" in `/a/`, "/b/c" in `/a/b/c`), and the same without leading slashes.
    """

    text: str
    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    tail: bool

    @property
    def shape(self) -> tuple[tuple[str | None, ...], bool]:
        """Equal for two patterns that take the same paths, whatever their names."""
        return self.segments, self.tail

    @property
    def captures(self) -> int:
        return len(self.names) + 2 * self.tail


def normalise(text: str) -> str:
    """Decode the encoded unreserved bytes of a path, write the hex digits of the others in upper case."""
    return _ENCODED.sub(_decode, text)


def _decode(found: re.Match[str]) -> str:
    byte = chr(int(found[1], 16))
    return byte if byte in _UNRESERVED else found[0].upper()


def compile_pattern(path: str) -> Pattern:
    """Read the `path` of a route's match. Raises ValueError with what to write instead."""
    if not path.startswith("/"):
        raise ValueError(f"a path must start with `/`: write `/{path}`")
    written = path[1:].split("/")
    tail = written[-1] == "**"
    if tail:
        written.pop()
    if len(written) > MAX_SEGMENTS:
        raise ValueError(f"a path may have at most {MAX_SEGMENTS} segments, this one has {len(written)}")
    names = _names(written)
    if len(names) + tail > MAX_CAPTURES:
        raise ValueError(f"a path may have at most {MAX_CAPTURES} `{{name}}` segments, a final `**` counted as one")
    return Pattern(path, tuple(_segment(segment) for segment in written), names, tail)


def _names(written: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for segment in written:
        name = _name(segment)
        if name in names:
            raise ValueError(f"`{{{name}}}` stands in the path twice: give each segment its own name")
        if name is not None:
            names.append(name)
    return tuple(names)


def _name(segment: str) -> str | None:
    """The name in a `{name}` segment, None for a literal."""
    if "{" not in segment and "}" not in segment:
        return None
    if not (segment.startswith("{") and segment.endswith("}")):
        raise ValueError(f"`{segment}`: `{{name}}` must be a whole segment, between two slashes")
    name = segment[1:-1]
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{segment}`: a name is made of a-z, 0-9 and _, and does not start with a digit")
    return name


def _segment(segment: str) -> str | None:
    if _name(segment) is not None:
        return None
    if "*" in segment:
        raise ValueError(f"`{segment}`: write `{{name}}` for one segment, or a final `**` for everything that follows")
    if not _LITERAL.fullmatch(segment):
        raise ValueError(f"`{segment}`: percent-encode what is not a letter, a digit or one of -._~!$&'()+,;=:@")
    literal = normalise(segment)
    if literal in (".", ".."):
        raise ValueError(f"`{segment}`: a path may not have `.` or `..` segments; write the path they lead to")
    if len(literal) > MAX_LITERAL:
        raise ValueError(f"`{segment[:20]}...`: a segment may have at most {MAX_LITERAL} bytes")
    return literal


def compile_host(host: str) -> tuple[bool, str]:
    """Read one of a match's `hosts` as (is it a `*.` suffix, the name in lower case); the suffix without its `*.`.

    Raises ValueError with what to write instead.
    """
    wild = host.startswith("*.")
    name = host[2 * wild:].lower().removesuffix(".")
    if "*" in name:
        raise ValueError(f"`{host}`: a `*` may only stand first, as in `*.example.com`; leave `host` out for any host")
    if not name.startswith("[") and ":" in name:
        raise ValueError(f"`{host}`: a host is matched without its port; write `{host.partition(':')[0]}`")
    if not _HOST.fullmatch(name) or len(name) > MAX_HOST:
        raise ValueError(f"`{host}`: not a host name; write it as in `api.example.com` (punycode if not ASCII)")
    return wild, name


def methods_taken(match: plan.Match) -> frozenset[str]:
    """The methods that a match takes, empty for all: whoever takes GET takes HEAD (RFC 9110 9.3.2)."""
    return frozenset((*match.methods, "HEAD") if "GET" in match.methods else match.methods)


def conflicts(routes: Iterable[plan.Route]) -> list[tuple[int, int]]:
    """Pairs of indexes of routes that take just the same requests of at least one host: only the name would decide.

    Raises ValueError as `compile_pattern` and `compile_host` do.
    """
    first: dict[object, int] = {}
    found: dict[tuple[int, int], None] = {}
    for index, route in enumerate(routes):
        match = route.match
        taken = compile_pattern(match.path).shape, methods_taken(match), frozenset(match.headers)
        hosts: set[object] = {compile_host(host) for host in match.hosts}
        for host in hosts or {None}:
            earlier = first.setdefault((host, taken), index)
            if earlier != index:
                found[earlier, index] = None
    return list(found)
