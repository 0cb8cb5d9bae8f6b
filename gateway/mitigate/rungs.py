"""Which actions may help against which fault, the gentlest first: RUNGS is the law, `ladder.py` the one who climbs.

A rung is a function from what was found and what there is to the actions it means; none where it does not apply. Of
whatever class the fault is: where the finding blames one endpoint for most of it, to take that out is the first rung,
as nothing is narrower. What people say causes no action.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.mitigate.measure import FAILURES, LATENCY, LOAD
from gateway.mitigate.shedding import LEVELS
from gateway.model.action import Action, ActionKind
from gateway.model.fault import FaultClass
from gateway.model.incident import Incident, only_people_say_so
from gateway.model.safeguards import PRIORITIES, SECOND
from gateway.model.signal import SignalKind

MOST = 0.5
"""The share of the new failures from which on a cause is acted on."""
ROUTES_MOST = 16
"""Of one rung; more routes than that are not a case for rungs of routes."""
CONCURRENCY_LEAST = 4
CONCURRENCY_SPREAD = 4.0
"""Standard deviations of how many are in flight (Poisson): what is usual is never refused."""
CLAMP_LEAST = 1.0
"""Requests per second that a client keeps at least."""
SLOWNESS = frozenset({SignalKind.SLOW})


@dataclass(frozen=True, slots=True)
class Site:
    """What there is, as the plan and the board say.

    `endpoints`: upstream -> its addresses; `out`: endpoints that take no requests now, as UPSTREAM/ADDRESS; `behind`:
    route -> upstream; `fallbacks`: routes that have one; `priorities`: route -> tier; `in_flight`: target -> requests
    at a time, as usual; `revision`, `previous`: served, and the one before (0: none).
    """

    endpoints: Mapping[str, Sequence[str]] = field(default_factory=dict)
    out: frozenset[str] = frozenset()
    behind: Mapping[str, str] = field(default_factory=dict)
    fallbacks: frozenset[str] = frozenset()
    priorities: Mapping[str, int] = field(default_factory=dict)
    in_flight: Mapping[str, float] = field(default_factory=dict)
    revision: int = 0
    previous: int = 0

    def routes_of(self, target: str) -> list[str]:
        """The routes whose requests come to a target; none of a client, which may be seen on all of them."""
        kind, _, name = target.partition(":")
        if kind == "route":
            return [name]
        upstream = name.partition("/")[0] if kind in ("upstream", "endpoint") else ""
        return sorted(route for route, each in self.behind.items() if upstream and each == upstream)


@dataclass(frozen=True, slots=True)
class Case:
    """An incident and the site, as the rungs read them."""

    incident: Incident
    site: Site

    @property
    def routes(self) -> list[str]:
        """Those in its scope, and those whose upstream is."""
        named = {each.partition(":")[2] for each in self.incident.scope if each.startswith("route:")}
        cut = {each.partition(":")[2] for each in self.incident.scope if each.startswith("upstream:")}
        return sorted(named | {route for route, upstream in self.site.behind.items() if upstream in cut})[:ROUTES_MOST]

    @property
    def upstreams(self) -> list[str]:
        """Those in its scope, and those that its routes and endpoints belong to."""
        found = {self.site.behind[route] for route in self.routes if route in self.site.behind}
        for each in self.incident.scope:
            kind, _, name = each.partition(":")
            if kind == "upstream":
                found.add(name)
            elif kind == "endpoint":
                found.add(name.partition("/")[0])
        return sorted(found & self.site.endpoints.keys())

    @property
    def is_slow(self) -> bool:
        """Requests are slow, and do not fail."""
        kinds = {each.kind for each in self.incident.signals}
        return bool(kinds & SLOWNESS) and SignalKind.ERRORS not in kinds

    @property
    def by(self) -> str:
        return LATENCY if self.is_slow else FAILURES

    def blamed(self, column: str) -> list[str]:
        """The values of a column that the finding holds most of the trouble against, and no other column with it."""
        causes = self.incident.finding.get("causes") or []
        return [each["where"][column] for each in causes if column in each["where"] and each["share"] >= MOST]


Rung = Callable[[Case], Iterator[Action]]


def _action(case: Case, kind: ActionKind, target: str, value: int, why: str, measured: str, by: str = "") -> Action:
    incident = case.incident
    evidence = tuple(str(each) for each in incident.signals[:3])
    return Action(incident.id, kind, target, value, why, (str(incident.finding.get("words", "")), *evidence), 0,
                  measured, by or case.by, 0)


def eject(case: Case) -> Iterator[Action]:
    """The endpoint that most of it comes from, unless too few would be left."""
    for address in case.blamed("endpoint"):
        for upstream in case.upstreams:
            if address in case.site.endpoints[upstream] and spares(case.site, upstream, address):
                yield _action(case, ActionKind.EJECT, f"endpoint:{upstream}/{address}", 0,
                              f"most of the trouble comes from {address}", f"upstream:{upstream}")


def spares(site: Site, upstream: str, address: str) -> bool:
    """Can the upstream do without this one? At least half of its endpoints must be left."""
    every = site.endpoints.get(upstream, ())
    left = [each for each in every if each != address and f"{upstream}/{each}" not in site.out]
    return bool(left) and 2 * len(left) >= len(every)


def clamp(case: Case) -> Iterator[Action]:
    """The client that most of the new requests come from, to what it usually sends."""
    for client, usual in _surging(case):
        rate = max(usual, CLAMP_LEAST)
        yield _action(case, ActionKind.CLAMP, f"client:{client}", int(SECOND / rate),
                      f"it sends more than the {rate:.3g} requests/s that are usual for it", _loaded(case), LOAD)


def isolate_client(case: Case) -> Iterator[Action]:
    for client, _ in _surging(case):
        yield _action(case, ActionKind.ISOLATE, f"client:{client}", 1, "clamped, it still does harm", _loaded(case),
                      LOAD)


def _surging(case: Case) -> list[tuple[str, float]]:
    """The client, and its usual requests per second."""
    surge = case.incident.finding.get("surge") or {}
    client = surge.get("where", {}).get("client")
    return [(client, float(surge.get("usual_per_second", 0.0)))] if client and surge.get("share", 0.0) >= MOST else []


def _loaded(case: Case) -> str:
    """Where a surge is felt: at an upstream of its scope, or else at the busiest one."""
    site = case.site
    busiest = max(site.endpoints, key=lambda name: site.in_flight.get(f"upstream:{name}", 0.0), default="")
    named = case.upstreams[0] if case.upstreams else busiest
    return f"upstream:{named}" if named else case.incident.scope[0]


def concurrency(case: Case) -> Iterator[Action]:
    """Twice what is usually in flight at an upstream and its spread, no more: what waits there beyond that makes all
    of it slow."""
    for upstream in case.upstreams:
        usual = case.site.in_flight.get(f"upstream:{upstream}", 0.0)
        limit = max(CONCURRENCY_LEAST, math.ceil(2 * usual + CONCURRENCY_SPREAD * math.sqrt(usual)))
        yield _action(case, ActionKind.CONCURRENCY, f"upstream:{upstream}", limit,
                      f"{usual:.3g} requests at a time are usual for it", f"upstream:{upstream}")


def fallback(case: Case) -> Iterator[Action]:
    """Answer from the fallbacks that the config has."""
    for route in case.routes:
        if route in case.site.fallbacks:
            yield _action(case, ActionKind.FALLBACK, f"route:{route}", 1,
                          "its fallback answers better than its upstream", f"route:{route}")


def open_breaker(case: Case) -> Iterator[Action]:
    """Ask an upstream nothing at all while it recovers."""
    for upstream in case.upstreams:
        yield _action(case, ActionKind.BREAKER, f"upstream:{upstream}", 1, "it cannot work while it is asked",
                      f"upstream:{upstream}", LOAD)


def shed(*words: str) -> Rung:
    """Requests of these priorities, on all their routes; the most important route tells whether it helps."""
    def rung(case: Case) -> Iterator[Action]:
        tiers, routes = {PRIORITIES[each] for each in words}, case.site.priorities
        first = min(routes, key=lambda each: (routes[each], each), default="")
        for route, tier in sorted(routes.items())[:ROUTES_MOST]:
            if tier in tiers and routes[first] < tier:
                yield _action(case, ActionKind.SHED, f"route:{route}", LEVELS - 1, f"its priority is {_word(tier)}",
                              f"route:{first}", LATENCY)
    return rung


def _word(tier: int) -> str:
    return next(word for word, each in PRIORITIES.items() if each == tier)


def roll_back(case: Case) -> Iterator[Action]:
    """The revision that the fault came with."""
    site = case.site
    if site.previous and case.incident.revision == site.revision:
        measured = [*(f"route:{each}" for each in case.routes), *(f"upstream:{each}" for each in case.upstreams)]
        yield _action(case, ActionKind.ROLL_BACK, f"revision:{site.revision}", site.previous,
                      f"it came with revision {site.revision}", next(iter(measured), case.incident.scope[0]), FAILURES)


def isolate_route(case: Case) -> Iterator[Action]:
    for route in case.blamed("route"):
        if route in case.site.behind:
            yield _action(case, ActionKind.ISOLATE, f"route:{route}", 1, "most of the trouble comes from it",
                          f"upstream:{case.site.behind[route]}")


RUNGS: dict[FaultClass, tuple[Rung, ...]] = {
    FaultClass.GATEWAY_OVERLOAD: (shed("bulk", "low"), shed("normal")),
    FaultClass.MISCONFIGURATION: (roll_back,),
    FaultClass.CLIENT_SURGE: (clamp, isolate_client),
    FaultClass.ENDPOINT_FAILURE: (eject, fallback),
    FaultClass.NETWORK_FAILURE: (fallback, open_breaker),
    FaultClass.UPSTREAM_FAILURE: (fallback, concurrency, open_breaker),
    FaultClass.SLOW_UPSTREAM: (eject, concurrency, fallback),
    FaultClass.CODE_DEFECT: (isolate_route,),
    FaultClass.UNKNOWN: (),
}


def rungs(incident: Incident, site: Site, now: int) -> list[Action]:
    """All that may be tried against it, planned, in its order. The first rung is 1; its parts share its number."""
    if only_people_say_so(incident):
        return []
    case, found = Case(incident, site), []
    ladder = (eject, *(each for each in RUNGS[incident.fault] if each is not eject))
    for number, rung in enumerate(ladder, 1):
        found += [_numbered(each, number, now) for each in rung(case)]
    return found


def _numbered(action: Action, rung: int, now: int) -> Action:
    return dataclasses.replace(action, rung=rung, at_ns=now, since_ns=now)
