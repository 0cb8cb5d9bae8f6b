"""The admin API: health, readiness, metrics and status, and all the parts. Closed by default: access.py, identity.py.

    GET /healthz      200 while this process answers
    GET /readyz       200 while a worker serves a valid plan and the gateway is not draining, else 503; JSON says why
    GET /metrics      Prometheus
    GET /v1/status    processes, plan agreement, per-route totals, every safeguard's state, what stands by hand
    GET /v1/openapi.json    all of it, described
"""

import functools
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from gateway.admin import (
    access,
    actions_api,
    answers,
    audit_api,
    callers,
    config_api,
    dashboard,
    drills_api,
    events_api,
    explain_api,
    faults_api,
    identity,
    incidents_api,
    isolations_api,
    live,
    openapi,
    proposals_api,
    reports_api,
    requests_api,
    safeguards,
    serving,
    status,
    targets_api,
    traffic,
)
from gateway.board import Board
from gateway.control.deliberation import Deliberation
from gateway.control.flight_recorder import FlightRecorder
from gateway.control.injecting import Injector
from gateway.control.overrides import Overrides
from gateway.control.own_facts import OwnFacts
from gateway.control.reloading import Reloader
from gateway.control.replaying import Replaying
from gateway.record import exposition
from gateway.record.control_metrics import ControlMetrics
from gateway.record.metrics import BoardMetrics
from gateway.record.process_metrics import ProcessMetrics
from gateway.record.recorder_metrics import RecorderMetrics
from gateway.record.tokens import TokenFile
from gateway.routing import plan as plans
from gateway.routing.plan import Plan

BOARD = web.AppKey("board", Board)
METRICS: web.AppKey[list[exposition.Source]] = web.AppKey("metrics")
GUARD = web.AppKey("guard", identity.Guard)
NAMES: web.AppKey[Collection[str]] = web.AppKey("names", frozenset)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(board: Board, reloader: Reloader | None = None, overrides: Overrides | None = None,
             tokens: TokenFile | None = None, names: Collection[str] = (),
             recorder: FlightRecorder | None = None,
             deliberation: Deliberation | None = None, injector: Injector | None = None) -> web.Application:
    """`names`: what the Host header may say beside the loopback's names."""
    app = web.Application(middlewares=[_admitted])
    app.on_response_prepare.append(_guarded)
    app[GUARD], app[NAMES] = identity.Guard(tokens), frozenset(names)
    served = (lambda: _plan(reloader.active.revision.plan)) if reloader is not None else None
    app[BOARD] = board
    metrics: list[exposition.Source] = [BoardMetrics(board, served), ProcessMetrics(board)]
    app[METRICS] = metrics
    app.add_routes([
        web.get("/healthz", _healthz),
        web.get("/readyz", _readyz),
        web.get("/metrics", _metrics),
        web.get("/v1/status", _status),
        web.get("/v1/openapi.json", _openapi),
        *dashboard.ROUTES,
    ])
    if reloader is not None:
        app[config_api.RELOADER] = reloader
        app[config_api.REPLAYING] = Replaying(reloader.folder)
        app[targets_api.BOARD] = board
        app.add_routes([*config_api.ROUTES, *audit_api.ROUTES, *targets_api.ROUTES])
    if overrides is not None:
        app[isolations_api.OVERRIDES] = overrides
        app.add_routes(isolations_api.ROUTES)
    if recorder is not None:
        app[requests_api.RECORDER] = recorder
        app.add_routes(requests_api.ROUTES)
        metrics.append(RecorderMetrics(recorder.spool, recorder.access_log))
    if deliberation is not None:
        app[incidents_api.DELIBERATION] = deliberation
        app[actions_api.DELIBERATION] = deliberation
        app[reports_api.DELIBERATION] = deliberation
        app[proposals_api.DELIBERATION] = deliberation
        app.add_routes([*incidents_api.ROUTES, *actions_api.ROUTES, *reports_api.ROUTES, *proposals_api.ROUTES])
        if reloader is not None:
            metrics.append(ControlMetrics(OwnFacts(reloader, deliberation)))
        _go_live(app, deliberation)
    if injector is not None:
        app[faults_api.INJECTOR] = injector
        app.add_routes(faults_api.ROUTES)
    if reloader is not None:
        app[drills_api.STORE] = reloader.store
        app.add_routes(drills_api.ROUTES)
    if reloader is not None and overrides is not None and recorder is not None:
        app[explain_api.BOARD] = board
        app.add_routes(explain_api.ROUTES)
    return app


