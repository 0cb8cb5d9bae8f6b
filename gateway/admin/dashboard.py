"""The dashboard's files: shipped with the package, read once, served as they are, with no build step.

They hold no data and are open to who may reach the address at all; what they show they ask of the API, as whoever is
logged in. A browser may keep a file, and asks each time whether it has changed.
"""

import functools
import hashlib
import importlib.resources
from dataclasses import dataclass

from aiohttp import web

ASSETS = "/static/"
PAGE = "index.html"
KINDS = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
         "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    kind: str
    tag: str


@functools.cache
def files() -> dict[str, File]:
    """By name; only these can be asked for."""
    found = {}
    for each in importlib.resources.files("gateway.admin").joinpath("static").iterdir():
        kind = KINDS.get(each.name.rpartition(".")[2])
        if kind:
            body = each.read_bytes()
            found[each.name] = File(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


async def _page(request: web.Request) -> web.Response:
    return _served(request, PAGE)


async def _asset(request: web.Request) -> web.Response:
    return _served(request, request.match_info["name"])


def _served(request: web.Request, name: str) -> web.Response:
    file = files().get(name)
    if file is None:
        raise web.HTTPNotFound
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == file.tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.body, headers=headers | {"Content-Type": file.kind})


ROUTES = [web.get("/", _page), web.get(ASSETS + "{name}", _asset)]
