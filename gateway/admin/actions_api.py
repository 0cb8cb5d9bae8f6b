"""What the gateway does about an incident by itself, over the admin API, and who overrules it.

    GET  /v1/incidents/{id}/actions                   all that was planned and done, in the order of the ladder
    POST /v1/incidents/{id}/actions/{action}/hold     {"reason", "ttl": "30m"}: it stands, whatever is measured
    POST /v1/incidents/{id}/actions/{action}/force    {"reason", "ttl": "30m"}: do it now, whatever `respond` says
    POST /v1/incidents/{id}/actions/{action}/skip     {"reason"}: not this one
    POST /v1/incidents/{id}/actions/{action}/undo     {"reason"}: at once, without stages

What is answered with 2xx is on the disk and in force. 400 no reason, 404 no such action, 409 not in its present state.
"""

import time
from typing import Any

from aiohttp import web

from gateway.admin import answers, bodies
from gateway.admin.callers import noted
from gateway.control.deliberation import Deliberation
from gateway.control.refused import Refused
from gateway.model import override
from gateway.model.action import BY_PEOPLE, MOVES, Action, IllegalMove, Move
from gateway.model.quantities import parse_duration
from gateway.model.safeguards import WHOLE
from gateway.record.revision import utc_text

DELIBERATION = web.AppKey("deliberation", Deliberation)
LASTING = (Move.HOLD, Move.FORCE)


async def _actions(request: web.Request) -> web.Response:
    thinking, number = request.app[DELIBERATION], int(request.match_info["id"])
    try:
        thinking.incidents.find(number)
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None
    return web.json_response({"actions": [shown(each) for each in thinking.responder.of(number)]})


async def _order(request: web.Request) -> web.Response:
    body, verb = await bodies.json_object(request), Move(request.path.rpartition("/")[2])
    bodies.check_names(body, "reason", *(("ttl",) if verb in LASTING else ()), "actor")
    number, action = int(request.match_info["id"]), int(request.match_info["action"])
    ttl = parse_duration(bodies.text(body, "ttl")) if "ttl" in body else override.TTL
    try:
        found = request.app[DELIBERATION].incidents.order(number, action, verb, noted(request, body),
                                                          bodies.text(body, "reason"), time.time_ns(), ttl)
    except KeyError as error:
        raise Refused(404, str(error.args[0])) from None
    except IllegalMove as error:
        raise Refused(409, str(error)) from None
    return web.json_response(next(shown(each) for each in found if each.id == action))


def shown(action: Action) -> dict[str, Any]:
    """`touches`: the share of the last minute's requests, as estimated before. `can`: what a person can do to it."""
    times = {name: utc_text(at) if at else None for name, at in
             (("planned", action.at_ns), ("since", action.since_ns), ("done", action.done_ns))}
    return {
        "id": action.id, "incident": action.incident, "rung": action.rung, "kind": action.kind, "target": action.target,
        "value": action.strength, "state": action.state, "in_force": action.in_force, "reason": action.reason,
        "evidence": list(action.evidence), "touches": None if action.reach is None else action.reach / WHOLE,
        "measured": action.measured, "by": action.by, "helped": action.helped, "verdict": action.verdict,
        "stage": action.stage, "returns": action.returns, "who": action.who, **times,
        "expires": utc_text(action.expires_ns) if action.in_force else None, "undo": action.undo,
        "can": [each.value for each in MOVES[action.state] if each in BY_PEOPLE],
    }


ROUTES = [
    web.get("/v1/incidents/{id:[0-9]{1,18}}/actions", answers.answered(_actions)),
    *(web.post(f"/v1/incidents/{{id:[0-9]{{1,18}}}}/actions/{{action:[0-9]{{1,18}}}}/{verb}", answers.answered(_order))
      for verb in BY_PEOPLE),
]
