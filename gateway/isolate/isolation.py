"""Isolation: a person, or the gateway, takes a route, upstream, endpoint or client out of service, for a time.

Theory of operation. An isolation is an override (model/override.py): a value with a reason and an expiry. One for a
target that is isolated already takes the other's place, so that a person can shorten it or correct its reason. Where
two targets mean the same endpoint (`endpoint:ADDRESS`, and `endpoint:UPSTREAM/ADDRESS`) the one that ends last holds.

Its requests are refused from the next one on; its open tunnels are closed too, unless it says `keep open`. An endpoint
that is isolated is left out of the balancing, and the panic rule does not bring it back.
"""

from collections.abc import Collection

from gateway.model import override as overrides
from gateway.model import target as targets
from gateway.model.override import Override
from gateway.model.target import Target

LISTED_MAX = 10


class UnknownTargetError(ValueError):
    """No such route, upstream or endpoint; the message says which there are."""


def isolate(target: str, reason: str, who: str, now: int, ttl: int = overrides.TTL, keep_open: bool = False,
            note: str = "") -> Override:
    """A checked isolation from `now` (UTC nanoseconds) for `ttl`. Raises ValueError, with what to write instead."""
    value = overrides.KEEP_OPEN if keep_open else overrides.CLOSE
    return overrides.override(overrides.ISOLATION, str(targets.parse(target)), value, reason, who, now, ttl, note)


def check_known(target: Target, known: Collection[str]) -> None:
    """Raises UnknownTargetError where `known`, the names of the target's kind, lacks it; any client may be isolated."""
    if target.kind == "client" or any(means(target, name) for name in known):
        return
    listed = ", ".join(sorted(known)[:LISTED_MAX]) or "none"
    more = f" and {len(known) - LISTED_MAX} more" if len(known) > LISTED_MAX else ""
    raise UnknownTargetError(f"there is no {target}; known here: {listed}{more}")


def means(target: Target, name: str) -> bool:
    """Is this the name of what the target means? Endpoints' names are UPSTREAM/ADDRESS."""
    return target.name == name or (target.kind == "endpoint" and target.name == name.partition("/")[2])
