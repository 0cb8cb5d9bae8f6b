"""Who may talk to the admin address: programs that mean it, not web pages that a browser beside it has open.

A page can make a browser connect to 127.0.0.1, by DNS rebinding even under the page's own name. So the Host header must
be a loopback name, whatever its port (a tunnel changes it), the IP address that is listened on, or one of
`admin.hosts`; and so must an Origin be, if there is one.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

HEADERS = {
    # What the dashboard loads comes from here, and nothing of it is written inline; nobody may put it into a frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                               "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer that does not say otherwise."""


def is_own_host(host: str, names: Collection[str] = ()) -> bool:
    """Whether `host[:port]` names the loopback of this machine, or is one of `names` (lower case, without port)."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name in names:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refusal(host: str | None, origin: str | None, names: Collection[str] = ()) -> str | None:
    """Why a request is refused, or None."""
    try:
        if not host or not is_own_host(host, names):
            return f"the Host {host or ''!r} is no name of the admin address; use 127.0.0.1, or add it to admin.hosts"
        if origin is not None and not is_own_host(urlsplit(origin).netloc, names):
            return f"requests from the web origin {origin!r} are not accepted"
    except ValueError:
        return "the Host or Origin header is malformed"
    return None
