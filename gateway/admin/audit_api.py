"""The audit over the admin API.

    GET /v1/audit           ?limit=50&before=: the latest entries, the latest first
    GET /v1/audit/verify    ?noted=HASH: is the chain of hashes whole, and does it go through that one?

The chain is followed in a thread: it is as long as the gateway's life.
"""

import asyncio
import dataclasses
import json
import re
from typing import Any

from aiohttp import web

from gateway.admin import answers, paging
from gateway.admin.config_api import RELOADER
from gateway.record.audit import Entry
from gateway.record.revision import utc_text
from gateway.record.store import verified

HASH = re.compile("[0-9a-f]{64}")


async def _entries(request: web.Request) -> web.Response:
    page = paging.page(request)
    found = request.app[RELOADER].store().audit(page.limit, page.before)
    return web.json_response({"entries": [_shown(each) for each in found],
                              "next": page.following([each.number for each in found])})


async def _verify(request: web.Request) -> web.Response:
    noted = request.query.get("noted", "")
    if noted and not HASH.fullmatch(noted):
        raise ValueError("`noted` must be a hash that `gateway audit verify` has shown: 64 hexadecimal digits")
    verdict = await asyncio.to_thread(verified, request.app[RELOADER].store().path, noted)
    return web.json_response({"whole": verdict.is_sound, **dataclasses.asdict(verdict)})


def _shown(entry: Entry) -> dict[str, Any]:
    return {"number": entry.number, "at": utc_text(entry.at_ns), "who": entry.who, "what": entry.what,
            "target": entry.target, "detail": json.loads(entry.detail), "hash": entry.hash}


ROUTES = [
    web.get("/v1/audit", answers.answered(_entries)),
    web.get("/v1/audit/verify", answers.answered(_verify)),
]
