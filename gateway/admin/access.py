"""Who may talk to the admin address: programs on this machine, not web pages that a browser on it has open.

A page can make a browser connect to 127.0.0.1, by DNS rebinding even under the page's own name. So the Host header must
be a loopback name, whatever its port (a tunnel changes it), and so must an Origin be, if there is one.
"""

import ipaddress
from urllib.parse import urlsplit


def is_own_host(host: str) -> bool:
    """Whether `host[:port]` names the loopback of this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refusal(host: str | None, origin: str | None) -> str | None:
    """Why a request is refused, or None."""
    try:
        if not host or not is_own_host(host):
            return f"the Host {host or ''!r} is not a name of this machine's loopback; use 127.0.0.1 or localhost"
        if origin is not None and not is_own_host(urlsplit(origin).netloc):
            return f"requests from the web origin {origin!r} are not accepted"
    except ValueError:
        return "the Host or Origin header is malformed"
    return None
