"""Bodies that the admin API takes: one JSON object, of bounded size (aiohttp's 1 MiB), sent as JSON.

A web page can make a browser send a form or a plain text anywhere unasked, but not `application/json`: for that the
browser asks first, and is refused. So the content type is required wherever a body changes something.
"""

import asyncio
from typing import Any

from aiohttp import web

from gateway.record.store import LAST

JSON = "application/json"


SECONDS_MOST = 10.0                     # for the whole body


class NotInTime(Exception):
    """The body did not come within SECONDS_MOST: 408."""


class NotJson(Exception):
    """The body is not sent as JSON: 415."""


async def json_object(request: web.Request) -> dict[str, Any]:
    """Raises NotJson, NotInTime, or ValueError on anything but one object."""
    if request.content_type != JSON:
        raise NotJson(f"send the body as {JSON}, not as {request.content_type}")
    try:
        async with asyncio.timeout(SECONDS_MOST):
            body = await request.json()
    except TimeoutError:
        raise NotInTime(f"the body did not come within {SECONDS_MOST:g} s") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


async def if_any(request: web.Request) -> dict[str, Any]:
    """The same where a body may be left out."""
    return await json_object(request) if request.can_read_body else {}


def text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text of the body. Raises ValueError where it is missing without a default, or is something else."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be a text" if name in body else f"`{name}` is missing")
    return value


def number(body: dict[str, Any], name: str) -> int:
    """A number of something that there may be: as the store counts. Raises ValueError."""
    value = body.get(name)
    if type(value) is not int or not 0 <= value <= LAST:
        raise ValueError(f"`{name}` must be a number, 0 or more")
    return value


def flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be true or false")
    return value


def check_names(body: dict[str, Any], *known: str) -> None:
    """Raises ValueError for a name that would be ignored."""
    for name in body:
        if name not in known:
            raise ValueError(f"{name[:40]!r} is not known here; write {', '.join(known)}")
