"""Drills that were run, over the admin API: `gateway drill` conducts them, and leaves here what it saw.

    POST /v1/drills          {"scenario", "about", "place", "incident", "fault", "expected_fault", "checks", "traffic",
                             "passed"}: 201
    GET  /v1/drills          the latest first; ?limit=50&before=

The faults of a drill: faults_api.py.
"""

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies, paging
from gateway.admin.callers import noted
from gateway.record.revision import utc_text
from gateway.record.store import Store

STORE: web.AppKey[Callable[[], Store]] = web.AppKey("store-of-drills")
CHECKS_MOST = 20
TEXT_MOST = 500
FIELDS = ("scenario", "about", "place", "incident", "fault", "expected_fault", "checks", "traffic", "passed")


async def _add(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, *FIELDS, "actor")
    run, now = checked(body), time.time_ns()
    by = noted(request, body)
    number = request.app[STORE]().add_drill(run, now, by)
    return web.json_response({"id": number, "at": utc_text(now), "who": by, **run}, status=201,
                             headers={"Location": "/v1/drills"})


def checked(body: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError where it is no run of a drill."""
    texts = {name: bodies.text(body, name, "" if name != "scenario" else None)[:TEXT_MOST]
             for name in ("scenario", "about", "place", "fault", "expected_fault")}
    incident, given = body.get("incident"), body.get("checks", [])
    if incident is not None and type(incident) is not int:
        raise ValueError("`incident` must be a number or null")
    if not isinstance(given, list) or len(given) > CHECKS_MOST:
        raise ValueError(f"`checks` must be a list of at most {CHECKS_MOST}")
    traffic = body.get("traffic", {})
    if not isinstance(traffic, dict) or any(type(each) is not int for each in traffic.values()) or len(traffic) > 8:
        raise ValueError("`traffic` must be an object of counts")
    return {**texts, "incident": incident, "checks": [_check(each) for each in given], "traffic": traffic,
            "passed": bodies.flag(body, "passed")}


def _check(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError("a check is an object")
    bodies.check_names(given, "step", "seconds", "limit", "passed")
    times = {name: given.get(name) for name in ("seconds", "limit")}
    if any(each is not None and type(each) not in (int, float) for each in times.values()):
        raise ValueError("`seconds` and `limit` must be numbers or null")
    return {"step": bodies.text(given, "step")[:TEXT_MOST], **times, "passed": bodies.flag(given, "passed")}


async def _list(request: web.Request) -> web.Response:
    page = paging.page(request)
    found = request.app[STORE]().drills(page.limit, page.before)
    shown = [{"at": utc_text(each.pop("at_ns")), **each} for each in found]
    return web.json_response({"drills": shown, "next": page.following([each["id"] for each in shown])})


ROUTES = [
    web.post("/v1/drills", answers.answered(_add)),
    web.get("/v1/drills", answers.answered(_list)),
]
