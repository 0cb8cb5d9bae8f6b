"""Changes of the config that would have held an incident, by its kind of fault; one idea each, from what was measured.

    client surge          a limit for each client, twice what the client sent at most usually
    upstream unreachable  the last good answer while it is away
    slow upstream         a time-out of three times what a hundredth of the answers took before
    endpoint failure      ejection, and a second try elsewhere
    gateway overload      a limit for the route, at half as much again as its busiest ten seconds before
    misconfiguration      what was served before, while the revision is still served

Where the config has such a safeguard already nothing is drafted: it was there, and its numbers are the question.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.model import quantities
from gateway.model.fault import FaultClass
from gateway.prevent.case import Case
from gateway.prevent.rule_drafts import Observed

Part = dict[str, Any]
MILLISECOND = 1_000_000
LEAST_TIMEOUT_MS = 100.0


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """`section`, `part`: upstreams or routes and the name in it; `path`: the key below; `value`: as one writes it; a
    list is what is added to the one that is there."""

    title: str
    why: str
    section: str
    part: str
    path: tuple[str, ...]
    value: Any

    @property
    def name(self) -> str:
        return f"{self.part}-{'-'.join(self.path)}"


def drafts(case: Case, config: Part, routes: tuple[str, ...], observed: dict[str, Observed]) -> Iterator[ChangeDraft]:
    """`config`: what is served, as one would write it with every default; `routes`: those affected."""
    drafter = DRAFTERS.get(case.incident.fault)
    if drafter is not None:
        known = [each for each in config.get("routes", ()) if each["name"] in routes]
        yield from drafter(case, config, known, observed)


def observed(case: Case) -> dict[str, Observed]:
    """Of each affected route before the onset."""
    found = {}
    for each in case.series:
        before = each.between(each.first, case.onset_ns // 10**9)
        peak = max((many / each.step for many in before.requests), default=0.0)
        slowest = max((ms for ms in before.p99_ms if ms is not None), default=0.0)
        found[each.target.removeprefix("route:")] = Observed(round(peak, 2), slowest)
    return found


def _surge(case: Case, config: Part, routes: list[Part], seen: dict[str, Observed]) -> Iterator[ChangeDraft]:
    usual = float((case.incident.finding.get("surge") or {}).get("usual_per_second", 0.0))
    rate = max(1, math.ceil(2 * usual))
    for route in routes:
        if any("client" in each.get("key", "") for each in route.get("limits", ())):
            continue
        limit = {"name": f"incident-{case.incident.id}", "key": "client", "rate": f"{rate}/s"}
        yield ChangeDraft(f"limit each client of {route['name']} to {rate}/s",
                          f"the client sent at most {usual:g}/s usually; no limit of the route counts by client",
                          "routes", route["name"], ("limits",), [limit])


def _unreachable(case: Case, config: Part, routes: list[Part], seen: dict[str, Observed]) -> Iterator[ChangeDraft]:
    for route in routes:
        if route.get("upstream") and not route.get("fallback"):
            yield ChangeDraft(f"answer {route['name']} with the last good answer while its upstream is away",
                              "the route has no fallback; what may be stored is kept for 5 minutes",
                              "routes", route["name"], ("fallback",), [{"stale": {"for": "5m"}}])


def _slow(case: Case, config: Part, routes: list[Part], seen: dict[str, Observed]) -> Iterator[ChangeDraft]:
    for name, p99 in _upstreams(routes, seen).items():
        now = config["upstreams"][name]["timeouts"]["first_byte"]
        wanted = _nice(max(3 * p99, LEAST_TIMEOUT_MS))
        if p99 and (now == "off" or quantities.parse_duration(now) > wanted * MILLISECOND):
            text = quantities.format_duration(round(wanted * MILLISECOND))
            yield ChangeDraft(f"wait at most {text} for {name}",
                              f"a hundredth of the answers took {p99:g} ms before; the time-out was {now}, so that "
                              "slow requests held everything up",
                              "upstreams", name, ("timeouts", "first_byte"), text)


def _endpoint(case: Case, config: Part, routes: list[Part], seen: dict[str, Observed]) -> Iterator[ChangeDraft]:
    for name in _upstreams(routes, seen):
        upstream = config["upstreams"][name]
        if len(upstream["endpoints"]) < 2:
            continue
        if "eject" not in upstream:
            yield ChangeDraft(f"take a failing endpoint of {name} out", "the upstream has others and no ejection",
                              "upstreams", name, ("eject",), {"consecutive_failures": 5, "for": "30s"})
        if "retry" not in upstream:
            yield ChangeDraft(f"try a failed request to {name} again at another endpoint",
                              "the upstream has others and no retries",
                              "upstreams", name, ("retry",), {"attempts": 2, "budget": "20%"})


def _overload(case: Case, config: Part, routes: list[Part], seen: dict[str, Observed]) -> Iterator[ChangeDraft]:
    for route in routes:
        peak = seen.get(route["name"], Observed()).peak
        if not peak or any(each.get("key", "route") == "route" for each in route.get("limits", ())):
            continue
        rate = math.ceil(1.5 * peak)
        limit = {"name": f"incident-{case.incident.id}", "key": "route", "rate": f"{rate}/s"}
        yield ChangeDraft(f"limit {route['name']} to {rate}/s", f"its busiest ten seconds before had {peak:g}/s",
                          "routes", route["name"], ("limits",), [limit])


DRAFTERS = {
    FaultClass.CLIENT_SURGE: _surge, FaultClass.UPSTREAM_FAILURE: _unreachable,
    FaultClass.NETWORK_FAILURE: _unreachable, FaultClass.SLOW_UPSTREAM: _slow, FaultClass.ENDPOINT_FAILURE: _endpoint,
    FaultClass.GATEWAY_OVERLOAD: _overload,
}


def _upstreams(routes: list[Part], seen: dict[str, Observed]) -> dict[str, float]:
    """The upstreams of these routes, with the slowest that was seen of one."""
    found: dict[str, float] = {}
    for route in routes:
        if name := route.get("upstream"):
            found[name] = max(found.get(name, 0.0), seen.get(route["name"], Observed()).p99_ms)
    return found


def _nice(ms: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(ms))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= ms)
