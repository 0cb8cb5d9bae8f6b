"""Faults that drills inject, over the admin API; only where the config says `drills: enabled`.

    POST   /v1/faults        {"kind", "route", "upstream", "endpoint", "client", "share", "delay", "status", "rate",
                             "for": "30s", "reason", "actor"}: 201
    GET    /v1/faults        those that stand, and whether drills are enabled
    DELETE /v1/faults/{id}   stop it; a body may say {"reason", "actor"}

400 not understood, 404 no such fault, route, upstream or endpoint, 409 drills are disabled or too many faults stand.
"""

import time
from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies
from gateway.admin.callers import noted
from gateway.control.injecting import Injector
from gateway.model import injection as injections
from gateway.model.injection import Injection, InjectionKind
from gateway.model.quantities import format_duration, format_share, parse_duration, parse_share

INJECTOR = web.AppKey("injector", Injector)
SCOPE = ("route", "upstream", "endpoint", "client")


async def _inject(request: web.Request) -> web.Response:
    body = await bodies.json_object(request)
    bodies.check_names(body, "kind", *SCOPE, "share", "delay", "status", "rate", "for", "reason", "actor")
    ttl = injections.check_ttl(_quantity(body, "for", parse_duration, injections.TTL))
    made = request.app[INJECTOR].inject(wanted(body), ttl, _reason(body), noted(request, body))
    return web.json_response(_shown(made), status=201, headers={"Location": f"/v1/faults/{made.id}"})


def wanted(body: dict[str, Any]) -> Injection:
    """Raises ValueError, with what to write instead."""
    kind = bodies.text(body, "kind")
    if kind not in set(InjectionKind):
        raise ValueError(f"`kind` must be one of {', '.join(InjectionKind)}")
    route, upstream, endpoint, client = (bodies.text(body, name, "") for name in SCOPE)
    usual = Injection(InjectionKind.DELAY, route="any")
    return Injection(InjectionKind(kind), route, upstream, endpoint, client,
                     share=_quantity(body, "share", parse_share, usual.share),
                     delay=_quantity(body, "delay", parse_duration, usual.delay),
                     status=_number(body, "status", usual.status), rate=_number(body, "rate", usual.rate))


async def _standing(request: web.Request) -> web.Response:
    return web.json_response(standing(request.app[INJECTOR]))


def standing(injector: Injector) -> dict[str, Any]:
    """What stands, also for `/v1/status`."""
    return {"enabled": injector.is_enabled, "faults": [_shown(each) for each in injector.standing()]}


async def _stop(request: web.Request) -> web.Response:
    body = await bodies.if_any(request)
    bodies.check_names(body, "reason", "actor")
    ended = request.app[INJECTOR].stop(int(request.match_info["number"]), noted(request, body),
                                       bodies.text(body, "reason", ""))
    return web.json_response(_shown(ended) | {"seconds_left": 0.0})


def _shown(each: Injection) -> dict[str, Any]:
    left = max(0, each.until - time.monotonic_ns())
    return {"id": each.id, "kind": each.kind.value, **each.scope, "share": format_share(each.share),
            "delay": format_duration(each.delay), "status": each.status, "rate": each.rate,
            "seconds_left": round(left / 1e9, 1), "words": str(each)}


def _reason(body: dict[str, Any]) -> str:
    reason = bodies.text(body, "reason")
    if not reason.strip():
        raise ValueError("`reason` must say why; whoever looks at it next must know")
    return reason


def _quantity(body: dict[str, Any], name: str, parse: Any, default: int) -> int:
    if name not in body:
        return default
    try:
        return int(parse(bodies.text(body, name)))
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from None


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if type(value) is not int:
        raise ValueError(f"`{name}` must be a whole number")
    return value


ROUTES = [
    web.post("/v1/faults", answers.answered(_inject)),
    web.get("/v1/faults", answers.answered(_standing)),
    web.delete(r"/v1/faults/{number:[0-9]{1,18}}", answers.answered(_stop)),
]
