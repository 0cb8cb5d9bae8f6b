"""Who may say which client a request is from: `clients.trusted_proxies`, networks and `unix:`.

A proxy appends the peer it saw to X-Forwarded-For, so only the right end of the list is vouched for: we walk from the
right over hops that are trusted themselves and stop at the first that is not. Whatever stands left of it, the client
may have written itself. An entry that is not an address ends the walk, and the last good hop is the client.
"""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNIX = "unix:"
# Peers are few where there are proxies, and many where there are none: bounded, and simply emptied when full.
CACHE_SIZE = 4096
# An X-Forwarded-For with more hops than this was not made by proxies; it is not walked further.
MAX_HOPS = 32


class TrustedProxies:
    """Networks (`10.0.0.0/8`, `::1`) and `unix:`; raises ValueError on anything else.

    Mutable state: the cache of answers per peer address.
    """

    def __init__(self, cidrs: Iterable[str]) -> None:
        entries = tuple(cidrs)
        self._networks: tuple[Network, ...] = tuple(
            ipaddress.ip_network(entry, strict=False) for entry in entries if entry != UNIX
        )
        self._unix = UNIX in entries
        self._answers: dict[str, bool] = {}

    def __repr__(self) -> str:
        return f"TrustedProxies({', '.join(map(str, self._networks))}{' unix:' if self._unix else ''})"

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` (an IP address; empty or `unix:…` for a Unix socket) is one of ours."""
        known = self._answers.get(address)
        if known is not None:
            return known
        if len(self._answers) >= CACHE_SIZE:
            self._answers.clear()
        answer = self._decide(address)
        self._answers[address] = answer
        return answer

    def client_of(self, peer: str, forwarded_for: bytes) -> str:
        """The client's address: the right-most hop that is not trusted, or the left-most one if all are.

        `forwarded_for` is the value of X-Forwarded-For, several fields joined by commas. From a peer that is not
        trusted it counts for nothing.
        """
        client = peer
        if not self.trusts(peer):
            return client
        for hop in reversed(forwarded_for.rsplit(b",", MAX_HOPS)[-MAX_HOPS:]):
            address = hop_address(hop)
            if not address:
                break
            client = address
            if not self.trusts(address):
                break
        return client

    def _decide(self, address: str) -> bool:
        if not address or address.startswith(UNIX):
            return self._unix
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def hop_address(hop: bytes) -> str:
    """One entry of X-Forwarded-For as a plain address: `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`; else ""."""
    try:
        text = hop.strip(b" \t").decode("ascii")
    except UnicodeDecodeError:
        return ""
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        text = inside if bracket and (not port or _is_port(port)) else ""
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
        text = host if _is_port(colon + port) else ""
    parsed = parse_address(text)
    return "" if parsed is None else str(parsed)


def parse_address(text: str) -> Address | None:
    """An IP address without zone; an IPv4 address mapped into IPv6 (dual-stack sockets) is the IPv4 one."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[:1] == ":" and digits.isdigit() and len(digits) <= 5 and int(digits) < 65536
