"""Who a request is from, for what it changes: the name that the audit keeps."""

from aiohttp import web

from gateway.admin.identity import Caller

CALLER = web.RequestKey("caller", Caller)   # where the middleware leaves it


def who(request: web.Request) -> str:
    """The token's name, or `loopback`. Raises KeyError for a request that nobody admitted."""
    return request[CALLER].name
