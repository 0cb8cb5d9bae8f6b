"""The config over the admin API.

    GET  /v1/config             what is served: revision, drift, what was refused last
    POST /v1/config             {"documents": {name: text}, "actor"}: check and apply
    POST /v1/config/diff        {"documents"}: what applying would change
    POST /v1/config/rollback    {"to": number or null, "actor"}
    GET  /v1/revisions          ?limit=50, the latest first, without texts
    GET  /v1/revisions/{number} one, with text and diff

A config with mistakes is a 422 with each mistake's place under `problems`; the running plan is untouched.
"""

from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies
from gateway.admin.callers import who
from gateway.config import differences, files, revisions
from gateway.control.reloading import Reloader
from gateway.record.revision import Revision

RELOADER = web.AppKey("reloader", Reloader)
ACTOR_MAX = 100


async def _config(request: web.Request) -> web.Response:
    return web.json_response(request.app[RELOADER].status())


async def _apply(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    return _shown(await request.app[RELOADER].apply_documents(_documents(body), who(request), _actor(body)))


async def _rollback(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    number = body.get("to")
    if number is not None and type(number) is not int:
        raise ValueError("`to` must be the number of a revision, or null")
    return _shown(await request.app[RELOADER].roll_back(number, who(request), _actor(body)))


async def _diff(request: web.Request) -> web.Response:
    candidate = revisions.from_documents(_documents(await bodies.json_object(request)))
    active = request.app[RELOADER].active
    return web.json_response({
        "revision": active.revision.number,
        "changes": differences.of_plans(active.plan, candidate.plan),
        "text": differences.of_texts(active.revision.text, candidate.text),
    })


async def _log(request: web.Request) -> web.Response:
    limit = int(request.query.get("limit", "50"))
    listed = request.app[RELOADER].store().revisions(max(1, min(limit, 1000)))
    return web.json_response({"revisions": [revision.brief() | {"state": state} for revision, state in listed]})


async def _show(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    found = request.app[RELOADER].store().revision(number)
    if found is None:
        return answers.problem(404, "Not Found", f"there is no revision {number}")
    return web.json_response(found.brief() | {"text": found.text, "diff": found.diff})


def _shown(revision: Revision) -> web.Response:
    return web.json_response(revision.brief() | {"diff": revision.diff})


def _documents(body: dict[str, Any]) -> files.Documents:
    sent = body.get("documents")
    if not isinstance(sent, dict) or not sent or not all(isinstance(text, str) for text in sent.values()):
        raise ValueError("`documents` must be an object of texts by file name")
    return {name: text.encode() for name, text in sent.items()}


def _actor(body: dict[str, Any]) -> str:
    """A note only: who may do this was decided before."""
    return str(body.get("actor", ""))[:ACTOR_MAX]


ROUTES = [
    web.get("/v1/config", answers.answered(_config)),
    web.post("/v1/config", answers.answered(_apply)),
    web.post("/v1/config/diff", answers.answered(_diff)),
    web.post("/v1/config/rollback", answers.answered(_rollback)),
    web.get("/v1/revisions", answers.answered(_log)),
    web.get("/v1/revisions/{number}", answers.answered(_show)),
]
