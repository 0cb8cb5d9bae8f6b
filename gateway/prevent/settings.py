"""Settings of post-mortems; and what a drill's scenario says: what is done to the gateway, and how soon it must have
noticed and cured it.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model import kinds
from gateway.model.fault import FaultClass
from gateway.model.injection import DELAY_MOST, RATE_MOST, TTL_MOST, InjectionKind
from gateway.model.kinds import Settings

SECOND = 10**9
Limit = Annotated[int, kinds.duration(SECOND, 3600 * SECOND)]
PLACES = ("endpoint", "upstream", "upstreams", "route", "client", "gateway")


class PostMortemSettings(Settings):
    """Reports about incidents that are over."""

    git: bool = False
    """Keep them in `post-mortems/` beside the config too, each change a commit in its git work tree."""


class FaultSettings(Settings):
    """A fault that is injected: docs/drills.md."""

    kind: Annotated[str, kinds.choice(*InjectionKind)]
    """What the endpoint does."""
    share: kinds.Share = 1_000_000
    """Of the tries in its scope."""
    delay: Annotated[int, kinds.duration(most=DELAY_MOST)] = SECOND
    """For `delay`, and for `busy`, at most 100 ms."""
    status: Annotated[int, kinds.number(400, 599)] = 503
    """For `status`."""
    rate: Annotated[int, kinds.number(1, RATE_MOST)] = 100
    """For `slow body`: bytes per second."""


class SurgeSettings(Settings):
    """One client that sends too much, by the drill itself."""

    rate: Annotated[int, kinds.number(1, 1000)]
    """Requests per second beside what it sends usually."""


class MistakeSettings(Settings):
    """A revision with a mistake in it, applied by the drill itself, and taken back by it if the gateway does not."""

    port: Annotated[int, kinds.number(1, 65535)]
    """All endpoints of the upstream are said to be at this port of this machine."""


class ExpectSettings(Settings):
    """Seconds from the fault's beginning, for `recover` from its end; what is left out is not asked for."""

    detect: Limit
    """An incident is open."""
    isolate: Limit | None = None
    """Something stands between the fault and the clients."""
    mitigate: Limit | None = None
    """What was done helps."""
    recover: Limit | None = None
    """The incident is over, and everything is as it was."""
    fault: Annotated[str, kinds.choice(*(each.value for each in FaultClass))] = ""
    """The kind of fault that the analysis must find."""


class ScenarioSettings(Settings):
    """A drill."""

    about: kinds.Text
    """What happens, in a sentence."""
    place: Annotated[str, kinds.choice(*PLACES)]
    """What it happens to; `upstreams`: all of them; `gateway`: itself, at whatever is asked of it."""
    fault: FaultSettings | None = None
    """A fault that is injected."""
    surge: SurgeSettings | None = None
    """A client that sends too much."""
    mistake: MistakeSettings | None = None
    """A bad revision."""
    for_: Annotated[int, kinds.duration(SECOND, TTL_MOST)] = Field(default=60 * SECOND, alias="for")
    """When it ends at the latest; it ends once it is mitigated."""
    expect: ExpectSettings
    """How soon."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [name for name in ("fault", "surge", "mistake") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'nothing'} is done; write exactly one of fault, surge, mistake")
        return self
