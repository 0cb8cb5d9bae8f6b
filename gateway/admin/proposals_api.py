"""What would keep an incident from coming back, over the admin API; people decide.

    GET  /v1/incidents/{id}/proposals
    POST /v1/incidents/{id}/proposals/{proposal}/accept     {"reason"}: it is written beside the config, or applied
    POST /v1/incidents/{id}/proposals/{proposal}/decline    {"reason"}: needed

What is answered with 2xx is on the disk and in force. 404 no such proposal, 409 decided already or the config has moved
on, 422 the rules or the loader refuse it. Accepting takes an admin, as it changes what is served or may be served.
"""

import time
from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies
from gateway.admin.callers import noted
from gateway.admin.config_api import RELOADER
from gateway.control.deliberation import Deliberation
from gateway.control.refused import Refused
from gateway.control.reporting import affected
from gateway.model.incident import Incident
from gateway.model.proposal import Proposal
from gateway.record.revision import utc_text

DELIBERATION = web.AppKey("deliberation", Deliberation)


async def _proposals(request: web.Request) -> web.Response:
    incident = _incident(request)
    return web.json_response({"proposals": [shown(each) for each in
                                            request.app[DELIBERATION].deciding.of(incident.id)]})


async def _accept(request: web.Request) -> web.Response:
    incident, by, reason = _who(request, await bodies.if_any(request))
    routes = [name for name, _ in affected(incident, request.app[RELOADER].active.plan)]
    try:
        done = await request.app[DELIBERATION].deciding.accept(incident.id, _number(request), by, reason,
                                                               time.time_ns(), routes)
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None
    return _told(request, done.proposal, by, done.done)


async def _decline(request: web.Request) -> web.Response:
    incident, by, reason = _who(request, await bodies.json_object(request))
    try:
        done = request.app[DELIBERATION].deciding.decline(incident.id, _number(request), by, reason, time.time_ns())
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None
    return _told(request, done, by)


def _told(request: web.Request, done: Proposal, by: str, words: str = "") -> web.Response:
    """It is in the timeline too; `words`: what was written where, and what is left to do."""
    because = f": {done.reason}" if done.reason else ""
    request.app[DELIBERATION].incidents.comment(done.incident, by, f"{done.state} proposal {done.id}, {done}{because}",
                                                time.time_ns())
    return web.json_response(shown(done) | {"done": words})


def _incident(request: web.Request) -> Incident:
    try:
        return request.app[DELIBERATION].incidents.find(int(request.match_info["id"]))
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None


def _number(request: web.Request) -> int:
    return int(request.match_info["proposal"])


def _who(request: web.Request, body: dict[str, Any]) -> tuple[Incident, str, str]:
    bodies.check_names(body, "reason", "actor")
    return _incident(request), noted(request, body), bodies.text(body, "reason", "")


def shown(each: Proposal) -> dict[str, Any]:
    """`body`: the file that it becomes, or the config as it would be."""
    return {"id": each.id, "incident": each.incident, "kind": each.kind, "state": each.state, "title": each.title,
            "why": each.why, "name": each.name, "body": each.body, "diff": each.diff, "proof": list(each.proof),
            "replay": list(each.replay), "revision": each.base, "at": utc_text(each.at_ns), "who": each.who,
            "reason": each.reason, "decided": utc_text(each.decided_ns) if each.decided_ns else None}


ROUTES = [
    web.get("/v1/incidents/{id:[0-9]{1,18}}/proposals", answers.answered(_proposals)),
    web.post("/v1/incidents/{id:[0-9]{1,18}}/proposals/{proposal:[0-9]{1,18}}/accept", answers.answered(_accept)),
    web.post("/v1/incidents/{id:[0-9]{1,18}}/proposals/{proposal:[0-9]{1,18}}/decline", answers.answered(_decline)),
]
