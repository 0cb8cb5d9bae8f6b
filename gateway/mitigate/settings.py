"""What a user writes about rate limits, retries, fallbacks and the ladder. A section that is left out is off, but the
ladder."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.model import http, kinds
from gateway.model.answers import AnswerSettings
from gateway.model.kinds import DurationOrOff, Mode, Settings, Share
from gateway.model.quantities import Rate
from gateway.model.safeguards import CAUSES, PRIORITIES, USUAL_CAUSES

PERCENT = 10_000
KIB = 1024
KEYS = ("route", "client", "route+client")
LIMITS_MOST = 16  # of a route: a request asks each of them
NAMED_KEY = re.compile(r"(header|cookie):(.*)", re.DOTALL)
KINDS = ("stale", "upstream", "respond", "redirect")


def limit_key(text: str) -> str:
    """A limit's key; the names of headers in lower case. Raises ValueError with what to write."""
    named = NAMED_KEY.fullmatch(text)
    if named:
        http.token(named[2])
        return f"header:{named[2].lower()}" if named[1] == "header" else text
    if text not in KEYS:
        raise ValueError(f"{text[:40]!r} is no key; write one of {', '.join(KEYS)}, header:NAME, cookie:NAME"
                         + kinds.suggestion(text, KEYS))
    return text


def _unlike(causes: tuple[str, ...]) -> tuple[str, ...]:
    if not causes or len(set(causes)) < len(causes):
        raise ValueError(f"needs at least one cause, each once; choose among {', '.join(CAUSES)}")
    return causes


LimitKey = Annotated[str, kinds.words(limit_key, examples=[*KEYS, "header:x-tenant", "cookie:session"])]
Cause = Annotated[str, kinds.choice(*CAUSES)]
Priority = Annotated[str, kinds.choice(*PRIORITIES)]


class LimitSettings(Settings):
    """So many requests in a time; one more is answered 429 with Retry-After."""

    name: kinds.Name
    """The limit's name in answers, metrics and records, once per route."""
    rate: kinds.Rate
    """Requests in the long run."""
    burst: Annotated[int, kinds.or_word("auto", kinds.number(1, 10_000_000))] = 0
    """Requests at once, at least 1; `auto` is one second's worth."""
    key: LimitKey = "route"
    """Who shares the limit: all of the route, each client, or who has the same header or cookie."""
    mode: Mode = "enforce"
    """`shadow` decides and counts alike, and lets the request pass."""


class RetrySettings(Settings):
    """Try an idempotent request again, at another endpoint first."""

    mode: Mode = "enforce"
    """`shadow` counts what would have been tried again."""
    attempts: Annotated[int, kinds.number(1, 5)] = 2
    """Tries in all, the first included."""
    budget: Share = 20 * PERCENT
    """Retries at most, as a share of the requests of the last 10 s."""
    per_try: DurationOrOff = 0
    """Longest time of one try."""
    max_body: Annotated[int, kinds.size(0, 1024 * KIB)] = 64 * KIB
    """Largest request body that is kept to be sent again."""


class StaleSettings(Settings):
    """Serve the last good answer to GET and HEAD, where the origin lets it be stored."""

    for_: kinds.Duration = Field(default=300_000_000_000, alias="for")
    """How long after its lifetime; the origin's `stale-if-error` may shorten it."""


class FallbackRespondSettings(AnswerSettings):
    """Answer directly."""

    status: Annotated[int, kinds.number(200, 599)] = 503
    """The status code."""
    file: kinds.FilePath = ""
    """The body from a file, instead of `body`."""

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if self.file and (self.body or self.json_ is not None):
            raise ValueError("file and another body are both given; keep one")
        return self


class FallbackRedirectSettings(Settings):
    """Send the client elsewhere."""

    to: kinds.Target
    """A path or URL."""
    status: Annotated[int, kinds.choice(302, 303, 307)] = 307
    """None that a client may keep, as the fault will pass; 307 keeps the method."""


class FallbackSettings(Settings):
    """One step, tried in order: exactly one of stale, upstream, respond and redirect."""

    stale: StaleSettings | None = None
    """Serve the last good answer."""
    upstream: kinds.Name = ""
    """Ask this upstream instead, if its breaker is closed and it has capacity to spare."""
    respond: FallbackRespondSettings | None = None
    """Answer directly."""
    redirect: FallbackRedirectSettings | None = None
    """Send the client elsewhere."""
    on: Annotated[tuple[Cause, ...], AfterValidator(_unlike)] = USUAL_CAUSES
    """Causes that it is meant for; without it all but `limited`."""
    mode: Mode = "enforce"
    """`shadow` counts what would have been answered so."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'nothing'} is given; write exactly one of {', '.join(KINDS)}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind))


class LadderSettings(Settings):
    """What the gateway does about an incident by itself: one action at a time, the gentlest first, kept if it helps."""

    mode: Mode = "enforce"
    """For one endpoint or one client. `shadow`: the timeline says what would have been done."""
    wider: Mode = "shadow"
    """For anything wider: a route, an upstream, the config."""
    at_most: Share = 50 * PERCENT
    """Share of the last minute's requests that all actions together may touch; a client that surges counts with what
    it sent before."""
    measure: Annotated[int, kinds.duration(5_000_000_000, 60_000_000_000)] = 10_000_000_000
    """How long is measured before an action and after it."""
    for_: Annotated[int, kinds.duration(30_000_000_000)] = Field(default=600_000_000_000, alias="for")
    """When an action ends if nobody prolongs it: control does while it is needed."""
    calm: Annotated[int, kinds.duration(1_000_000_000)] = 30_000_000_000
    """How long without a signal before an action is undone, stage by stage; twice as long after each relapse. An
    incident is over after twice that without a signal."""


def burst_of(limit: LimitSettings) -> int:
    """The burst in requests: as written, or one second's worth, at least 1."""
    rate: Rate = limit.rate
    return limit.burst or max(1, rate.count * 1_000_000_000 // rate.period)


