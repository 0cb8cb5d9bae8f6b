"""The sections of upstreams and routes that safeguards and detectors obey, and which of them a config may use yet.

`OF_UPSTREAM`, `OF_ROUTE` and `WATCHED` (of a route) name every section with its settings; a key that `pending` still
lists is left out of the accepted config, so that it is a located "not yet supported". To switch a safeguard on, take
its key out of pending.KEYS, show it in config/full.yaml and run `python -m gateway.config.generate`: nothing else
changes here.
"""

from typing import Any

from pydantic import BaseModel, Field, create_model

from gateway.config import pending
from gateway.detect.settings import DetectSettings, ObjectiveSettings
from gateway.isolate.settings import BreakerSettings, ConcurrencySettings, EjectSettings, HealthSettings
from gateway.mitigate.settings import LIMITS_MOST, FallbackSettings, LimitSettings, Priority, RetrySettings

Fields = dict[str, Any]


def _section(kind: type[BaseModel], description: str) -> Any:
    return (kind | None, Field(default=None, description=description))


OF_UPSTREAM: Fields = {
    "health": _section(HealthSettings, "Ask each endpoint regularly whether it is well."),
    "eject": _section(EjectSettings, "Take an endpoint that fails out for a while."),
    "breaker": _section(BreakerSettings, "Stop asking an upstream that fails."),
    "concurrency": _section(ConcurrencySettings, "Bound the requests at a time."),
    "retry": _section(RetrySettings, "Try an idempotent request again."),
}

OF_ROUTE: Fields = {
    "limits": (tuple[LimitSettings, ...],
               Field(default=(), max_length=LIMITS_MOST, description="Rate limits; a request meets all of them.")),
    "concurrency": _section(ConcurrencySettings, "Bound the requests at a time."),
    "priority": (Priority, Field(default="normal", description="Who is shed last when the gateway itself is late; "
                                                               "`critical` never is.")),
    "fallback": (tuple[FallbackSettings, ...],
                 Field(default=(), description="What answers where the upstream cannot; tried in order.")),
}

WATCHED: Fields = {
    "detect": _section(DetectSettings, "How anomalies of this route are looked for; as at the top level by default."),
    "objective": _section(ObjectiveSettings, "What the route promises; how fast that is used up is watched."),
}

UPSTREAM, ROUTE = ("upstreams", "*"), ("routes", "*")
Pending = dict[tuple[str, ...], frozenset[str]]


def with_safeguards(base: type[BaseModel], where: tuple[str, str], fields: Fields,
                    waiting: Pending = pending.KEYS) -> Any:
    """The settings of an upstream or a route with the safeguards that are not `waiting`."""
    landed: Fields = {name: field for name, field in fields.items() if name not in waiting.get(where, frozenset())}
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, __module__=base.__module__, **landed)


