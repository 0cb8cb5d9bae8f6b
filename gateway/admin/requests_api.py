"""Reviewing the flight recorder over the admin API.

    GET /v1/requests    ?route=&upstream=&endpoint=&status=5xx&method=&decision=&client=&path=PREFIX&request_id=
                        &fallback=true&since=5m | &since_ns= &before_ns= &limit=100

    GET /v1/requests/compare    ?since_ns=&until_ns=&before_since_ns=&before_until_ns=&slow=true

The newest first. `next` is the `before_ns` of the next page; `looked_at` says over which span, how large a share of the
requests is kept there, and whether all of it was searched. `compare` says where the failures are that the first span
has more than the second one (or, `slow`, what took longer than nearly all of that one did).
"""

import asyncio
import time
from typing import Any

from aiohttp import web

from gateway.admin import answers
from gateway.control import comparing_child
from gateway.control.comparing import Span
from gateway.control.flight_recorder import FlightRecorder
from gateway.model.quantities import parse_duration
from gateway.record import looking
from gateway.record.looking import Wanted
from gateway.record.revision import utc_text

RECORDER = web.AppKey("recorder", FlightRecorder)
TEXTS = ("route", "upstream", "endpoint", "status", "method", "decision", "client", "path", "request_id", "fallback")
NUMBERS = ("since_ns", "before_ns", "limit")
SPANS = ("since_ns", "until_ns", "before_since_ns", "before_until_ns")
LIMIT, LIMIT_MOST = 100, 1000


async def _requests(request: web.Request) -> web.Response:
    asked = dict(request.query)
    limit = max(1, min(int(asked.pop("limit", LIMIT)), LIMIT_MOST))
    wanted = _wanted(asked)
    recorder = request.app[RECORDER]
    recorder.turn(time.monotonic_ns())
    recorder.spool.flush(time.monotonic_ns())
    looked = await asyncio.to_thread(looking.look, recorder.spool.folder, wanted, limit)
    found = [each | {"at": utc_text(each["at_ns"])} for each in looked.found]
    following = found[-1]["at_ns"] if len(found) == limit else None
    return web.json_response({"requests": found, "next": following,
                              "looked_at": looked.snapshot() | {"recorder": recorder.spool.snapshot()}})


def _wanted(asked: dict[str, str]) -> Wanted:
    """Raises ValueError with what to write instead."""
    values: dict[str, Any] = {}
    if since := asked.pop("since", ""):
        values["since_ns"] = time.time_ns() - parse_duration(since)
    for name, value in asked.items():
        if name not in (*TEXTS, *NUMBERS):
            raise ValueError(f"{name[:40]!r} is not known here; write since, {', '.join((*TEXTS, *NUMBERS))}")
        values[name] = value if name in TEXTS else int(value)
    return Wanted(**values)


async def _compare(request: web.Request) -> web.Response:
    asked = dict(request.query)
    slow = asked.pop("slow", "") == "true"
    if sorted(asked) != sorted(SPANS):
        raise ValueError(f"write {', '.join(SPANS)}")
    since, until, since_before, until_before = (int(asked[name]) for name in SPANS)
    recorder = request.app[RECORDER]
    recorder.turn(time.monotonic_ns())
    recorder.spool.flush(time.monotonic_ns())
    found = await comparing_child.compared(recorder.spool.folder, Span(since, until), Span(since_before, until_before),
                                           slow)
    return web.json_response(found)


ROUTES = [web.get("/v1/requests", answers.answered(_requests)),
          web.get("/v1/requests/compare", answers.answered(_compare))]
