"""The config over the admin API.

    GET  /v1/config             what is served: revision, drift, what was refused last
    POST /v1/config             {"documents": {name: text}, "actor", "reason"}: check and apply; `"probation": false`:
                                to all clients at once, and not watched
    POST /v1/config/diff        {"documents"}: what applying would change
    POST /v1/config/replay      {"documents", "since"}: what it would have decided differently about recorded requests
    POST /v1/config/rollback    {"to": number or null, "actor", "reason"}
    GET  /v1/revisions          ?limit=50&before=, the latest first, without texts
    GET  /v1/revisions/{number} one, with text and diff

The number of the revision that is served is the ETag of /v1/config; a change that carries it as `If-Match` is refused
with 412 where somebody else was quicker.
A config with mistakes is a 422 with each mistake's place under `problems`; the running plan is untouched.
"""

import asyncio
from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies, paging
from gateway.admin.callers import who
from gateway.config import differences, files
from gateway.control.reloading import Reloader
from gateway.control.replaying import Replaying
from gateway.model import override
from gateway.model.quantities import parse_duration
from gateway.model.safeguards import SECOND
from gateway.record.probations import ProbationRow
from gateway.record.revision import Revision

RELOADER = web.AppKey("reloader", Reloader)
REPLAYING = web.AppKey("replaying", Replaying)
ACTOR_MAX = 100


async def _config(request: web.Request) -> web.Response:
    return _tagged(request.app[RELOADER].status(), request.app[RELOADER].active.revision)


async def _apply(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "documents", "actor", "reason", "probation")
    watched = "probation" not in body or bodies.flag(body, "probation")
    return _shown(await request.app[RELOADER].apply_documents(
        _documents(body), who(request), _actor(body), _expected(request), _reason(body), watched))


async def _rollback(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "to", "actor", "reason")
    number = None if body.get("to") is None else bodies.number(body, "to")
    return _shown(await request.app[RELOADER].roll_back(number, who(request), _actor(body), _expected(request),
                                                        _reason(body)))


async def _diff(request: web.Request) -> web.Response:
    candidate = request.app[RELOADER].candidate(_documents(await bodies.json_object(request)))
    active = request.app[RELOADER].active
    return web.json_response({
        "revision": active.revision.number,
        "changes": differences.of_plans(active.plan, candidate.plan),
        "text": differences.of_texts(active.revision.text, candidate.text),
    })


async def _replay(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "documents", "since")
    since = parse_duration(bodies.text(body, "since", "1h")) // SECOND
    candidate = await asyncio.to_thread(request.app[RELOADER].candidate, _documents(body))
    return web.json_response(await request.app[REPLAYING].replay(request.app[RELOADER].active.plan, candidate.plan,
                                                                 since))


async def _log(request: web.Request) -> web.Response:
    page = paging.page(request)
    store = request.app[RELOADER].store()
    listed = store.revisions(page.limit, page.before)
    numbers = [revision.number for revision, _ in listed]
    probations = store.probations(min(numbers, default=0), max(numbers, default=0))
    return web.json_response({"revisions": [revision.brief() | {"state": state, "probation": _of(revision, probations)}
                                            for revision, state in listed],
                              "next": page.following([revision.number for revision, _ in listed])})


async def _show(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    found = request.app[RELOADER].store().revision(number)
    if found is None:
        return answers.problem(404, "Not Found", f"there is no revision {number}")
    return web.json_response(found.brief() | {"text": found.text, "diff": found.diff})


def _of(revision: Revision, probations: dict[int, ProbationRow]) -> dict[str, Any] | None:
    """How it was watched; None: it was not."""
    row = probations.get(revision.number)
    return row.brief() if row else None


def _shown(revision: Revision) -> web.Response:
    return _tagged(revision.brief() | {"diff": revision.diff}, revision)


def _tagged(document: dict[str, Any], served: Revision) -> web.Response:
    return web.json_response(document, headers={"ETag": f'"{served.number}"'})


def _expected(request: web.Request) -> int | None:
    """The revision that the caller has seen, of `If-Match`; None where any will do. Raises ValueError."""
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    number = text.removeprefix('"').removesuffix('"')
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise ValueError('`If-Match` must be the ETag of /v1/config, such as "7"')
    return int(number)


def _documents(body: dict[str, Any]) -> files.Documents:
    sent = body.get("documents")
    if not isinstance(sent, dict) or not sent or not all(isinstance(text, str) for text in sent.values()):
        raise ValueError("`documents` must be an object of texts by file name")
    return {name: text.encode() for name, text in sent.items()}


def _actor(body: dict[str, Any]) -> str:
    """A note only: who may do this was decided before."""
    return str(body.get("actor", ""))[:ACTOR_MAX]


def _reason(body: dict[str, Any]) -> str:
    return override.one_line(bodies.text(body, "reason", ""))[:override.REASON_MAX]


ROUTES = [
    web.get("/v1/config", answers.answered(_config)),
    web.post("/v1/config", answers.answered(_apply)),
    web.post("/v1/config/diff", answers.answered(_diff)),
    web.post("/v1/config/replay", answers.answered(_replay)),
    web.post("/v1/config/rollback", answers.answered(_rollback)),
    web.get("/v1/revisions", answers.answered(_log)),
    web.get(r"/v1/revisions/{number:[0-9]{1,18}}", answers.answered(_show)),
]
