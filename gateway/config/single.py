"""A gateway without a file: `gateway run --upstream URL` puts everything that comes to one address to one server."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from gateway.config import compile as compiling
from gateway.config.problems import ConfigError, Mark, Problem
from gateway.config.settings import Gateway
from gateway.model import address
from gateway.routing import template
from gateway.routing.plan import Plan

LISTEN = "127.0.0.1:8080"
PORTS = {"http": 80, "https": 443}


def for_upstream(url: str, listen: str = LISTEN) -> Plan:
    """Everything goes to `url`. Raises ConfigError on a URL or address that cannot be used.

    A path of the URL is put before every request's. The Host of an https upstream is the URL's, as public servers
    choose by it; otherwise the client's own is kept.
    """
    parts = read_url(url)
    return compiling.compile_plan(Gateway.model_validate({
        "version": 1,
        "listeners": [{"address": listen_address(listen)}],
        "upstreams": {"upstream": upstream(parts)},
        "routes": [{"name": "everything", "upstream": "upstream", **_rewrite(parts)}],
    }))


def upstream(parts: SplitResult) -> dict[str, Any]:
    """The settings of an upstream that is this server, without what is the default anyway."""
    made: dict[str, Any] = {"endpoints": [_endpoint(parts)]}
    return made | {"tls": True, "host": parts.netloc} if parts.scheme == "https" else made


def read_url(url: str) -> SplitResult:
    """Raises ConfigError where it is no http(s) URL of a server."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and parts.hostname and url.isascii() and url.isprintable() and " " not in url
        extra = parts.username is not None or parts.query or parts.fragment
        if usable and not extra and parts.port != 0:
            return parts
    except ValueError:  # an impossible port or bracket
        pass
    raise _refused("--upstream", f"{url!r} is not an upstream; write http://host:port or https://host")


def _rewrite(parts: SplitResult) -> dict[str, str]:
    text = f"{parts.path.rstrip('/')}/**"
    try:
        template.compile_template(text, template.compile_pattern("/**"))
    except ValueError as error:
        raise _refused("--upstream", str(error)) from None
    return {"rewrite": text} if text != "/**" else {}


def _endpoint(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    try:
        return address.endpoint(f"{host}:{parts.port or PORTS[parts.scheme]}")
    except ValueError as error:
        raise _refused("--upstream", str(error)) from None


def listen_address(text: str) -> str:
    """The canonical text. Raises ConfigError."""
    try:
        return address.listen(text)
    except ValueError as error:
        raise _refused("--listen", str(error)) from None


def _refused(option: str, message: str) -> ConfigError:
    return ConfigError([Problem(Mark(option), "", message)])
