"""What is public -> routes of the gateway's own, to a Unix socket that control serves: `gateway.public.site`.

So the data plane needs to know nothing of it: limits, the bound of a body, time-outs and the answer while control is
away are the safeguards that every route may have. Names begin with `~`, which no name of a user can.
"""

import dataclasses
import json

from gateway.config.settings import Gateway
from gateway.routing import plan

SOCKET = "public.sock"
PUBLIC = plan.OWN + "public"
REPORT, STATUS = plan.OWN + "report", plan.OWN + "status"
REPORT_BYTES = 4096
AT_A_TIME = 32
"""Requests that control is given at once: it has more to do."""
AWAY = json.dumps({"status": "unknown", "words": "this cannot be told at the moment", "incidents": []})
HEADERS = (("content-type", "application/json"), ("cache-control", "no-store"), ("access-control-allow-origin", "*"))
FALLBACK = plan.Fallback("respond", status=503, headers=HEADERS, body=AWAY)
MINUTE = 60 * plan.SECOND


def socket_path(state_dir: str) -> str:
    return f"{state_dir.rstrip('/')}/{SOCKET}"


def in_its_folder(found: plan.Plan) -> plan.Plan:
    """With the socket where the plan's state folder is now."""
    here = (plan.Endpoint(f"unix:{socket_path(found.state_dir)}"),)
    return dataclasses.replace(found, upstreams=tuple(
        dataclasses.replace(each, endpoints=here) if each.name == PUBLIC else each for each in found.upstreams))


def upstreams(settings: Gateway) -> tuple[plan.Upstream, ...]:
    if not settings.feedback.path and not settings.status.path:
        return ()
    return (plan.Upstream(
        PUBLIC, (plan.Endpoint(f"unix:{socket_path(settings.state.dir)}"),),
        timeouts=plan.UpstreamTimeouts(plan.SECOND // 2, 2 * plan.SECOND, 2 * plan.SECOND),
        concurrency=plan.Concurrency(AT_A_TIME, mode="enforce")),)


def routes(settings: Gateway) -> tuple[plan.Route, ...]:
    """On every host: those that a user's routes name have a place of their own in the router."""
    hosts = tuple(dict.fromkeys(host for route in settings.routes for host in route.match.host))
    hosts = (plan.ANY_HOST, *hosts) if hosts else ()
    found = []
    if settings.feedback.path:
        limits = (plan.Limit("per-client", "client", 6, MINUTE, 6), plan.Limit("all", "route", 20, burst=40))
        match = plan.Match(settings.feedback.path, hosts, ("OPTIONS", "POST"))
        found.append(_route(REPORT, match, limits, REPORT_BYTES))
    if settings.status.path:
        limits = (plan.Limit("per-client", "client", 5, burst=20), plan.Limit("all", "route", 200, burst=400))
        found.append(_route(STATUS, plan.Match(settings.status.path, hosts, ("GET",)), limits, 1))
    return tuple(found)


def _route(name: str, match: plan.Match, limits: tuple[plan.Limit, ...], max_body: int) -> plan.Route:
    return plan.Route(name, match, PUBLIC, rewrite=f"/{name.removeprefix(plan.OWN)}", timeout=5 * plan.SECOND,
                      max_body=max_body, limits=limits, fallback=(FALLBACK,), false_alarms=0)
