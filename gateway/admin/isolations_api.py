"""Isolation by hand over the admin API, and breakers forced by hand.

    POST   /v1/isolations            {"target", "reason", "ttl": "30m", "actor", "keep_open": false}: 201
    GET    /v1/isolations            those in force; ?all=true&limit=50&before= all, the latest first
    GET    /v1/isolations/{id}       one, in force or ended
    DELETE /v1/isolations/{id}       release it; a body may say {"reason", "actor"}
    GET    /v1/reach                 ?target=: the share of the last minute's requests that isolating it would touch
    GET    /v1/breakers              those forced by hand; how each breaker is: /v1/status
    POST   /v1/breakers/{upstream}   {"state": "open" | "closed" | "auto", "reason", "ttl", "actor"}; auto lifts it

What is answered with 2xx is on the disk, and in force in every worker. Errors are problem documents that say what to
do: 400 not understood, 404 no such target or isolation, 409 no room for more, 415 not JSON, 503 and 507 not stored.
"""

from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies, paging
from gateway.admin.callers import who
from gateway.control.overrides import Moment, Overrides, now
from gateway.model import override as overrides
from gateway.model.override import BREAKER, ISOLATION, KEEP_OPEN, VALUES, Override
from gateway.model.quantities import parse_duration
from gateway.record.revision import utc_text
from gateway.record.store import NotStored

OVERRIDES = web.AppKey("overrides", Overrides)
AUTO = "auto"


async def _isolate(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "target", "reason", "ttl", "actor", "keep_open")
    by_hand, moment = request.app[OVERRIDES], now()
    made = by_hand.isolate(bodies.text(body, "target"), bodies.text(body, "reason"), who(request), moment,
                           ttl=_ttl(body), keep_open=bodies.flag(body, "keep_open"),
                           note=bodies.text(body, "actor", ""))
    return web.json_response(_shown(by_hand, made, moment, with_reach=True), status=201,
                             headers={"Location": f"/v1/isolations/{made.id}"})


async def _isolations(request: web.Request) -> web.Response:
    by_hand, moment = request.app[OVERRIDES], now()
    page, following = paging.page(request), None
    if request.query.get("all") == "true":
        listed = by_hand.past(ISOLATION, page.limit, page.before)
        following = page.following([each.id for each in listed])
    else:
        listed = by_hand.standing(ISOLATION, moment)
    return web.json_response({"isolations": [_shown(by_hand, each, moment) for each in listed], "next": following})


async def _isolation(request: web.Request) -> web.Response:
    by_hand, moment = request.app[OVERRIDES], now()
    found = by_hand.find(ISOLATION, _number(request))
    return web.json_response(_shown(by_hand, found, moment, with_reach=True))


async def _release(request: web.Request) -> web.Response:
    body = await bodies.if_any(request)
    bodies.check_names(body, "reason", "actor")
    by_hand, moment = request.app[OVERRIDES], now()
    ended = by_hand.release(ISOLATION, _number(request), who(request), moment, note=bodies.text(body, "actor", ""),
                            reason=bodies.text(body, "reason", ""))
    return web.json_response(_shown(by_hand, ended, moment))


async def _reach(request: web.Request) -> web.Response:
    by_hand, moment = request.app[OVERRIDES], now()
    target = by_hand.known(request.query.get("target", ""))
    return web.json_response({"target": str(target), "touches": by_hand.reach(str(target), moment).snapshot()})


async def _breakers(request: web.Request) -> web.Response:
    by_hand, moment = request.app[OVERRIDES], now()
    forced = by_hand.standing(BREAKER, moment)
    return web.json_response({"breakers": [_shown(by_hand, each, moment) for each in forced]})


async def _force(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "state", "reason", "ttl", "actor")
    by_hand, moment, upstream = request.app[OVERRIDES], now(), request.match_info["upstream"]
    state, note = bodies.text(body, "state"), bodies.text(body, "actor", "")
    if state == AUTO:
        lifted = by_hand.lift(upstream, who(request), moment, note=note, reason=bodies.text(body, "reason", ""))
        return web.json_response(_shown(by_hand, lifted, moment))
    if state not in VALUES[BREAKER]:
        raise ValueError("`state` must be open, closed or auto")
    made = by_hand.force(upstream, state, bodies.text(body, "reason"), who(request), moment, ttl=_ttl(body), note=note)
    return web.json_response(_shown(by_hand, made, moment, with_reach=True), status=201)


def by_hand(overrides: Overrides) -> dict[str, Any]:
    """For `/v1/status`: all that stands by hand, and why it cannot be told, if so."""
    moment = now()
    try:
        listed = [_shown(overrides, each, moment) for kind in VALUES for each in overrides.standing(kind, moment)]
    except NotStored as error:
        return {"fault": str(error), "standing": []}
    return {"fault": overrides.fault, "standing": listed}


def standing(overrides: Overrides) -> dict[str, Any]:
    """For `/v1/events`: the same without what changes by itself each second."""
    found = by_hand(overrides)
    for each in found["standing"]:
        del each["seconds_left"]
    return found


def _shown(by_hand: Overrides, each: Override, moment: Moment, with_reach: bool = False) -> dict[str, Any]:
    """`touches`: the share of the last minute's requests. `waiting`: the config has no such name at present."""
    value = {"keep_open": each.value == KEEP_OPEN} if each.kind == ISOLATION else {"state": each.value}
    ended = {"ended": each.ended, "ended_at": utc_text(each.ended_ns)} if each.ended else {}
    reach = {"touches": by_hand.reach(each.target, moment).snapshot()} if with_reach else {}
    return {
        "id": each.id, "kind": each.kind, "target": each.target, **value, "reason": each.reason, "who": each.who,
        "actor": each.note, "at": utc_text(each.at_ns), "expires": utc_text(each.expires_ns),
        "in_force": each.is_active(moment.utc), "seconds_left": round(each.left(moment.utc) / 1e9, 1),
        "waiting": each.id in by_hand.waiting, **ended, **reach,
    }


def _ttl(body: dict[str, Any]) -> int:
    try:
        return parse_duration(bodies.text(body, "ttl")) if body.get("ttl") is not None else overrides.TTL
    except ValueError as error:
        raise ValueError(f"ttl: {error}") from None


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])


ROUTES = [
    web.post("/v1/isolations", answers.answered(_isolate)),
    web.get("/v1/isolations", answers.answered(_isolations)),
    web.get(r"/v1/isolations/{number:[0-9]{1,18}}", answers.answered(_isolation)),
    web.delete(r"/v1/isolations/{number:[0-9]{1,18}}", answers.answered(_release)),
    web.get("/v1/reach", answers.answered(_reach)),
    web.get("/v1/breakers", answers.answered(_breakers)),
    web.post("/v1/breakers/{upstream}", answers.answered(_force)),
]
