"""Templates of `rewrite` and `redirect.to`: what to write with the texts that a route's path captured.

`{name}` stands for the segment of that name, a final `/**` for the tail with its slash: with the pattern `/old/**`,
the template `/new/**` makes `/new` of `/old`, `/new/` of `/old/` and `/new/x` of `/old/x`. Captures are put in raw, as
the client sent them. The template `/**` alone takes the tail without its leading slashes: `/old` becomes `/`, and
`/old//evil.test` no redirect to `//evil.test`, which a browser takes for another host.

A compiled template is a tuple of literal bytes and of indexes into the captures, to be written one after the other;
then the query of the request, after a `&` if the template has a `?` of its own.
"""
import re
from collections.abc import Sequence

from gateway.routing.pattern import Pattern, compile_pattern, conflicts

__all__ = ["Pattern", "Template", "compile_pattern", "compile_template", "conflicts"]

Template = tuple[bytes | int, ...]

_ORIGIN = re.compile(r"https?://[A-Za-z0-9\-._:\[\]]+")
_HOLE = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;=:@/?]|%[0-9A-Fa-f]{2})*")


def compile_template(text: str, pattern: Pattern) -> Template:
    """Read a path, or a whole http(s) URL, with holes for what `pattern` captures.

    Raises ValueError with what to write instead: on a name that the pattern does not have, on `**` without a tail in
    the pattern or elsewhere than at the end, and on what does not belong into a path.
    """
    origin = _ORIGIN.match(text)
    path = text[origin.end():] if origin else text
    if not path.startswith("/") and not (origin and path == ""):
        raise ValueError(f"`{text}`: start with `/` or with http(s)://host/; no captures in the host")
    if path.startswith("//"):
        raise ValueError(f"`{text}`: a path that starts with `//` would name another host; write one `/`")
    return _joined([origin[0].encode("ascii") if origin else b"", *_with_tail(path, pattern, bare=not origin)])


def _with_tail(path: str, pattern: Pattern, bare: bool) -> list[bytes | int]:
    if not path.endswith("/**"):
        return _pieces(path, pattern)
    if not pattern.tail:
        raise ValueError(f"`{path}`: `**` needs a match.path that ends with `/**`, not `{pattern.text}`")
    with_slash = len(pattern.names)
    if bare and path == "/**":
        return [b"/", with_slash + 1]
    return [*_pieces(path.removesuffix("/**"), pattern), with_slash]


def _pieces(path: str, pattern: Pattern) -> list[bytes | int]:
    pieces: list[bytes | int] = []
    for number, part in enumerate(_HOLE.split(path)):
        pieces.append(_capture(part, pattern) if number % 2 else _literal(part))
    return pieces


def _capture(name: str, pattern: Pattern) -> int:
    if name not in pattern.names:
        known = ", ".join(f"`{{{known}}}`" for known in pattern.names) or "no names"
        raise ValueError(f"`{{{name}}}`: match.path `{pattern.text}` has {known}")
    return pattern.names.index(name)


def _literal(part: str) -> bytes:
    if "*" in part:
        raise ValueError(f"`{part}`: `**` may only stand at the end, after a slash")
    if not _LITERAL.fullmatch(part):
        raise ValueError(f"`{part}`: percent-encode what is not a letter, a digit or one of -._~!$&'()+,;=:@/?")
    return part.encode("ascii")


def _joined(pieces: Sequence[bytes | int]) -> Template:
    """Without empty literals, and with neighbouring ones as one."""
    joined: list[bytes | int] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, bytes) and isinstance(last, bytes):
            joined[-1] = last + piece
        elif piece != b"":
            joined.append(piece)
    return tuple(joined)
