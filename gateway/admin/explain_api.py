"""Why a request is answered as it is, over the admin API.

    GET /v1/explain                 ?path=/orders&method=GET&host=&client=192.0.2.7&header=x-beta: 1
    GET /v1/explain/{request_id}    what was recorded of that request, and how the same one would be decided now

`reevaluated` is always true: what the safeguards say is how they are at this moment, under the config that is served
now; what was decided then is under `record`, and says itself under which revision.
"""

import asyncio
import re
import time
from typing import Any

from aiohttp import web

from gateway.admin import answers
from gateway.admin.config_api import RELOADER
from gateway.admin.explaining import Explainer, Question
from gateway.admin.isolations_api import OVERRIDES
from gateway.admin.requests_api import RECORDER
from gateway.board import Board
from gateway.control.overrides import now
from gateway.control.refused import Refused
from gateway.model.override import ISOLATION
from gateway.record import looking
from gateway.record.looking import Wanted
from gateway.record.revision import utc_text

BOARD = web.AppKey("board of explanations", Board)
HEADERS_MOST = 20
REQUEST_ID = re.compile("[0-9a-f]{32}")


async def _explain(request: web.Request) -> web.Response:
    return web.json_response(_answer(request.app, _question(request), None))


async def _of_record(request: web.Request) -> web.Response:
    number = request.match_info["request_id"].replace("-", "").lower()
    if not REQUEST_ID.fullmatch(number):
        raise Refused(404, f"{number[:40]!r} is no request id, 32 hex digits; `gateway requests` shows them")
    recorder = request.app[RECORDER]
    recorder.turn(time.monotonic_ns())
    recorder.spool.flush(time.monotonic_ns())
    wanted = Wanted(request_id=number)
    looked = await asyncio.to_thread(looking.look, recorder.spool.folder, wanted, 1)
    if not looked.found:
        raise Refused(404, "there is no record of this request: it may have been sampled out or overwritten; what was "
                           "refused or failed is kept")
    found = looked.found[0]
    asked = Question(found["method"], found["path"].removesuffix("…"), found["host"], found["client"])
    return web.json_response(_answer(request.app, asked, found | {"at": utc_text(found["at_ns"])}))


def _question(request: web.Request) -> Question:
    query = request.query
    for name in query:
        if name not in ("method", "host", "path", "client", "header"):
            raise ValueError(f"{name[:40]!r} is not known here; write path, method, host, client or header")
    path = query.get("path", "")
    if not path.startswith("/"):
        raise ValueError("`path` must begin with /")
    headers = query.getall("header", [])
    if len(headers) > HEADERS_MOST:
        raise ValueError(f"at most {HEADERS_MOST} headers")
    return Question(query.get("method", "GET").upper(), path.partition("?")[0], query.get("host", ""),
                    query.get("client", ""), dict(map(_header, headers)))


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"{text[:40]!r} is no header; write NAME: VALUE")
    return name.strip().lower(), value.strip()


def _answer(app: web.Application, asked: Question, record: dict[str, Any] | None) -> dict[str, Any]:
    active = app[RELOADER].active
    explainer = Explainer(app[BOARD], active.plan, active.revision.text, app[OVERRIDES].standing(ISOLATION, now()))
    return {"reevaluated": True, "at": utc_text(time.time_ns()), "revision": active.revision.number,
            "request": asked.snapshot(), "record": record, **explainer.explain(asked, time.monotonic_ns())}


ROUTES = [
    web.get("/v1/explain", answers.answered(_explain)),
    web.get("/v1/explain/{request_id}", answers.answered(_of_record)),
]