def _go_live(app: web.Application, deliberation: Deliberation) -> None:
    app[events_api.TRAFFIC] = traffic.Traffic(app[BOARD], deliberation.windows)
    app[events_api.LIVE] = live.Live({
        live.TRAFFIC: app[events_api.TRAFFIC].now, "targets": app[events_api.TRAFFIC].targets,
        "incidents": lambda: incidents_api.open_now(deliberation),
        "isolations": lambda: isolations_api.standing(app[isolations_api.OVERRIDES]),
        "safeguards": lambda: [each for each in _safeguards(app) if each["acting"]],
        "processes": lambda: status.processes(app[BOARD], time.monotonic_ns()),
        "config": lambda: app[config_api.RELOADER].status(),
    }, logging.getLogger("gateway"))
    app.cleanup_ctx.append(events_api.while_serving)
    app.on_shutdown.append(events_api.send_home)
    app.add_routes(events_api.ROUTES)


@web.middleware
async def _admitted(request: web.Request, handler: Answer) -> web.StreamResponse:
    if why := access.refusal(request.headers.get("Host"), request.headers.get("Origin"), request.app[NAMES]):
        return answers.problem(403, "Forbidden", why)
    if request.path in identity.OPEN or request.path.startswith(dashboard.ASSETS):
        return await _answered(request, handler)
    try:
        address = request.remote or ""
        caller = request.app[GUARD].caller(request.headers.get("Authorization"), address, _is_local(address),
                                           time.monotonic_ns())
        identity.check(caller, request.method, request.path)
    except identity.Denied as denied:
        return _denied(denied)
    request[callers.CALLER] = caller
    return await _answered(request, handler)


async def _answered(request: web.Request, handler: Answer) -> web.StreamResponse:
    """aiohttp's own refusals (no such path, another method, a body that is too large) as problem documents too, and a
    fault of ours as one that is in the log."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = answers.problem(error.status, error.reason, f"{request.method} {request.path[:200]}: {error.reason}")
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except ConnectionError:
        raise
    except Exception:
        logging.getLogger("gateway").exception("%s %.200s cannot be answered", request.method, request.path)
        return answers.problem(500, "Internal Server Error", "a fault of ours; its log says more")


async def _guarded(request: web.Request, answer: web.StreamResponse) -> None:
    """What a browser is told about every answer."""
    for name, value in access.HEADERS.items():
        answer.headers.setdefault(name, value)


def _is_local(address: str) -> bool:
    """A Unix socket's peer has no address."""
    return not address or ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _denied(denied: identity.Denied) -> web.Response:
    answer = answers.problem(denied.status, "Not Admitted", str(denied))
    if denied.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="gateway"'
    return answer


async def _healthz(request: web.Request) -> web.Response:
    return web.json_response({"healthy": True})


async def _readyz(request: web.Request) -> web.Response:
    ready, why = status.readiness(request.app[BOARD], time.monotonic_ns())
    return web.json_response({"ready": ready, "reason": why}, status=200 if ready else 503)


async def _metrics(request: web.Request) -> web.Response:
    text = exposition.write(family for metrics in request.app[METRICS] for family in metrics.collect())
    return web.Response(body=text, headers={"Content-Type": exposition.CONTENT_TYPE})


async def _status(request: web.Request) -> web.Response:
    board, now = request.app[BOARD], time.monotonic_ns()
    document = status.status(board, now)
    if config_api.RELOADER in request.app:
        document["config"] = request.app[config_api.RELOADER].status()
        document["safeguards"] = _safeguards(request.app)
    if requests_api.RECORDER in request.app:
        document["recorder"] = request.app[requests_api.RECORDER].spool.snapshot()
        document["access_log"] = request.app[requests_api.RECORDER].access_log.snapshot()
    if incidents_api.DELIBERATION in request.app:
        thinking = request.app[incidents_api.DELIBERATION]
        document["incidents"] = incidents_api.open_now(thinking)
        document["deliberation"] = thinking.status()
    if isolations_api.OVERRIDES in request.app:
        document["by_hand"] = isolations_api.by_hand(request.app[isolations_api.OVERRIDES])
    if faults_api.INJECTOR in request.app:
        document["drills"] = faults_api.standing(request.app[faults_api.INJECTOR])
    if events_api.LIVE in request.app:
        document["events"] = request.app[events_api.LIVE].snapshot()
    if serving.DOOR in request.app:
        document["admin"] = request.app[serving.DOOR].snapshot()
    return web.json_response(document)


async def _openapi(request: web.Request) -> web.Response:
    return web.json_response(openapi.document())


def _safeguards(app: web.Application) -> list[safeguards.Item]:
    plan = _plan(app[config_api.RELOADER].active.revision.plan)
    return safeguards.safeguards(app[BOARD], plan, time.monotonic_ns())


@functools.lru_cache(maxsize=1)
def _plan(text: str) -> Plan:
    """The plan that is served: read once, as the status may be asked for each second."""
    return plans.from_json(text)
