"""Who a request is from, for what it changes: the name that the audit keeps."""

from typing import Any

from aiohttp import web

from gateway.admin import bodies
from gateway.admin.identity import Caller
from gateway.model import override

CALLER = web.RequestKey("caller", Caller)   # where the middleware leaves it


def who(request: web.Request) -> str:
    """The token's name, or `loopback`. Raises KeyError for a request that nobody admitted."""
    return request[CALLER].name


def noted(request: web.Request, body: dict[str, Any]) -> str:
    """The same, and what the body calls itself: a note only. Raises ValueError."""
    return f"{who(request)} {override.one_line(bodies.text(body, 'actor', ''))[:override.NOTE_MAX]}".strip()
