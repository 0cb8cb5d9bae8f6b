"""Settings -> the plan: the same facts without pydantic, in the shapes that workers read. Nothing can fail here."""

from typing import Any

from gateway.config import compile_alerts, compile_public, compile_safeguards
from gateway.config.settings import Gateway
from gateway.dataplane.settings import HeadSettings, ListenerSettings, UpstreamSettings, UpstreamTlsSettings
from gateway.detect.settings import DetectSettings, ObjectiveSettings
from gateway.mitigate.settings import LadderSettings
from gateway.record.settings import AccessLogSettings
from gateway.routing import plan
from gateway.routing.settings import (
    MatchSettings,
    RequestHeaderSettings,
    RespondSettings,
    ResponseHeaderSettings,
    RouteSettings,
)

USUAL = DetectSettings()


def compile_plan(settings: Gateway) -> plan.Plan:
    """The plan of a config that `load` has checked."""
    return plan.Plan(
        listeners=tuple(listener(each) for each in settings.listeners),
        upstreams=tuple(upstream(name, each) for name, each in settings.upstreams.items()) +
        compile_public.upstreams(settings),
        routes=tuple(route(each, settings.detect) for each in settings.routes) + compile_public.routes(settings),
        trusted_proxies=settings.clients.trusted_proxies,
        client_key=settings.clients.key,
        workers=settings.workers,
        max_connections=settings.max_connections,
        drain=plan.Drain(settings.drain.delay, settings.drain.timeout),
        state_dir=settings.state.dir,
        state_max_bytes=settings.state.max_bytes,
        alerts=compile_alerts.alerts(settings.alerts),
        respond=ladder(settings.respond),
        probation=plan.Probation(settings.probation.mode, settings.probation.for_, settings.probation.steps),
        drills=settings.drills == "enabled",
        post_mortems_in_git=settings.post_mortems.git,
        admin=settings.admin.address,
        admin_hosts=settings.admin.hosts,
        recorder=plan.Recorder(settings.recorder.disk, settings.recorder.rate, settings.recorder.version_header),
        access_log=_access_log(settings.log.access) if settings.log.access else plan.AccessLog(),
    )


def ladder(settings: LadderSettings) -> plan.Policy:
    return plan.Policy(settings.mode, settings.wider, settings.at_most, settings.measure, settings.for_, settings.calm)


def listener(settings: ListenerSettings) -> plan.Listener:
    timeouts = settings.timeouts
    return plan.Listener(
        address=settings.address,
        certificates=tuple(plan.Certificate(pair.certificate, pair.key) for pair in settings.tls),
        health=settings.health,
        proxy_protocol=settings.proxy_protocol,
        timeouts=plan.ClientTimeouts(timeouts.head, timeouts.body, timeouts.keep_alive, timeouts.send),
        limits=_head(settings.head),
    )


def upstream(name: str, settings: UpstreamSettings) -> plan.Upstream:
    timeouts, pool = settings.timeouts, settings.pool
    return plan.Upstream(
        name=name,
        endpoints=tuple(plan.Endpoint(each.address, each.weight, each.version) for each in settings.endpoints),
        balance=settings.balance,
        tls=_tls(settings.tls) if settings.tls else None,
        timeouts=plan.UpstreamTimeouts(timeouts.connect, timeouts.first_byte, timeouts.idle),
        pool=plan.PoolLimits(pool.idle, pool.max_idle, pool.max_connections),
        host="" if settings.host == "keep" else settings.host,
        limits=_head(settings.head),
        **compile_safeguards.of_upstream(settings),
    )


def route(settings: RouteSettings, detect: DetectSettings = USUAL) -> plan.Route:
    """`detect`: of routes that say nothing of their own."""
    redirect, respond = settings.redirect, settings.respond
    return plan.Route(
        name=settings.name,
        match=_match(settings.match),
        upstream=settings.upstream,
        redirect=plan.Redirect(redirect.to, redirect.status) if redirect else None,
        respond=_respond(respond) if respond else None,
        rewrite=settings.rewrite,
        request_headers=_edits(settings.request_headers),
        response_headers=_edits(settings.response_headers),
        timeout=settings.timeout,
        max_body=settings.body.max,
        **compile_safeguards.of_route(settings),
        **_watched(settings, detect),
    )


def _watched(settings: Any, detect: DetectSettings) -> dict[str, Any]:
    own: DetectSettings = getattr(settings, "detect", None) or detect
    promise: ObjectiveSettings | None = getattr(settings, "objective", None)
    objective = plan.Objective(promise.success, promise.under) if promise else None
    return {"false_alarms": own.false_alarms_per_month, "objective": objective}


def _head(settings: HeadSettings) -> plan.HeadLimits:
    return plan.HeadLimits(settings.line, settings.fields, settings.size)


def _access_log(settings: AccessLogSettings) -> plan.AccessLog:
    return plan.AccessLog(settings.path, settings.format, settings.rotate.size, settings.rotate.keep)


def _tls(settings: UpstreamTlsSettings) -> plan.UpstreamTls:
    return plan.UpstreamTls(settings.verify, settings.ca, settings.server_name)


def _match(settings: MatchSettings) -> plan.Match:
    headers = tuple(sorted((name.lower(), value) for name, value in settings.headers.items()))
    return plan.Match(settings.path, settings.host, settings.methods, headers)


def _edits(settings: RequestHeaderSettings | ResponseHeaderSettings) -> plan.HeaderEdits:
    """Names to write keep their letters' case, for servers that look at it; names to compare are in lower case."""
    return plan.HeaderEdits(tuple(name.lower() for name in settings.remove), tuple(settings.set.items()),
                            tuple(settings.add.items()))


def _respond(settings: RespondSettings) -> plan.Respond:
    headers, body = compile_safeguards.answer(settings)
    return plan.Respond(settings.status, headers, body)
