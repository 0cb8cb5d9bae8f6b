"""What a user writes about routes: which requests, where to, and what is changed on the way."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.model import kinds
from gateway.model.answers import AnswerSettings, unlike
from gateway.model.kinds import Settings

Wanted = Annotated[dict[kinds.Token, kinds.FieldValue], AfterValidator(unlike)]
RequestHeaders = Annotated[dict[kinds.RequestField, kinds.FieldValue], AfterValidator(unlike)]
ResponseHeaders = Annotated[dict[kinds.ResponseField, kinds.FieldValue], AfterValidator(unlike)]


class MatchSettings(Settings):
    """Which requests. The most specific route wins, whatever the order of the file."""

    host: Annotated[tuple[kinds.HostPattern, ...], kinds.Or(kinds.one_or_many)] = ()
    """A host or a list of them, exact or `*.suffix`; without it any."""
    path: kinds.Path = "/**"
    """Exact, `/prefix/**`, or with `{name}` segments."""
    methods: tuple[kinds.Method, ...] = ()
    """Methods; without it all. GET includes HEAD."""
    headers: Wanted = Field(default_factory=dict)
    """Headers that must have exactly this value; `*` is any value."""


class RequestHeaderSettings(Settings):
    """Changes to the headers that go to the upstream, in this order: remove, set, add."""

    remove: tuple[kinds.RequestField, ...] = ()
    """Headers to drop."""
    set: RequestHeaders = Field(default_factory=dict)
    """Headers to replace, or to add where there is none."""
    add: RequestHeaders = Field(default_factory=dict)
    """Headers to add beside those there are."""


class ResponseHeaderSettings(Settings):
    """Changes to the headers that go to the client, in this order: remove, set, add."""

    remove: tuple[kinds.ResponseField, ...] = ()
    """Headers to drop."""
    set: ResponseHeaders = Field(default_factory=dict)
    """Headers to replace, or to add where there is none."""
    add: ResponseHeaders = Field(default_factory=dict)
    """Headers to add beside those there are."""


class RedirectSettings(Settings):
    """Send the client elsewhere."""

    to: kinds.Target
    """A path or URL; `{name}` and a final `**` stand for what the match captured. The query is kept."""
    status: Annotated[int, kinds.choice(301, 302, 303, 307, 308)] = 308
    """307 and 308 keep the method."""


class RespondSettings(AnswerSettings):
    """Answer directly."""


class BodySettings(Settings):
    """Bounds of the request body."""

    max: kinds.SizeOrOff = 0
    """Largest request body; beyond it 413."""


class RouteSettings(Settings):
    """One kind of request and what becomes of it: exactly one of upstream, redirect and respond."""

    name: kinds.Name
    """The route's name in metrics, records and commands."""
    match: MatchSettings = MatchSettings()
    """Which requests."""
    upstream: kinds.Name = ""
    """The upstream that answers."""
    redirect: RedirectSettings | None = None
    """Send the client elsewhere."""
    respond: RespondSettings | None = None
    """Answer directly."""
    rewrite: kinds.Path = ""
    """The path to ask the upstream for; `{name}` and a final `**` stand for what the match captured."""
    request_headers: RequestHeaderSettings = RequestHeaderSettings()
    """Changes to the request's headers on the way to the upstream."""
    response_headers: ResponseHeaderSettings = ResponseHeaderSettings()
    """Changes to the answer's headers on the way to the client."""
    timeout: kinds.DurationOrOff = 0
    """Longest time for the whole request. Then 504."""
    body: BodySettings = BodySettings()
    """Bounds of the request body."""
