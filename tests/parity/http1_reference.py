"""The scanner's rules once more, as slow regular expressions over a whole request head, without limits.

Same inputs, same verdict: `read` answers what http1.parse_request finds, or None for a head that is refused.
"""
import ipaddress
import re
from dataclasses import dataclass

TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
LINE = re.compile(rb"(?:\r\n)?(?P<method>" + TCHAR + rb"{1,32}) (?P<target>[!-~]+) HTTP/1\.(?P<minor>[01])\r\n")
FIELD = re.compile(rb"(?P<name>" + TCHAR + rb"+):[ \t]*"
                   rb"(?P<value>(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*\r\n")
TARGET = re.compile(rb"(?:(?i:https?)://(?P<authority>[^/?]+))?(?P<path>(?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|"
                    rb"%(?!00)[0-9A-Fa-f]{2})*)?)(?P<query>(?:\?[!-~]*)?)")
DOTS = re.compile(rb"(?:/|%2f|%5c)(?:\.|%2e){1,2}(?:/|;|%2f|%5c|$)", re.IGNORECASE)
HOST = re.compile(rb"(?P<name>[A-Za-z0-9\-._~!$&'()*+;=]+|\[(?P<address>[^]]{2,45})\])(?::(?P<port>[0-9]{0,5}))?")
OPTIONS = re.compile(rb"[ \t,]*(?:" + TCHAR + rb"+[ \t]*(?:,[ \t,]*|$))*")
FRAMING = {b"contentlength": b"content-length", b"transferencoding": b"transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Reference:
    size: int
    method: str
    path: str
    query: str
    host: str
    host_name: str
    fields: tuple[tuple[str, str], ...]
    content_length: int | None
    chunked: bool
    keep_alive: bool


def read(data: bytes) -> Reference | None:
    line = LINE.match(data)
    fields, at = [], line.end() if line else 0
    while line and (field := FIELD.match(data, at)):
        fields.append((field["name"], field["value"]))
        at = field.end()
    if line is None or data[at:at + 2] != b"\r\n" or line["method"] in (b"CONNECT", b"TRACE"):
        return None
    values = {name.lower(): [v for n, v in fields if n.lower() == name.lower()] for name, _ in fields}
    minor, hosts = int(line["minor"]), values.get(b"host", [])
    target, connection = target_of(line), connection_of(values.get(b"connection", []))
    length, framed = length_of(values, minor)
    if target is None or connection is None or not framed or len(hosts) > 1 or (minor == 1 and not hosts):
        return None
    host = hosts[0] if hosts else target["authority"] or b""
    name = host_name(host) if host or hosts else b""
    if name is None or (target["authority"] and host.lower() != target["authority"].lower()):
        return None
    kept = b"close" not in connection and (minor == 1 or b"keep-alive" in connection)
    text = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in fields)
    return Reference(at + 2, line["method"].decode(), target["path"].decode(), target["query"].decode(), host.decode(),
                     name.decode(), text, length, b"transfer-encoding" in values, kept)


def target_of(line: re.Match[bytes]) -> dict[str, bytes] | None:
    if line["target"] == b"*" and line["method"] == b"OPTIONS":
        return {"authority": b"", "path": b"*", "query": b""}
    found = TARGET.fullmatch(line["target"])
    if found is None or DOTS.search(found["path"]) or not (found["path"] or found["authority"]):
        return None
    if found["authority"] and host_name(found["authority"]) is None:
        return None
    return found.groupdict()


def host_name(host: bytes) -> bytes | None:
    found = HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) > 65535:
        return None
    try:
        if found["address"] and (b"%" in found["address"] or not ipaddress.IPv6Address(found["address"].decode())):
            return None
    except ValueError:
        return None
    return found["name"]


def connection_of(values: list[bytes]) -> set[bytes] | None:
    """The options of Connection in lower case; None if they are malformed or name what frames and routes."""
    options = {option.strip(b" \t").lower() for value in values for option in value.split(b",")}
    if not all(OPTIONS.fullmatch(value) for value in values) or options & {b"host", *FRAMING.values()}:
        return None
    return options


def length_of(values: dict[bytes, list[bytes]], minor: int) -> tuple[int | None, bool]:
    """The Content-Length, and whether the body is framed one way only."""
    for name in values:
        if (meant := FRAMING.get(re.sub(rb"[^a-z0-9]", b"", name))) is not None and name != meant:
            return None, False
    lengths, codings = values.get(b"content-length", []), values.get(b"transfer-encoding", [])
    if codings:
        return None, not lengths and minor == 1 and [coding.lower() for coding in codings] == [b"chunked"]
    if lengths and not (len(lengths) == 1 and re.fullmatch(rb"[0-9]{1,18}", lengths[0])):
        return None, False
    return int(lengths[0]) if lengths else None, True
