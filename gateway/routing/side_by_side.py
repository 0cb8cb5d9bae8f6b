"""What one plan changes of another: for while both serve, each its clients, and for what is to blame if it goes wrong.

Both have the same rows on the board for whatever has the same name: counters, permits, breakers, ejections. A limit
that differs is the exception: its arrival times are those of its own rate, so that the newer plan's has a spare row, or
one plan's requests would use up what the other one allows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.routing.plan import Plan, Route, Upstream

SPARE = "~"
"""Behind the name of a limit: its other row. No name can end so."""
Names = frozenset[str]
Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What the newer plan added or changed. `routes`: those that it removed, too, and those whose upstream differs;
    `endpoints`: (upstream, address), all of an upstream whose settings differ; `limits`: (route, limit), changed."""

    routes: Names = frozenset()
    upstreams: Names = frozenset()
    endpoints: Pairs = frozenset()
    limits: Pairs = frozenset()

    @property
    def concerns_requests(self) -> bool:
        return bool(self.routes or self.upstreams)


def difference(old: Plan, new: Plan) -> Difference:
    upstreams = _changed(old.upstreams, new.upstreams)
    routes = _changed(old.routes, new.routes) | {each.name for each in new.routes if each.upstream in upstreams}
    routes |= {each.name for each in old.routes} - {each.name for each in new.routes}
    return Difference(frozenset(routes), frozenset(upstreams), frozenset(_endpoints(old, new)), limits(old, new))


def limits(old: Plan, new: Plan) -> Pairs:
    """(route, limit) that both plans have, and have otherwise."""
    before = {(route.name, each.name): each for route in old.routes for each in route.limits}
    return frozenset((route.name, each.name) for route in new.routes for each in route.limits
                     if before.get((route.name, each.name), each) != each)


def spare(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The names of the spare rows of limits."""
    return [(route, limit + SPARE) for route, limit in sorted(pairs)]


def _changed(old: Iterable[Route] | Iterable[Upstream], new: Iterable[Route] | Iterable[Upstream]) -> set[str]:
    before = {each.name: each for each in old}
    return {each.name for each in new if before.get(each.name) != each}


def _endpoints(old: Plan, new: Plan) -> Iterable[tuple[str, str]]:
    before = {each.name: each for each in old.upstreams}
    for upstream in new.upstreams:
        was = before.get(upstream.name)
        alike = was is not None and replace(was, endpoints=()) == replace(upstream, endpoints=())
        known = was.endpoints if was is not None and alike else ()
        yield from ((upstream.name, each.address) for each in upstream.endpoints if each not in known)
