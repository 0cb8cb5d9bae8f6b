"""Addresses as a person writes them: `host:port`, `[v6]:port`, `unix:/path`.

`parse` splits and checks the text, nothing is looked up. `str(address)` is the canonical form, so that two texts for
the same address compare equal. A ValueError says what to write.
"""

import ipaddress
import re
from dataclasses import dataclass

UNIX = "unix:"
UNIX_PATH_MAX = 107  # sizeof(sockaddr_un.sun_path) less its final NUL
HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
                       r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?")


@dataclass(frozen=True, slots=True)
class Address:
    """Either `host` (a name or an IP literal without brackets) and `port`, or a Unix-socket `path`."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return UNIX + self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_name(self) -> bool:
        """True where the host must be resolved first."""
        return not self.path and _ip(self.host) is None

    @property
    def is_loopback(self) -> bool:
        ip = _ip(self.host)
        return bool(self.path) or self.host == "localhost" or (ip is not None and ip.is_loopback)


def parse(text: str) -> Address:
    """Raises ValueError with what to write instead."""
    if text.startswith(UNIX):
        return Address(path=_path(text.removeprefix(UNIX)))
    host, colon, port = text.rpartition(":")
    if not colon or not host or (":" in host and not host.startswith("[")):
        raise ValueError(f"{text!r} is not an address; write host:port, [v6]:port or unix:/path")
    return Address(host=host_name(host), port=_port(port))


def host_name(text: str) -> str:
    """A host name or an IP literal (IPv6 in brackets), in its canonical form without brackets."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    ip = _ip(bare)
    if ip is not None and (ip.version == 6) == (bare != text):
        return str(ip)
    if re.fullmatch(r"[0-9.]+", text) or not HOST_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a host; write a name such as api.example.com, 127.0.0.1 or [::1]")
    return text.lower()


def listen(text: str) -> str:
    """The canonical text of an address to listen on: no name needs to be resolved for it (`localhost` is known)."""
    parsed = parse(text)
    if parsed.is_name and parsed.host != "localhost":
        raise ValueError(f"{text!r} has a name; write the IP address to listen on, such as 0.0.0.0:{parsed.port}")
    return str(parsed)


def endpoint(text: str) -> str:
    """The canonical text of an address to connect to."""
    if "://" in text:
        raise ValueError(f"{text!r} is a URL; write host:port only (and `tls: true` on the upstream for https)")
    parsed = parse(text)
    if not parsed.path and parsed.port == 0:
        raise ValueError(f"{text!r} has port 0; write a port from 1 to 65535")
    return str(parsed)


def host_pattern(text: str) -> str:
    """A host to match, in the form of a Host header without its port; `*.suffix` stands for all names below one."""
    suffix = text.removeprefix("*.")
    if "*" in suffix or re.search(r"[^]:]:[0-9]*\Z|]:", suffix):
        raise ValueError(f"{text!r} is not a host to match; write a name such as api.example.com, or *.example.com for "
                         "all names below one, without a port")
    host = host_name(suffix)
    return text[: len(text) - len(suffix)] + (f"[{host}]" if ":" in host else host)


def host_header(text: str) -> str:
    """What to send as Host: a host name with or without a port, or `keep`."""
    if text == "keep":
        return text
    parsed = parse(text if re.search(r"[^:]:[0-9]+\Z", text) else f"{text}:0")
    if parsed.path:
        raise ValueError(f"{text!r} is not a host; write a name such as api.internal, or keep")
    return text.lower()


def network(text: str) -> str:
    """The canonical text of a network in CIDR form; one address is a network of one, `unix:` all of Unix sockets."""
    if text == UNIX:
        return text
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"{error}; write a network such as 10.0.0.0/8 or fd00::/8, or one address") from None


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(f"{text!r} is not a port; write a number from 0 to 65535 after the last colon")
    return int(text)


def _path(path: str) -> str:
    if not path or "\0" in path:
        raise ValueError("a Unix socket needs a path; write unix:/run/name.sock")
    if len(path.encode()) > UNIX_PATH_MAX:
        raise ValueError(f"the path of a Unix socket has at most {UNIX_PATH_MAX} bytes; write a shorter one")
    return path


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
