"""Isolation: a person, or the gateway, takes a route, upstream, endpoint or client out of service, for a time.

Theory of operation. An isolation is a value with an actor, a reason and an expiry; without any of them it would be the
forgotten silence of alertmanager#1639. The time to live defaults to 30 minutes and has a bound: what is to be for ever
belongs into the config. It is stored in UTC, so that it survives a reboot; the board holds the same moment on the
monotonic clock, and every worker compares it itself, so that it ends even if nobody is left to lift it.
`keep_open` leaves the target's tunnels alone; otherwise they are closed.

Targets, as people write them:

    route:NAME   upstream:NAME   endpoint:UPSTREAM/ADDRESS   endpoint:ADDRESS (in every upstream)   client:KEY

KEY is what `clients.key` makes of a request: by default the address.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.model.quantities import format_duration
from gateway.model.safeguards import SECOND, Explanation

KINDS = ("route", "upstream", "endpoint", "client")
TTL = 30 * 60 * SECOND
TTL_LEAST = 1 * SECOND
TTL_MOST = 30 * 24 * 3600 * SECOND
REASON_MAX = 500
KEY_MAX = 256


@dataclass(frozen=True, slots=True, order=True)
class Target:
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Isolation:
    """`made` and `expires` are UTC nanoseconds since 1970."""

    target: Target
    actor: str
    reason: str
    made: int
    expires: int
    keep_open: bool = False

    def is_active(self, now: int) -> bool:
        return self.made <= now < self.expires

    def explain(self, now: int) -> Explanation:
        left = format_duration((self.expires - now) // SECOND * SECOND) if self.is_active(now) else ""
        return Explanation("isolation", f"{self.actor}: {self.reason}", f"until {self.expires}",
                           f"{self.target} isolated for another {left}" if left else f"{self.target} is free again")


def parse_target(text: str) -> Target:
    """Raises ValueError, with what to write instead."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in KINDS:
        raise ValueError(f"{text[:80]!r} is not a target; write route:NAME, upstream:NAME, endpoint:ADDRESS or "
                         "client:KEY")
    if not name or len(name.encode()) > KEY_MAX or not name.isprintable() or name != name.strip():
        raise ValueError(f"{kind}: needs a name of 1 to {KEY_MAX} printable bytes, such as {kind}:{_example(kind)}")
    return Target(kind, name)


def check_known(target: Target, known: Collection[str]) -> None:
    """Raises ValueError where `known`, the names of the target's kind, lacks it; any client may be isolated."""
    if target.kind == "client" or target.name in known:
        return
    if target.kind == "endpoint" and any(each.partition("/")[2] == target.name for each in known):
        return
    listed = ", ".join(sorted(known)[:10]) or "none"
    raise ValueError(f"there is no {target}; known here: {listed}")


def isolate(target: str, actor: str, reason: str, now: int, ttl: int = TTL, keep_open: bool = False) -> Isolation:
    """A checked isolation from `now` (UTC nanoseconds) for `ttl`. Raises ValueError, with what to write instead."""
    parsed = parse_target(target)
    if not actor.strip():
        raise ValueError("an isolation needs an actor: who asks for it")
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON_MAX:
        raise ValueError(f"an isolation needs a reason of 1 to {REASON_MAX} characters; whoever looks at it next must "
                         "know why")
    if not TTL_LEAST <= ttl <= TTL_MOST:
        raise ValueError(f"ttl must be {format_duration(TTL_LEAST)} to {format_duration(TTL_MOST)}, not "
                         f"{format_duration(ttl) if ttl >= 0 else 'negative'}; what is to stay belongs into the config")
    return Isolation(parsed, actor.strip(), reason, now, now + ttl, keep_open)


def in_force(isolations: Iterable[Isolation], now: int) -> dict[Target, Isolation]:
    """For each target the isolation that ends last."""
    found: dict[Target, Isolation] = {}
    for each in isolations:
        if each.is_active(now) and (each.target not in found or found[each.target].expires < each.expires):
            found[each.target] = each
    return found


def monotonic_until(isolation: Isolation, now_utc: int, now_monotonic: int) -> int:
    """Its expiry on the board's clock, recomputed each second, as UTC may be set meanwhile."""
    return now_monotonic + max(0, isolation.expires - now_utc)


def _example(kind: str) -> str:
    return {"route": "list-orders", "upstream": "orders", "endpoint": "127.0.0.1:9001", "client": "192.0.2.7"}[kind]


