"""Why a request is answered as it is: the route and why that one, each safeguard it meets, and the line that says so.

What is told of the safeguards is how they are NOW: a recorded request is decided anew, and both are shown side by side.
Nothing is charged and no state changes: the board is read, the step rooms are asked.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway import _limiter
from gateway.admin import safeguards, targets_api
from gateway.board import Board, limit_name
from gateway.config.places import Place, Places
from gateway.control import client_slots
from gateway.control.actuate import client_key
from gateway.mitigate import limits
from gateway.model import target as targets
from gateway.model.override import Override
from gateway.model.safeguards import ENFORCE, seconds
from gateway.routing.plan import Limit, Match, Plan, Route, Upstream
from gateway.routing.router import Router

OTHERS_MOST = 10
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the router sees it: no query in the path; header names in lower case; `client`: an address or ""."""

    method: str
    path: str
    host: str = ""
    client: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def snapshot(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class Explainer:
    """One plan on one board. `standing`: what is isolated by hand, for who and why."""

    def __init__(self, board: Board, plan: Plan, text: str, standing: list[Override]) -> None:
        self._board = board
        self._plan = plan
        self._places = Places(text)
        self._standing = {each.target: each for each in standing}

    def explain(self, asked: Question, now: int) -> dict[str, Any]:
        """`now`: monotonic."""
        router = Router(self._plan.routes)
        index = router.match(asked.host, asked.path, asked.method, asked.headers)
        if index < 0:
            return {"route": None, "others": list(self._others(asked, -1)), "safeguards": [],
                    "verdict": self._no_route(router, asked, index), "denied": True}
        route = router.routes[index]
        met = list(self._met(route, asked, now))
        stops = next((each for each in met if each["acting"] and each["mode"] == ENFORCE and each["gate"]), None)
        return {"route": self._route(route), "others": list(self._others(asked, index)), "safeguards": met,
                "verdict": self._verdict(route, stops), "denied": stops is not None}

    def _no_route(self, router: Router, asked: Question, index: int) -> str:
        if index == -2:
            allowed = router.allowed_methods(asked.host, asked.path, asked.headers)
            return f"405: routes match, but none for {asked.method}; allowed: {allowed}"
        return "404: no route matches"

    def _route(self, route: Route) -> dict[str, Any]:
        return {"name": route.name, "target": f"route:{route.name}", "to": targets_api.goes_to(route),
                "why": _why(route.match), "config": _told(self._places.of_route(route.name, "match"))}

    def _others(self, asked: Question, taken: int) -> Iterator[dict[str, Any]]:
        """Routes whose path matches too, and why they were not taken."""
        found = 0
        for index, route in enumerate(self._plan.routes):
            if index == taken or not _takes(dataclasses.replace(route, match=Match(route.match.path)), asked):
                continue
            found += 1
            if found > OTHERS_MOST:
                return
            why = "it matches too; another is more specific" if _takes(route, asked) else _misses(route, asked)
            yield {"name": route.name, "why": why, "config": _told(self._places.of_route(route.name, "match"))}

    def _met(self, route: Route, asked: Question, now: int) -> Iterator[Item]:
        """Each safeguard on its way, in the order of the gates."""
        items = safeguards.safeguards(self._board, self._plan, now)
        mine = [each for each in items if each["target"] == f"route:{route.name}"]
        yield from self._by_hand(f"route:{route.name}", mine)
        yield from self._client(asked.client)
        for each in mine:
            if each["safeguard"] != "isolation":
                yield self._of_route(each, route, asked, now)
        upstream = next((each for each in self._plan.upstreams if each.name == route.upstream), None)
        if upstream is not None:
            yield from self._of_upstream(upstream, items)

    def _by_hand(self, target: str, items: list[Item]) -> Iterator[Item]:
        for each in items:
            if each["safeguard"] == "isolation":
                by = self._standing.get(target)
                seen = f"{by.who} {by.note}".strip() + f": {by.reason}" if by else each["observed"]
                yield each | {"observed": seen, "window": "", "config": None, "gate": True}

    def _client(self, address: str) -> Iterator[Item]:
        standing = self._standing.get(str(targets.parse(f"client:{address}"))) if address else None
        if standing is not None:
            yield from self._by_hand(standing.target, [{
                "target": standing.target, "safeguard": "isolation", "mode": ENFORCE, "state": "isolated",
                "acting": True, "observed": "", "threshold": "none", "decision": "isolated"}])

    def _of_route(self, item: Item, route: Route, asked: Question, now: int) -> Item:
        kind, _, name = item["safeguard"].partition(" ")
        if kind == "limit":
            limit = next(each for each in route.limits if each.name == name)
            place = self._places.of_route(route.name, "limits", name)
            return self._limit(item, route, limit, asked, now) | {
                "window": seconds(limit.period_ns), "config": _told(place), "gate": True}
        key = {"bulkhead": "concurrency", "shedding": "priority"}.get(kind, kind)
        return item | {"window": "", "config": _told(self._places.of_route(route.name, key)), "gate": True}

    def _limit(self, item: Item, route: Route, limit: Limit, asked: Question, now: int) -> Item:
        """A limit that counts for each client, header or cookie: how it is for this one."""
        row = self._board.names("limits").get(limit_name(route.name, limit.name))
        client = self._key(limit, asked)
        if limit.key == "route" or row is None or client is None:
            return item
        arrival = client_slots.arrival_of(self._board, client, row)
        decision, left = (limits.decide(limit, arrival, now, cost) for cost in (1, 0))
        told = limits.explain(limit, dataclasses.replace(decision, remaining=left.remaining))
        return item | {"state": "passes" if decision.allowed else "denies", "acting": not decision.allowed,
                       "observed": told.observed, "decision": told.decision}

    def _key(self, limit: Limit, asked: Question) -> int | None:
        kind, name = limits.parse_key(limit.key)
        if kind == "header":
            seed = self._board.header["seed0"], self._board.header["seed1"]
            return _limiter.hash_key(asked.headers.get(name, "").encode("latin-1", "replace"), seed)
        if kind not in ("client", "route+client"):
            return None
        by, _, name = self._plan.client_key.partition(":")
        if by == "header" and asked.headers.get(name.lower()):
            return client_key(self._board, f"key:{asked.headers[name.lower()]}")
        return client_key(self._board, str(targets.parse(f"client:{asked.client}").name)) if asked.client else None

    def _of_upstream(self, upstream: Upstream, items: list[Item]) -> Iterator[Item]:
        name, target = upstream.name, f"upstream:{upstream.name}"
        mine = [each for each in items if each["target"] == target]
        yield from self._by_hand(target, mine)
        windows = {"breaker": upstream.breaker.window, "ejection": upstream.eject.window,
                   "health": upstream.health.every * upstream.health.fall}
        keys = {"bulkhead": "concurrency", "ejection": "eject"}
        below = [each for each in items if each["target"].startswith(f"endpoint:{name}/")]
        for each in [each for each in mine if each["safeguard"] != "isolation"] + below:
            kind = str(each["safeguard"])
            place = self._places.of_upstream(name, keys.get(kind, kind)) if kind != "isolation" else None
            window = seconds(windows[kind]) if kind in windows else ""
            # One endpoint that is out stops nobody, as long as there is another.
            yield each | {"window": window, "config": _told(place), "gate": each in mine}

    def _verdict(self, route: Route, stops: Item | None) -> str:
        if stops is None:
            return f"passes: {targets_api.goes_to(route)}"
        fallback = f"; then its fallback: {', '.join(step.kind for step in route.fallback)}" if route.fallback else ""
        return f"stopped by {stops['safeguard']} of {stops['target']}: {stops['decision']}{fallback}"


def _takes(route: Route, asked: Question) -> bool:
    return Router((route,)).match(asked.host, asked.path, asked.method, asked.headers) >= 0


def _misses(route: Route, asked: Question) -> str:
    """What of a route's match does not fit, where its path does."""
    match, open_to = route.match, Match(route.match.path)
    if not _takes(dataclasses.replace(route, match=dataclasses.replace(open_to, hosts=match.hosts)), asked):
        return f"it is for the host {' or '.join(match.hosts)}"
    if not _takes(dataclasses.replace(route, match=dataclasses.replace(open_to, methods=match.methods)), asked):
        return f"it is for {' or '.join(match.methods)}"
    return f"it needs the headers {', '.join(f'{name}: {value}' for name, value in match.headers)}"


def _why(match: Match) -> str:
    parts = [f"path {match.path}", f"host {' or '.join(match.hosts)}" if match.hosts else "any host",
             f"method {' or '.join(match.methods)}" if match.methods else "any method",
             *(f"header {name}: {value}" for name, value in match.headers)]
    return f"the most specific match: {', '.join(parts)}"


def _told(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else dataclasses.asdict(place)
