"""The settings of the safeguards -> their place in the plan. Nothing can fail here; what is left out is off."""

from typing import Any

from gateway.isolate.settings import BreakerSettings, ConcurrencySettings, EjectSettings, HealthSettings
from gateway.mitigate import settings as mitigating
from gateway.mitigate.settings import FallbackSettings, LimitSettings, RetrySettings
from gateway.model.answers import AnswerSettings
from gateway.model.safeguards import PRIORITIES
from gateway.routing import plan

JSON_TYPE = "application/json"
NO_BREAKER, NO_EJECT, NO_HEALTH = plan.Breaker(), plan.Eject(), plan.Health()
NO_CONCURRENCY, NO_RETRY = plan.Concurrency(), plan.Retry()


def of_upstream(settings: Any) -> dict[str, Any]:
    """The safeguards of an upstream as fields of plan.Upstream."""
    return {
        "eject": eject(getattr(settings, "eject", None)),
        "breaker": breaker(getattr(settings, "breaker", None)),
        "health": health(getattr(settings, "health", None)),
        "concurrency": concurrency(getattr(settings, "concurrency", None)),
        "retry": retry(getattr(settings, "retry", None)),
    }


def of_route(settings: Any) -> dict[str, Any]:
    """The safeguards of a route as fields of plan.Route."""
    return {
        "limits": tuple(limit(each) for each in getattr(settings, "limits", ())),
        "concurrency": concurrency(getattr(settings, "concurrency", None)),
        "priority": PRIORITIES[getattr(settings, "priority", "normal")],
        "fallback": tuple(fallback(each) for each in getattr(settings, "fallback", ())),
    }


def breaker(given: BreakerSettings | None) -> plan.Breaker:
    if given is None:
        return NO_BREAKER
    return plan.Breaker(window=given.window, min_requests=given.min_requests, failures=given.failures,
                        slow_over=given.slow.over, slow_share=given.slow.share, mode=given.mode)


def eject(given: EjectSettings | None) -> plan.Eject:
    if given is None:
        return NO_EJECT
    return plan.Eject(consecutive_failures=given.consecutive_failures, window=given.window,
                      min_requests=given.min_requests, failures=given.failures, duration=given.for_,
                      at_most=given.at_most, slow_start=given.slow_start, mode=given.mode)


def health(given: HealthSettings | None) -> plan.Health:
    if given is None:
        return NO_HEALTH
    return plan.Health(path=given.path, every=given.every, timeout=given.timeout, rise=given.rise, fall=given.fall,
                       mode=given.mode)


def concurrency(given: ConcurrencySettings | None) -> plan.Concurrency:
    return NO_CONCURRENCY if given is None else plan.Concurrency(limit=given.limit, mode=given.mode)


def retry(given: RetrySettings | None) -> plan.Retry:
    if given is None:
        return NO_RETRY
    return plan.Retry(attempts=given.attempts, budget=given.budget, per_try=given.per_try, max_body=given.max_body,
                      mode=given.mode)


def limit(given: LimitSettings) -> plan.Limit:
    return plan.Limit(name=given.name, key=given.key, quota=given.rate.count, period_ns=given.rate.period,
                      burst=mitigating.burst_of(given), mode=given.mode)


def fallback(given: FallbackSettings) -> plan.Fallback:
    return plan.Fallback(given.kind, on=given.on, mode=given.mode, upstream=given.upstream, **_details(given))


def _details(given: FallbackSettings) -> dict[str, Any]:
    if given.stale:
        return {"stale_for": given.stale.for_}
    if given.redirect:
        return {"to": given.redirect.to, "status": given.redirect.status}
    if given.respond:
        headers, body = answer(given.respond)
        return {"status": given.respond.status, "headers": headers, "body": body, "file": given.respond.file}
    return {}


def answer(given: AnswerSettings) -> tuple[tuple[tuple[str, str], ...], str]:
    """Headers and body of an answer that the gateway gives; JSON says its type unless the config does."""
    headers = tuple(given.headers.items())
    if given.json_ is None:
        return headers, given.body
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("content-type", JSON_TYPE), *headers)
    return headers, given.json_
