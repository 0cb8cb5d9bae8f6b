"""Routes of an OpenAPI document (3.x, or Swagger 2.0): one for each path, with its methods, to the first server."""

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from gateway.config import single
from gateway.config.draft import Draft
from gateway.model import http
from gateway.routing.pattern import compile_pattern

VARIABLE = re.compile(r"\{([^{}]*)\}")


class _Variable(BaseModel):
    default: str = ""


class _Server(BaseModel):
    url: str
    variables: dict[str, _Variable] = {}


class _Servers(BaseModel):
    servers: list[_Server] = []


class _Swagger(BaseModel):
    host: str = ""
    basePath: str = ""                                                                # noqa: N815  as it is written
    schemes: list[str] = ["http"]


def add(draft: Draft, document: dict[str, Any], upstream: str | None) -> None:
    """Add its paths; `upstream`: the URL to use in place of the document's server. Raises ConfigError, ValueError.

    Clients go on asking for the paths of the document, the server's own path first.
    """
    server = _server(document)
    asked, parts = urlsplit(server).path.rstrip("/"), single.read_url(upstream or _whole(server))
    before = parts.path.rstrip("/") if upstream else ""
    name = draft.add_upstream(parts.hostname or "", single.upstream(parts))
    for path, item in document["paths"].items():
        methods = [each.upper() for each in item if str(each).upper() in http.METHODS] if isinstance(item, dict) else []
        if methods:
            _add_path(draft, asked + _with_plain_names(str(path)), methods, name, before)
        else:
            draft.left_out.append(f"{path}: none of its methods is written here")
    draft.left_out.append("methods that the document does not name, such as OPTIONS of browsers (CORS)")


def _add_path(draft: Draft, path: str, methods: list[str], upstream: str, before: str) -> None:
    try:
        compile_pattern(path)
    except ValueError as error:
        draft.left_out.append(f"{path}: {error}")
        return
    rewrite = {"rewrite": before + path} if before else {}
    draft.add_route(path.strip("/") or "root", match={"path": path, "methods": methods}, upstream=upstream, **rewrite)


def _server(document: dict[str, Any]) -> str:
    """The URL of the first server, its variables as they are by default; of Swagger 2.0 too."""
    if "swagger" in document:
        old = _Swagger.model_validate(document)
        return f"{old.schemes[0]}://{old.host}{old.basePath}" if old.host and old.schemes else old.basePath
    first = (_Servers.model_validate(document).servers or [_Server(url="/")])[0]
    return VARIABLE.sub(lambda found: first.variables.get(found[1], _Variable()).default, first.url)


def _whole(server: str) -> str:
    if not server.startswith(("http://", "https://")):
        raise ValueError(f"its server is {server or '/'!r}, which names no host; say which with --upstream http://host:port")
    return server


def _with_plain_names(path: str) -> str:
    """`{petId}` as `{petid}`, `{pet-id}` as `{pet_id}`: names as a route's path may have them."""
    return VARIABLE.sub(lambda found: "{" + (re.sub(r"[^a-z0-9_]", "_", found[1].lower()) or "_") + "}", path)
