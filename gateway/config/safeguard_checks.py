"""Checks between the safeguards of a route and the rest of the config. Each answers (message, place) pairs.

They take what they need as values, so that they can be run on settings whose keys the loader does not accept yet.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.config.tree import Location
from gateway.mitigate.settings import FallbackSettings, LimitSettings
from gateway.model import kinds

Finding = tuple[str, Location]
FOR_EVERYONE = ("respond", "redirect")  # steps that always answer, so that none after them is reached


def of_route(route: Any, known: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with the limits and fallbacks of a route; `known` are the names of the upstreams."""
    yield from limit_names(getattr(route, "limits", ()))
    steps = getattr(route, "fallback", ())
    yield from alternates(steps, route.upstream, known)
    yield from unreachable(steps)


def limit_names(limits: Sequence[LimitSettings]) -> Iterator[Finding]:
    """A limit is found in answers, metrics and records by its name."""
    seen: set[str] = set()
    for index, limit in enumerate(limits):
        if limit.name in seen:
            yield f"{limit.name} is already a limit of this route; choose another name", ("limits", index, "name")
        seen.add(limit.name)


def alternates(steps: Sequence[FallbackSettings], own: str, known: Sequence[str]) -> Iterator[Finding]:
    """No loop: a step names another upstream than the route's own, and each only once."""
    seen: set[str] = set()
    for index, step in enumerate(steps):
        at: Location = ("fallback", index, "upstream")
        if not step.upstream:
            continue
        if step.upstream not in known:
            hint = kinds.suggestion(step.upstream, known) or "; add it below upstreams:"
            yield f"there is no upstream {step.upstream}{hint}", at
        elif step.upstream == own:
            yield f"{own} is what the route asks already; name another upstream", at
        elif step.upstream in seen:
            yield f"{step.upstream} is asked by an earlier step already; remove one of them", at
        seen.add(step.upstream)


def unreachable(steps: Sequence[FallbackSettings]) -> Iterator[Finding]:
    """A step whose every cause is answered by one before it."""
    answered: set[str] = set()
    for index, step in enumerate(steps):
        if set(step.on) <= answered:
            yield "is never reached, as an earlier step answers for all of its causes; move or remove it", (
                "fallback", index)
        if step.kind in FOR_EVERYONE and step.mode == "enforce":
            answered |= set(step.on)
