"""A target: whatever can be isolated, measured or blamed, as people write it.

    route:NAME   upstream:NAME   endpoint:UPSTREAM/ADDRESS   endpoint:ADDRESS (in every upstream)   client:ADDRESS
    client:key:VALUE (who has this value of `clients.key`)   client:#HASH (the same, as records show it)
"""

import ipaddress
import re
from dataclasses import dataclass

KINDS = ("route", "upstream", "endpoint", "client")
NAME_MAX = 256
NAMED_SEED = 0x6B65796564206279  # what tells hashes of `clients.key` from hashes of addresses: "keyed by"
HASH = re.compile(r"#[0-9a-f]{16}")
EXAMPLES = {"route": "list-orders", "upstream": "orders", "endpoint": "127.0.0.1:9001", "client": "192.0.2.7"}


@dataclass(frozen=True, slots=True, order=True)
class Target:
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def parse(text: str) -> Target:
    """Raises ValueError, with what to write instead. A client's address is brought into its one form."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in KINDS:
        raise ValueError(f"{text[:80]!r} is not a target; write route:NAME, upstream:NAME, endpoint:ADDRESS or "
                         "client:ADDRESS")
    if not name or not name.isprintable() or name != name.strip() or len(name.encode()) > NAME_MAX:
        raise ValueError(f"{kind}: needs a name of 1 to {NAME_MAX} printable bytes, such as {kind}:{EXAMPLES[kind]}")
    return Target(kind, _client(name)) if kind == "client" else Target(kind, name)


def is_named(client: str) -> bool:
    """Whether a client's name says something else than its address."""
    return client.startswith(("key:", "#"))


def _client(text: str) -> str:
    if (text.startswith("key:") and len(text) > len("key:")) or HASH.fullmatch(text):
        return text
    return _address(text)


def _address(text: str) -> str:
    try:
        found = ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"{text[:80]!r} is not a client; write one IP address, such as client:192.0.2.7 or "
                         "client:2001:db8::7, or client:key:VALUE where the config has clients.key") from None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def client_bytes(address: str) -> bytes:
    """The 16 bytes by which an address is known everywhere: IPv4 as mapped IPv6, in network order."""
    found = ipaddress.ip_address(address)
    return found.packed if found.version == 6 else bytes(10) + b"\xff\xff" + found.packed
