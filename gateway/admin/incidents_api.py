"""Incidents over the admin API, and what people say.

    GET  /v1/incidents                  those that are open; ?all=true&limit=50&before= all, the latest first
    GET  /v1/incidents/{id}             one, with its timeline
    POST /v1/incidents/{id}/ack         somebody has seen it: repeated alerts end
    POST /v1/incidents/{id}/assign      {"to"}
    POST /v1/incidents/{id}/comment     {"words"}
    POST /v1/incidents/{id}/merge       {"into": id}
    POST /v1/incidents/{id}/split       {"targets": [...]}: these go on as an incident of their own
    POST /v1/incidents/{id}/resolve     {"words"}
    POST /v1/incidents/{id}/reopen      {"words"}
    POST /v1/incidents/{id}/review      the post-mortem is done
    GET  /v1/clients                    who sends the most, of the last minute
    GET  /v1/signals                    what is wrong at the moment; what detection sees of each route, and what not
    POST /v1/reports                    {"target", "words", "kind": "operator report" | "log review"}
    GET  /v1/reports                    what people said in the last day
    POST /v1/deploys                    {"words", "version", "scope": {"upstream": …}}
    GET  /v1/deploys                    of the last day
    POST /v1/maintenance                {"target", "reason", "ttl"}: nothing is opened for it meanwhile
    GET  /v1/maintenance                what goes on;  DELETE /v1/maintenance/{id} ends it; a body may say {"reason"}

What is answered with 2xx is on the disk. 400 not understood, 404 no such incident, 409 not in its present state.
"""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.admin import actions_api, answers, bodies, paging
from gateway.admin.callers import noted, who
from gateway.admin.config_api import RELOADER
from gateway.control.deliberation import Deliberation
from gateway.control.refused import Refused
from gateway.model import override
from gateway.model import target as targets
from gateway.model.change import Change, ChangeKind
from gateway.model.incident import Entry, IllegalTransition, Incident
from gateway.model.quantities import format_duration, parse_duration
from gateway.model.report import WORDS_MAX, Maintenance, Report
from gateway.model.signal import GATEWAY, REPORTS, Signal, SignalKind
from gateway.record.revision import utc_text
from gateway.record.store import NotStored

DELIBERATION = web.AppKey("deliberation", Deliberation)
DAY_NS = 86_400 * 10**9
TTL_MOST = 7 * DAY_NS
SCOPES = ("route", "upstream", "endpoint", "version")
Deed = Callable[[Deliberation, int, str, dict[str, Any], int], Incident]


