"""An injection: a fault that a drill puts in the place of an endpoint's answer, on a part of the traffic, for a time.

    delay      the answer comes so much later
    abort      the connection is reset once the request is there
    status     this status is answered, without asking the endpoint
    slow body  the head comes at once, the body at so many bytes per second
    blackhole  nothing comes
    busy       the worker itself works on the try for so long, and on nothing else meanwhile

It acts on what its scope names together, and ends at `until` on the clock of whoever looks, whatever has died by then.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model import target as targets
from gateway.model.quantities import format_duration, format_share
from gateway.model.safeguards import SECOND, WHOLE

TTL = 60 * SECOND
TTL_LEAST = 1 * SECOND
TTL_MOST = 600 * SECOND
DELAY_MOST = 60 * SECOND
BUSY_MOST = SECOND // 10
"""A worker that is silent for 5 s is killed: a few dozen tries at a time must take less."""
RATE_MOST = 2**30
STANDING_MOST = 16


class InjectionKind(StrEnum):
    DELAY = "delay"
    ABORT = "abort"
    STATUS = "status"
    SLOW_BODY = "slow body"
    BLACKHOLE = "blackhole"
    BUSY = "busy"


REACHING = frozenset({InjectionKind.DELAY, InjectionKind.SLOW_BODY})
"""These ask the endpoint, and change how its answer comes."""


@dataclass(frozen=True, slots=True)
class Injection:
    """`route`, `upstream`, `endpoint` (an address) and `client` (an address): empty = any; `share` in millionths of the
    tries in that scope; `delay` in ns, `rate` in bytes per second; `until` on CLOCK_MONOTONIC."""

    kind: InjectionKind
    route: str = ""
    upstream: str = ""
    endpoint: str = ""
    client: str = ""
    share: int = WHOLE
    delay: int = SECOND
    status: int = 503
    rate: int = 100
    until: int = 0
    id: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError, with what to write instead."""
        if not (self.route or self.upstream or self.endpoint or self.client):
            raise ValueError("say where: a route, an upstream, an endpoint or a client")
        _within("share", self.share, 1, WHOLE, format_share)
        _within("delay", self.delay, 1, BUSY_MOST if self.kind is InjectionKind.BUSY else DELAY_MOST, format_duration)
        _within("status", self.status, 400, 599, str)
        _within("rate", self.rate, 1, RATE_MOST, str)
        if self.client:
            targets.parse(f"client:{self.client}")

    @property
    def scope(self) -> dict[str, str]:
        """What it acts on, by name."""
        named = {name: getattr(self, name) for name in ("route", "upstream", "endpoint", "client")}
        return {name: value for name, value in named.items() if value}

    def __str__(self) -> str:
        more = {InjectionKind.DELAY: f" of {format_duration(self.delay)}", InjectionKind.STATUS: f" {self.status}",
                InjectionKind.BUSY: f" for {format_duration(self.delay)}",
                InjectionKind.SLOW_BODY: f" of {self.rate} bytes/s"}.get(self.kind, "")
        where = ", ".join(f"{name} {value}" for name, value in self.scope.items())
        return f"{self.kind}{more} on {format_share(self.share)} of {where}"


def check_ttl(ttl: int) -> int:
    """Raises ValueError where it is out of bounds."""
    return _within("for", ttl, TTL_LEAST, TTL_MOST, format_duration)


def _within(name: str, value: int, least: int, most: int, show: object) -> int:
    if not least <= value <= most:
        assert callable(show)
        raise ValueError(f"`{name}` must be {show(least)} to {show(most)}, not {show(value) if value > 0 else value}")
    return value
