"""What a user writes about breakers, ejection, health checks and bulkheads. A section that is left out is off."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model import kinds
from gateway.model.kinds import DurationOrOff, Mode, Settings, Share

SECOND = 1_000_000_000
WINDOW_MAX = 60 * SECOND  # the board keeps a minute
PERCENT = 10_000

Window = Annotated[int, kinds.duration(SECOND, WINDOW_MAX)]


class SlowSettings(Settings):
    """Slow answers, which open a breaker as failures do."""

    over: DurationOrOff = 2 * SECOND
    """Time to the first byte from which an answer is slow; `off`: slowness does not count."""
    share: Share = 80 * PERCENT
    """Share of slow answers in the window that opens the breaker."""


class BreakerSettings(Settings):
    """Stop asking an upstream that fails, and come back step by step."""

    mode: Mode = "enforce"
    """`shadow` decides and counts alike, and lets the request pass."""
    window: Window = 10 * SECOND
    """How far back results count."""
    min_requests: Annotated[int, kinds.number(1, 1_000_000)] = 20
    """Results in the window below which the breaker never opens."""
    failures: Share = 50 * PERCENT
    """Share of failures in the window that opens the breaker."""
    slow: SlowSettings = SlowSettings()
    """Slow answers."""


class EjectSettings(Settings):
    """Take an endpoint out of the balancing for a while, by what requests met there."""

    mode: Mode = "enforce"
    """`shadow` decides and counts alike, and leaves the endpoint in."""
    consecutive_failures: Annotated[int, kinds.or_word("off", kinds.number(1, 255))] = 5
    """Failures in a row that eject."""
    window: Window = 10 * SECOND
    """How far back the share of failures looks."""
    min_requests: Annotated[int, kinds.number(1, 1_000_000)] = 20
    """Results in the window below which the share of failures does not eject."""
    failures: Share = 50 * PERCENT
    """Share of failures in the window that ejects."""
    for_: Annotated[int, kinds.duration(SECOND)] = Field(default=30 * SECOND, alias="for")
    """How long the first ejection lasts; the second twice as long, and so on, up to 5 minutes."""
    at_most: Annotated[int, kinds.share(least=0)] = 50 * PERCENT
    """Share of the endpoints that may be out at a time; one always may, unless it is the only one."""
    slow_start: DurationOrOff = 10 * SECOND
    """How long an endpoint that returns takes to its whole share of requests."""


class HealthSettings(Settings):
    """Ask each endpoint regularly whether it is well: 200 to 399 is good."""

    path: kinds.PlainPath
    """The path to GET."""
    mode: Mode = "enforce"
    """`shadow` checks and shows the results, and leaves the endpoint in."""
    every: Annotated[int, kinds.duration(SECOND // 10)] = 5 * SECOND
    """Time between two checks."""
    timeout: kinds.Duration = 1 * SECOND
    """How long a check may take."""
    rise: Annotated[int, kinds.number(1, 100)] = 2
    """Good checks in a row that bring an endpoint in."""
    fall: Annotated[int, kinds.number(1, 100)] = 3
    """Bad checks in a row that take it out."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.timeout > self.every:
            raise ValueError("timeout is longer than every, so checks would overlap; write a shorter timeout")
        return self


class ConcurrencySettings(Settings):
    """Bound the requests at a time, over all workers; one more is answered 503."""

    limit: Annotated[int, kinds.number(1, 1_000_000)]
    """Requests at a time."""
    mode: Mode = "enforce"
    """`shadow` decides and counts alike, and lets the request pass."""
