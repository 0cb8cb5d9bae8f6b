"""Routes of an nginx config: one for each location with a `proxy_pass`, to its upstream.

Read by crossplane, nginx's own parser for Python, includes and all. What changes what a client gets and is not taken
over (authentication, limits, caches, rewrites, regular expressions) is named with its line: nothing is lost unseen.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import crossplane

from gateway.config import single
from gateway.config.draft import Draft
from gateway.model import address
from gateway.routing.pattern import compile_pattern

Directive = dict[str, Any]
TAKEN = {"server_name", "location", "proxy_pass", "least_conn", "server", "upstream", "http"}
# What has no say in what a client gets, or what the gateway does by itself.
OF_NGINX = {
    "access_log", "chunked_transfer_encoding", "default_type", "error_log", "events", "include", "keepalive",
    "keepalive_requests", "keepalive_timeout", "listen", "log_format", "log_not_found", "map", "pid",
    "proxy_buffer_size", "proxy_buffering", "proxy_buffers", "proxy_busy_buffers_size", "proxy_http_version",
    "proxy_request_buffering", "resolver", "sendfile", "server_tokens", "tcp_nodelay", "tcp_nopush", "types",
    "user", "worker_connections", "worker_processes", "zone"}
FORWARDED = {"connection", "forwarded", "host", "upgrade", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
             "x-real-ip"}


def add(draft: Draft, path: Path) -> None:
    """Raises ValueError where it cannot be read as an nginx config, OSError where there is no such file."""
    path.stat()
    found = crossplane.parse(str(path), combine=True, check_ctx=False, check_args=False)
    read = found["config"][0]["parsed"] if found["config"] else []
    if not read:
        raise ValueError("; ".join(str(each["error"]) for each in found["errors"]) or "there is nothing in it")
    draft.left_out += [str(each["error"]) for each in found["errors"]]
    pools = {each["args"][0]: each for each in _top(read) if each["directive"] == "upstream"}
    for each in _top(read):
        if each["directive"] == "server":
            _Server(draft, pools, each).add()
        elif not _is_of_nginx(each):
            _leave_out(draft, each)


def _top(read: Iterable[Directive]) -> Iterator[Directive]:
    """What is in `http`, or at the top of a file that is to be included there."""
    for each in read:
        if each["directive"] == "http":
            yield from each["block"]
        else:
            yield each


class _Server:
    def __init__(self, draft: Draft, pools: dict[str, Directive], server: Directive) -> None:
        self._draft = draft
        self._pools = pools
        self._server = server
        self._hosts = self._names()

    def add(self) -> None:
        self._add_block(self._server["block"], None)

    def _add_block(self, block: list[Directive], location: Directive | None) -> None:
        for each in block:
            if each["directive"] == "location":
                self._add_block(each["block"], each)
            elif each["directive"] == "proxy_pass" and location is not None:
                self._add_route(location["args"], each)
            elif not _is_of_nginx(each):
                _leave_out(self._draft, each)

    def _names(self) -> list[str]:
        hosts: list[str] = []
        for each in self._server["block"]:
            for name in each["args"] if each["directive"] == "server_name" else ():
                hosts += self._host(each, name)
        return hosts

    def _host(self, where: Directive, name: str) -> list[str]:
        if name in ("_", ""):
            return []
        try:
            return [address.host_pattern(each) for each in ([name[1:], f"*{name}"] if name[0] == "." else [name])]
        except ValueError as error:
            _leave_out(self._draft, where, str(error))
            return []

    def _add_route(self, location: list[str], to: Directive) -> None:
        try:
            match, rewrite = _paths(location, to["args"][0])
            upstream = self._upstream(to["args"][0])
        except ValueError as error:
            _leave_out(self._draft, to, str(error))
            return
        host: dict[str, Any] = {"host": self._hosts} if self._hosts else {}
        named = "-".join([*self._hosts[:1], match.strip("/*") or "all"])
        self._draft.add_route(named, match={**host, "path": match}, upstream=upstream,
                              **({"rewrite": rewrite} if rewrite else {}))

    def _upstream(self, url: str) -> str:
        scheme, _, rest = url.partition("://")
        tls = {"tls": True} if scheme == "https" else {}
        if rest.startswith("unix:"):
            socket = "unix:" + rest.removeprefix("unix:").partition(":")[0]
            return self._draft.add_upstream(Path(socket).stem, {"endpoints": [address.endpoint(socket)], **tls})
        host = rest.partition("/")[0]
        if host in self._pools:
            return self._draft.add_upstream(host, {**self._pool(self._pools[host]), **tls})
        parts = urlsplit(f"{scheme}://{host}")
        return self._draft.add_upstream(parts.hostname or "", single.upstream(single.read_url(parts.geturl())))

    def _pool(self, pool: Directive) -> dict[str, Any]:
        names = [each["directive"] for each in pool["block"]]
        endpoints = [found for each in pool["block"] if each["directive"] == "server"
                     for found in self._endpoints(each)]
        for each in pool["block"]:
            if not _is_of_nginx(each):
                _leave_out(self._draft, each)
        if not endpoints:
            raise ValueError(f"upstream {pool['args'][0]} has no server that can be used")
        return {"endpoints": endpoints, **({} if "least_conn" in names else {"balance": "round_robin"})}

    def _endpoints(self, server: Directive) -> list[Any]:
        where, *options = server["args"]
        if {"down", "backup"} & set(options):
            _leave_out(self._draft, server)
            return []
        at = address.endpoint(where if where.startswith("unix:") or _has_port(where) else f"{where}:80")
        weights = [int(each.removeprefix("weight=")) for each in options if each.startswith("weight=")]
        return [{"address": at, "weight": weights[0]}] if weights else [at]


def _leave_out(draft: Draft, each: Directive, why: str = "") -> None:
    """Without all that it says: that may be a secret."""
    line = f"line {each['line']}: {' '.join([each['directive'], *each['args'][:1]])}{f' ({why})' if why else ''}"
    if line not in draft.left_out:
        draft.left_out.append(line)


def _is_of_nginx(each: Directive) -> bool:
    name = each["directive"]
    if name == "proxy_set_header":
        return bool(each["args"]) and each["args"][0].lower() in FORWARDED
    return name in TAKEN or name in OF_NGINX or name.startswith(("ssl_", "proxy_ssl_", "#"))


def _paths(location: list[str], url: str) -> tuple[str, str]:
    """(path to match, rewrite or ""). Raises ValueError where the location or the URL has no such form here."""
    if "$" in url or not url.startswith(("http://", "https://")):
        raise ValueError("only http:// and https:// without variables can be taken over")
    how, path = ("", location[0]) if len(location) == 1 else (location[0], location[1])
    if how not in ("", "=", "^~") or not path.startswith("/"):
        raise ValueError(f"the location {' '.join(location)} is no path")
    match = path if how == "=" else f"{path.rstrip('/')}/**"
    compile_pattern(match)
    to = _path_of(url)
    rewrite = "" if not to else to if how == "=" else f"{to.rstrip('/')}/**"
    return match, "" if rewrite == match else rewrite


def _path_of(url: str) -> str:
    """With its slash, or "" where the URL has none, and the request's own path goes on unchanged."""
    rest = url.partition("://")[2]
    if rest.startswith("unix:"):
        return rest.removeprefix("unix:").partition(":")[2]
    slash = rest.find("/")
    return rest[slash:] if slash >= 0 else ""


def _has_port(where: str) -> bool:
    return where.rpartition(":")[2].isdigit()