def _acknowledge(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.acknowledge(number, by, now)


def _assign(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.assign(number, by, bodies.text(body, "to"), now)


def _comment(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.comment(number, by, bodies.text(body, "words"), now)


def _merge(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.merge(number, bodies.number(body, "into"), by, now)


def _split(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    wanted = body.get("targets")
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise ValueError("`targets` must be a list of texts")
    return of.incidents.split(number, wanted, by, now)


def _resolve(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.resolve(number, by, bodies.text(body, "words"), now)


def _reopen(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.reopen(number, by, bodies.text(body, "words"), now)


def _review(of: Deliberation, number: int, by: str, body: dict[str, Any], now: int) -> Incident:
    return of.incidents.review(number, by, now)


DEEDS: dict[str, tuple[Deed, tuple[str, ...]]] = {
    "ack": (_acknowledge, ()), "assign": (_assign, ("to",)), "comment": (_comment, ("words",)),
    "merge": (_merge, ("into",)), "split": (_split, ("targets",)), "resolve": (_resolve, ("words",)),
    "reopen": (_reopen, ("words",)), "review": (_review, ()),
}
"""What can be done to an incident -> how, and the names that its body may have."""


async def _do(name: str, request: web.Request) -> web.Response:
    deed, names = DEEDS[name]
    body = await bodies.if_any(request)
    bodies.check_names(body, *names, "actor")
    try:
        done = deed(request.app[DELIBERATION], int(request.match_info["id"]), noted(request, body), body,
                    time.time_ns())
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None
    except IllegalTransition as error:
        raise Refused(409, str(error)) from None
    return web.json_response(shown(done))


async def _incidents(request: web.Request) -> web.Response:
    page, following = paging.page(request), None
    if request.query.get("all") == "true":
        listed = request.app[RELOADER].store().incidents(page.limit, page.before)
        following = page.following([each.id for each in listed])
    else:
        listed = request.app[DELIBERATION].incidents.open_now()
    return web.json_response({"incidents": [shown(each) for each in listed], "next": following})


async def _incident(request: web.Request) -> web.Response:
    number = int(request.match_info["id"])
    try:
        found = request.app[DELIBERATION].incidents.find(number)
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None
    lines = request.app[RELOADER].store().timeline(number)
    return web.json_response(shown(found) | {
        "signals": [_signal(each) for each in found.signals], "finding": found.finding,
        "actions": [actions_api.shown(each) for each in request.app[DELIBERATION].responder.of(number)],
        "timeline": [_line(each) for each in lines]})


async def _signals(request: web.Request) -> web.Response:
    of = request.app[DELIBERATION]
    return web.json_response({"signals": [_signal(each) for each in of.incidents.signals],
                              "detection": of.routes.status()})


async def _clients(request: web.Request) -> web.Response:
    return web.json_response({"clients": request.app[DELIBERATION].clients.snapshot()})


async def _report(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "target", "words", "kind", "actor")
    kind = bodies.text(body, "kind", SignalKind.OPERATOR_REPORT.value)
    allowed = sorted(REPORTS - {SignalKind.COMMUNITY_REPORT})
    if kind not in allowed:
        raise ValueError(f"`kind` must be {' or '.join(allowed)}")
    said = Report(SignalKind(kind), _target(bodies.text(body, "target")), time.time_ns(), who(request),
                  override.one_line(bodies.text(body, "words", ""))[:WORDS_MAX])
    request.app[RELOADER].store().add_report(said)
    return web.json_response({"target": said.target, "kind": said.kind, "at": utc_text(said.at_ns)}, status=201)


async def _reports(request: web.Request) -> web.Response:
    said = request.app[RELOADER].store().reports(time.time_ns() - DAY_NS)
    return web.json_response({"reports": [
        {"target": each.target, "kind": each.kind, "at": utc_text(each.at_ns), "who": each.who, "words": each.words}
        for each in said]})


async def _deploy(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "words", "version", "scope", "actor")
    scope = body.get("scope", {})
    if not isinstance(scope, dict) or not all(name in SCOPES and isinstance(scope[name], str) for name in scope):
        raise ValueError(f"`scope` must be an object of {', '.join(SCOPES)}")
    change = Change(ChangeKind.DEPLOY, time.time_ns(), override.one_line(bodies.text(body, "words"))[:WORDS_MAX],
                    tuple(sorted(scope.items())), bodies.text(body, "version", "")[:100])
    request.app[RELOADER].store().add_change(change, noted(request, body))
    return web.json_response(_change(change), status=201)


async def _deploys(request: web.Request) -> web.Response:
    now = time.time_ns()
    return web.json_response({"deploys": [_change(each) for each in
                                          request.app[RELOADER].store().changes(now - DAY_NS, now)]})


async def _maintain(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "target", "reason", "ttl", "actor")
    ttl, now = parse_duration(bodies.text(body, "ttl", "1h")), time.time_ns()
    if not 0 < ttl <= TTL_MOST:
        raise ValueError(f"ttl must be at most {format_duration(TTL_MOST)}; what does not end belongs into the config")
    reason = override.one_line(bodies.text(body, "reason"))[:WORDS_MAX]
    if not reason:
        raise ValueError("`reason` is empty; whoever looks at it next must know why")
    begun = request.app[RELOADER].store().add_maintenance(
        Maintenance(_target(bodies.text(body, "target")), reason, noted(request, body), now, now + ttl))
    return web.json_response(_window(begun), status=201)


async def _maintenance(request: web.Request) -> web.Response:
    going_on = request.app[RELOADER].store().maintenance(time.time_ns())
    return web.json_response({"maintenance": [_window(each) for each in going_on]})


async def _end_maintenance(request: web.Request) -> web.Response:
    body, number = await bodies.if_any(request), int(request.match_info["id"])
    bodies.check_names(body, "reason", "actor")
    why = override.one_line(bodies.text(body, "reason", ""))[:WORDS_MAX]
    if not request.app[RELOADER].store().end_maintenance(number, time.time_ns(), noted(request, body), why):
        raise Refused(404, f"maintenance {number} does not go on")
    return web.json_response({"id": number, "ended": True})


def open_now(deliberation: Deliberation) -> list[dict[str, Any]]:
    """For `/v1/status`, which is answered also where the store cannot be read."""
    try:
        return [shown(each) for each in deliberation.incidents.open_now()]
    except NotStored:
        return []


def shown(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id, "title": incident.title, "state": incident.state, "severity": incident.severity.word,
        "fault": incident.fault, "scope": list(incident.scope), "onset": utc_text(incident.onset_ns),
        "opened": utc_text(incident.opened_ns), "cause": str(incident.finding.get("words", "")),
        "times": {name: utc_text(at) for name, at in incident.times.items()}, "relapses": incident.relapses,
        "acknowledged_by": incident.acknowledged_by, "assignee": incident.assignee,
        "merged_into": incident.merged_into or None, "more_signals": incident.more_signals,
    }


def _line(entry: Entry) -> dict[str, Any]:
    return {"at": utc_text(entry.at_ns), "who": entry.who, "kind": entry.kind, "words": entry.words}


def _signal(signal: Signal) -> dict[str, Any]:
    told = dataclasses.asdict(signal)
    return {name: told[name] for name in ("kind", "target", "observed", "threshold", "statistic", "reference")} | {
        "at": utc_text(signal.at_ns), "onset": utc_text(signal.onset_ns)}


def _change(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "at": utc_text(change.at_ns), "words": change.words, "scope": dict(change.scope),
            "reference": change.reference}


def _window(window: Maintenance) -> dict[str, Any]:
    return {"id": window.id, "target": window.target, "reason": window.reason, "who": window.who,
            "at": utc_text(window.at_ns), "expires": utc_text(window.expires_ns)}


def _target(text: str) -> str:
    return text if text == GATEWAY else str(targets.parse(text))


ROUTES = [
    web.get("/v1/incidents", answers.answered(_incidents)),
    web.get("/v1/incidents/{id:[0-9]{1,18}}", answers.answered(_incident)),
    *(web.post(f"/v1/incidents/{{id:[0-9]{{1,18}}}}/{name}", answers.answered(functools.partial(_do, name)))
      for name in DEEDS),
    web.get("/v1/signals", answers.answered(_signals)),
    web.get("/v1/clients", answers.answered(_clients)),
    web.post("/v1/reports", answers.answered(_report)),
    web.get("/v1/reports", answers.answered(_reports)),
    web.post("/v1/deploys", answers.answered(_deploy)),
    web.get("/v1/deploys", answers.answered(_deploys)),
    web.post("/v1/maintenance", answers.answered(_maintain)),
    web.get("/v1/maintenance", answers.answered(_maintenance)),
    web.delete("/v1/maintenance/{id:[0-9]{1,18}}", answers.answered(_end_maintenance)),
]
