"""Routes and upstreams as the plan has them, with the state of every safeguard and why.

    GET /v1/targets
"""

import collections
import time
from typing import Any

from aiohttp import web

from gateway.admin import answers, safeguards
from gateway.admin.config_api import RELOADER
from gateway.board import Board
from gateway.model.safeguards import PRIORITIES
from gateway.routing.plan import Plan, Route, Upstream

BOARD = web.AppKey("board of targets", Board)
Items = dict[str, list[safeguards.Item]]
PRIORITY_WORDS = {number: word for word, number in PRIORITIES.items()}


async def _targets(request: web.Request) -> web.Response:
    plan = request.app[RELOADER].active.plan
    return web.json_response(targets(request.app[BOARD], plan, time.monotonic_ns()))


def targets(board: Board, plan: Plan, now: int) -> dict[str, Any]:
    """All of them, in the order of the config."""
    items: Items = collections.defaultdict(list)
    for each in safeguards.safeguards(board, plan, now):
        items[each["target"]].append({name: value for name, value in each.items() if name != "target"})
    return {"routes": [_route(each, items) for each in plan.routes],
            "upstreams": [_upstream(each, items) for each in plan.upstreams]}


def _route(route: Route, items: Items) -> dict[str, Any]:
    target, match = f"route:{route.name}", route.match
    return {"target": target, "name": route.name,
            "match": {"path": match.path, "hosts": list(match.hosts), "methods": list(match.methods),
                      "headers": dict(match.headers)},
            "to": goes_to(route), "upstream": route.upstream, "priority": PRIORITY_WORDS.get(route.priority, ""),
            "fallback": [step.kind for step in route.fallback], "safeguards": items[target]}


def goes_to(route: Route) -> str:
    """In words: where a request of this route is answered."""
    if route.redirect is not None:
        return f"redirect {route.redirect.status} to {route.redirect.to}"
    return f"upstream {route.upstream}" if route.respond is None else f"answer {route.respond.status}"


def _upstream(upstream: Upstream, items: Items) -> dict[str, Any]:
    target = f"upstream:{upstream.name}"
    endpoints = [(f"endpoint:{upstream.name}/{each.address}", each) for each in upstream.endpoints]
    return {"target": target, "name": upstream.name, "balance": upstream.balance, "safeguards": items[target],
            "endpoints": [{"target": name, "address": each.address, "weight": each.weight, "version": each.version,
                           "safeguards": items[name]} for name, each in endpoints]}


ROUTES = [web.get("/v1/targets", answers.answered(_targets))]
