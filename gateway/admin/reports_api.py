"""Post-mortems over the admin API.

    GET   /v1/incidents/{id}/report         the record; ?format=md|html: as people read it
    PATCH /v1/incidents/{id}/report         {"summary", "lessons": {"well", "wrong", "lucky"}, "items": [...]}
    POST  /v1/incidents/{id}/report/sign    {"function"}: somebody of this function has reviewed it
    GET   /v1/action-items                  what is still to be done, of all incidents

The record's version is its ETag; a change that carries it as `If-Match` is refused with 412 where somebody else was
quicker. Items with an `id` are changed by the fields that are given, others are added. With enough signatures, and
nothing missing, the post-mortem is closed and its incident is reviewed.
"""

import contextlib
import time

from aiohttp import web

from gateway.admin import answers, bodies
from gateway.admin.callers import noted
from gateway.control.deliberation import Deliberation
from gateway.control.refused import Refused
from gateway.model.incident import IllegalTransition
from gateway.prevent import files, review, web_page
from gateway.prevent.post_mortem import CLOSED, Record

DELIBERATION = web.AppKey("deliberation", Deliberation)
MEDIA = {"md": "text/markdown", "html": "text/html"}
POLICY = (f"default-src 'none'; style-src '{web_page.STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")
"""The page's own style, by its hash, and nothing else."""


async def _report(request: web.Request) -> web.Response:
    record, form = _find(request), request.query.get("format", "json")
    if form not in files.FORMATS:
        raise ValueError(f"`format` must be {', '.join(files.FORMATS)}")
    if form == "json":
        return _shown(record)
    headers = {"Content-Security-Policy": POLICY} if form == "html" else {}
    return web.Response(text=files.text(record, form), content_type=MEDIA[form], charset="utf-8", headers=headers)


async def _edit(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "summary", "lessons", "items", "actor")
    edits = {name: value for name, value in body.items() if name != "actor"}
    if not edits:
        raise ValueError("nothing to change: give summary, lessons or items")
    _check_version(request, _find(request))
    try:
        return _shown(request.app[DELIBERATION].reporting.edit(_number(request), edits, noted(request, body),
                                                               time.time_ns()))
    except review.NotNow as error:
        raise Refused(409, str(error)) from None


async def _sign(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "function", "actor")
    _check_version(request, _find(request))
    now, by, of = time.time_ns(), noted(request, body), request.app[DELIBERATION]
    try:
        record = of.reporting.sign(_number(request), bodies.text(body, "function"), by, now)
    except review.NotNow as error:
        raise Refused(409, str(error)) from None
    if record["status"] == CLOSED:
        with contextlib.suppress(IllegalTransition):    # it was marked as reviewed by hand, or has relapsed
            of.incidents.review(_number(request), by, now)
    return _shown(record)


async def _items(request: web.Request) -> web.Response:
    return web.json_response({"items": request.app[DELIBERATION].reporting.open_items()})


def _find(request: web.Request) -> Record:
    try:
        return request.app[DELIBERATION].reporting.find(_number(request))
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None


def _number(request: web.Request) -> int:
    return int(request.match_info["id"])


def _check_version(request: web.Request, record: Record) -> None:
    given = request.headers.get("If-Match", "*").strip()
    if given not in ("*", f'"{record["version"]}"'):
        raise Refused(412, f"version {record['version']} of it is the latest, not {given[:20]}; look at what has "
                           "changed, then ask again")


def _shown(record: Record) -> web.Response:
    """`missing`: what stands between it and being closed."""
    left = review.missing(record) if record["status"] != CLOSED else []
    return web.json_response(record | {"missing": left}, headers={"ETag": f'"{record["version"]}"'})


ROUTES = [
    web.get("/v1/incidents/{id:[0-9]{1,18}}/report", answers.answered(_report)),
    web.patch("/v1/incidents/{id:[0-9]{1,18}}/report", answers.answered(_edit)),
    web.post("/v1/incidents/{id:[0-9]{1,18}}/report/sign", answers.answered(_sign)),
    web.get("/v1/action-items", answers.answered(_items)),
]
