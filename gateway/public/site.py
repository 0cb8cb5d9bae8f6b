"""What anybody may ask control: two answers on a Unix socket, to which the workers pass on what they let through.

    POST /report   that something looks wrong: feedback.py
    GET  /status   what is known about open incidents: status_document.py

Nothing of the admin API is here. Limits, the bound of a body and the answer while control is away are those of the
routes that lead here: config/compile_public.py. Who asks is what the worker says in X-Forwarded-For.
"""

import json
import time
from collections.abc import Callable

from aiohttp import web

from gateway.control.deliberation import Deliberation
from gateway.control.reloading import Reloader
from gateway.control.sensing import REPORTS_NS
from gateway.model.report import Report
from gateway.model.signal import SignalKind
from gateway.public import feedback, status_document
from gateway.record.store import NotStored
from gateway.routing.plan import Plan
from gateway.routing.router import Router

CORS = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
PREFLIGHT = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type",
             "Access-Control-Max-Age": "86400"}
FRESH_SECONDS = 5
BODY_MAX = 4096
UNKNOWN = "unknown"
"""What a worker calls the peer of a Unix socket."""
ClientOf = Callable[[str, bytes], str]


class PublicSite:
    """Mutable state: the status document of this second, the router of the plan it was made for, and what was said
    beyond what is kept."""

    def __init__(self, reloader: Reloader, deliberation: Deliberation, client_of: ClientOf, key: bytes) -> None:
        """`client_of`: from a peer and its X-Forwarded-For; `key`: of the hashes by which clients are told apart."""
        self._reloader = reloader
        self._deliberation = deliberation
        self._client_of = client_of
        self._key = key
        self._told: tuple[int, bytes] = (0, b"")
        self._routed: tuple[Plan, Router] | None = None

    def app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_MAX)
        app.add_routes([web.get("/status", self._status), web.post("/report", self._report),
                        web.options("/report", _preflight)])
        return app

    async def _status(self, request: web.Request) -> web.Response:
        headers = CORS | {"Cache-Control": f"public, max-age={FRESH_SECONDS}"}
        try:
            return web.Response(body=self._document(time.time_ns()), content_type="application/json", headers=headers)
        except NotStored:
            return _answer(503, status="unknown", words="this cannot be told at the moment")

    def _document(self, now: int) -> bytes:
        """Made once a second, however many ask. Raises NotStored."""
        second = now // 10**9
        if self._told[0] != second:
            behind = {each.name: each.upstream for each in self._reloader.active.plan.watched}
            told = status_document.document(self._deliberation.incidents.open_now(),
                                            self._reloader.store().maintenance(now), behind, now)
            self._told = second, json.dumps(told).encode()
        return self._told[1]

    async def _report(self, request: web.Request) -> web.Response:
        try:
            said = feedback.read(await request.read())
        except ValueError as error:
            return _answer(400, detail=str(error))
        route = self._route(said, request.headers.get("Host", ""))
        if not route:
            return _answer(404, detail="there is no such page here")
        try:
            self._keep(Report(SignalKind.COMMUNITY_REPORT, f"route:{route}", time.time_ns(), self._who(request),
                              said.words))
        except NotStored:
            return _answer(503, detail="this cannot be kept at the moment")
        return _answer(202, taken=True)

    def _route(self, said: feedback.Said, host: str) -> str:
        """The name of the user's route that such a request takes; headers that it may ask for are not known here."""
        plan = self._reloader.active.plan
        if self._routed is None or self._routed[0] is not plan:
            self._routed = plan, Router(plan.watched)
        index = self._routed[1].match(said.host or host, said.path, said.method, {})
        return plan.watched[index].name if index >= 0 else ""

    def _who(self, request: web.Request) -> str:
        """The worker itself added the last hop."""
        before, _, last = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")
        peer = last.strip().strip("[]").removeprefix(UNKNOWN)
        return feedback.person(self._client_of(peer, before.encode("latin-1", "replace")), self._key)

    def _keep(self, report: Report) -> None:
        """Raises NotStored. What was said already, or is too much, is answered alike: nobody can probe for it."""
        store = self._reloader.store()
        if feedback.is_new(report, store.reports(report.at_ns - REPORTS_NS)):
            store.add_report(report)


async def _preflight(request: web.Request) -> web.Response:
    return web.Response(status=204, headers=CORS | PREFLIGHT)


def _answer(code: int, **told: object) -> web.Response:
    return web.json_response(told, status=code, headers=CORS | {"Cache-Control": "no-store"})
