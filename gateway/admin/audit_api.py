"""The audit over the admin API.

    GET /v1/audit           ?limit=50&before=: the latest entries, the latest first
    GET /v1/audit/verify    is the chain of hashes whole?
"""

import json
from typing import Any

from aiohttp import web

from gateway.admin import answers, paging
from gateway.admin.config_api import RELOADER
from gateway.record.audit import GENESIS, Entry
from gateway.record.revision import utc_text


async def _entries(request: web.Request) -> web.Response:
    page = paging.page(request)
    found = request.app[RELOADER].store().audit(page.limit, page.before)
    return web.json_response({"entries": [_shown(each) for each in found],
                              "next": page.following([each.number for each in found])})


async def _verify(request: web.Request) -> web.Response:
    store = request.app[RELOADER].store()
    broken, last = store.verify(), store.audit(1)
    return web.json_response({"whole": broken is None, "first_broken": broken,
                              "entries": last[0].number if last else 0,
                              "last_hash": last[0].hash if last else GENESIS})


def _shown(entry: Entry) -> dict[str, Any]:
    return {"number": entry.number, "at": utc_text(entry.at_ns), "who": entry.who, "what": entry.what,
            "target": entry.target, "detail": json.loads(entry.detail), "hash": entry.hash}


ROUTES = [
    web.get("/v1/audit", answers.answered(_entries)),
    web.get("/v1/audit/verify", answers.answered(_verify)),
]
