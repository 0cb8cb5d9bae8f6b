"""The sixty injections: six classes of fault, ten variants each of load, share and place. One table.

`attributes`: what may be named first: conditions that hold the broken requests and no others. Where two say the same
(an upstream with one route, a client and its address) both are right; an agent is recorded as its family. `ORDERS/0`
is the address of that endpoint, and `revision` the number of the revision that broke it, known only when it runs.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace

from gateway.model.fault import FaultClass
from loadtests.injections import world
from loadtests.injections.clients import Surge
from loadtests.injections.origin import HANG, REFUSE, RESET, SLOW, STATUS, Fault
from loadtests.injections.world import BY_NAME, CLIENTS, STRANGER, Document

Where = dict[str, str]
Revision = Callable[[Document, str], Document]
"""The config, and the address of a port on which nobody listens -> another config."""

CLASSES = {"endpoint": FaultClass.ENDPOINT_FAILURE, "upstream": FaultClass.UPSTREAM_FAILURE,
           "slow": FaultClass.SLOW_UPSTREAM, "surge": FaultClass.CLIENT_SURGE,
           "config": FaultClass.MISCONFIGURATION, "defect": FaultClass.CODE_DEFECT}


@dataclass(frozen=True, slots=True)
class Injection:
    """`breaks`: (upstream, endpoint or None for all) -> its fault."""

    name: str
    load: int
    words: str
    attributes: tuple[Where, ...]
    breaks: tuple[tuple[str, int | None, Fault], ...] = ()
    surge: Surge | None = None
    revision: Revision | None = None
    hurt: frozenset[str] = field(default=frozenset())
    """The roads whose requests the fault touches."""

    @property
    def kind(self) -> str:
        return self.name.partition("-")[0]

    @property
    def right(self) -> FaultClass:
        return CLASSES.get(self.kind, FaultClass.UNKNOWN)


def _where_upstream(upstream: str) -> tuple[Where, ...]:
    roads = world.behind(upstream)
    return ({"upstream": upstream}, *({"route": road} for road in roads if len(roads) == 1))


def _told(fault: Fault) -> str:
    words = {STATUS: str(fault.status), SLOW: f"+{fault.seconds:g} s"}.get(fault.kind, fault.kind)
    return words + (f", {fault.share:.0%}" if fault.share < 1 else "")


def _endpoint(load: int, upstream: str, index: int, fault: Fault) -> Injection:
    return Injection("endpoint", load, f"{upstream}/{index}: {_told(fault)}", ({"endpoint": f"{upstream}/{index}"},),
                     ((upstream, index, fault),), hurt=frozenset(world.behind(upstream)))


def _upstream(load: int, upstream: str, fault: Fault) -> Injection:
    return Injection("upstream", load, f"{upstream}: {_told(fault)}", _where_upstream(upstream),
                     ((upstream, None, fault),), hurt=frozenset(world.behind(upstream)))


def _slow(load: int, upstream: str, seconds: float, index: int | None = None, share: float = 1.0) -> Injection:
    fault = Fault(SLOW, share, seconds=seconds)
    place = upstream if index is None else f"{upstream}/{index}"
    attributes = _where_upstream(upstream) if index is None else ({"endpoint": place},)
    return Injection("slow", load, f"{place}: {_told(fault)}", attributes, ((upstream, index, fault),),
                     hurt=frozenset(world.behind(upstream)))


def _surge(load: int, client: str, rate: float, road: str) -> Injection:
    return Injection("surge", load, f"{client}: {rate:g}/s on {road}", ({"client": client},),
                     surge=Surge(client, BY_NAME[road], rate, "web/5.1"), hurt=frozenset({road}))


def _config(load: int, words: str, roads: list[str], place: tuple[Where, ...], revision: Revision) -> Injection:
    return Injection("config", load, words, ({"revision": "new"}, *place), revision=revision, hurt=frozenset(roads))


def _defect(load: int, words: str, attributes: tuple[Where, ...], roads: list[str], *breaks: tuple[str, int | None,
            Fault]) -> Injection:
    return Injection("defect", load, words, attributes, breaks, hurt=frozenset(roads))


def _dead(upstream: str, index: int | None = None) -> Revision:
    def change(config: Document, nowhere: str) -> Document:
        endpoints = config["upstreams"][upstream]["endpoints"]
        for each in range(len(endpoints)) if index is None else (index,):
            endpoints[each] = nowhere if each == (index or 0) else f"{nowhere.rpartition(':')[0]}:{each + 1}"
        return config
    return change


def _upstream_setting(upstream: str, **settings: object) -> Revision:
    def change(config: Document, nowhere: str) -> Document:
        config["upstreams"][upstream] |= settings
        return config
    return change


def _route_setting(road: str, **settings: object) -> Revision:
    def change(config: Document, nowhere: str) -> Document:
        route = next(each for each in config["routes"] if each["name"] == road)
        if "respond" in settings:
            route.pop("upstream")
            route.pop("fallback", None)
        route |= settings
        return config
    return change


def _limit(road: str, rate: str, key: str = "route") -> Revision:
    return _route_setting(road, limits=[{"name": "new", "key": key, "rate": rate}])


def revised(injection: Injection, config: Document, nowhere: str) -> Document:
    assert injection.revision is not None
    return injection.revision(deepcopy(config), nowhere)


_EVERYWHERE = ("orders", "catalog", "payments")
_ROADS = [road.name for road in world.ROADS if road.name != world.CONTROL]


def _for_agent(agent: str, share: float, *upstreams: str) -> tuple[tuple[str, None, Fault], ...]:
    return tuple((upstream, None, Fault(STATUS, share, only={"agent": agent})) for upstream in upstreams)


def _on_path(road: str, share: float) -> tuple[str, None, Fault]:
    only = {"path": BY_NAME[road].path, "method": BY_NAME[road].method}
    return BY_NAME[road].upstream, None, Fault(STATUS, share, only=only)


def _versions(upstream: str, share: float, *endpoints: int) -> tuple[tuple[str, int, Fault], ...]:
    return tuple((upstream, each, Fault(STATUS, share, version="1.4.2")) for each in endpoints)


_TABLE = (
    _endpoint(100, "orders", 0, Fault(STATUS)),
    _endpoint(20, "orders", 1, Fault(STATUS)),
    _endpoint(50, "catalog", 2, Fault(RESET)),
    _endpoint(100, "payments", 0, Fault(STATUS, status=503)),
    _endpoint(20, "catalog", 0, Fault(HANG)),
    _endpoint(50, "orders", 2, Fault(REFUSE)),
    _endpoint(100, "orders", 1, Fault(STATUS, 0.3)),
    _endpoint(50, "catalog", 1, Fault(STATUS, 0.5)),
    _endpoint(100, "catalog", 0, Fault(RESET, 0.3)),
    _endpoint(50, "payments", 1, Fault(STATUS, 0.5, 502)),

    _upstream(100, "orders", Fault(STATUS)),
    _upstream(20, "catalog", Fault(STATUS, status=503)),
    _upstream(50, "payments", Fault(REFUSE)),
    _upstream(100, "catalog", Fault(RESET)),
    _upstream(50, "orders", Fault(HANG)),
    _upstream(20, "orders", Fault(REFUSE)),
    _upstream(100, "payments", Fault(STATUS, 0.3)),
    _upstream(50, "orders", Fault(STATUS, 0.3)),
    _upstream(100, "catalog", Fault(STATUS, 0.5, 503)),
    _upstream(50, "catalog", Fault(STATUS, 0.2)),

    _slow(100, "orders", 0.2),
    _slow(50, "catalog", 0.1),
    _slow(20, "orders", 0.5),
    _slow(50, "payments", 0.3),
    _slow(100, "catalog", 0.2, 0),
    _slow(50, "orders", 0.3, 1),
    _slow(100, "payments", 0.1),
    _slow(20, "catalog", 1.0),
    _slow(100, "orders", 0.08),
    _slow(50, "catalog", 0.5, share=0.5),

    _surge(100, STRANGER, 300, "list-orders"),
    _surge(20, STRANGER, 60, "products"),
    _surge(50, STRANGER, 150, "search"),
    _surge(100, CLIENTS[4], 200, "pay"),
    _surge(50, CLIENTS[2], 100, "list-orders"),
    _surge(20, STRANGER, 100, "products"),
    _surge(100, STRANGER, 150, "products"),
    _surge(50, CLIENTS[7], 200, "products"),
    _surge(20, CLIENTS[5], 40, "list-orders"),
    _surge(50, STRANGER, 75, "pay"),

    _config(100, "payments: a port where nobody listens", ["pay"], _where_upstream("payments"), _dead("payments")),
    _config(20, "catalog: a port where nobody listens", ["products", "search"], _where_upstream("catalog"),
            _dead("catalog")),
    _config(50, "orders/0: a port where nobody listens", ["list-orders", "place-order"], ({"endpoint": "nowhere"},),
            _dead("orders", 0)),
    _config(100, "products: limit 1/s", ["products"], ({"route": "products"},), _limit("products", "1/s")),
    _config(50, "list-orders: limit 2/s", ["list-orders"], ({"route": "list-orders"},), _limit("list-orders", "2/s")),
    _config(100, "search: limit 6/m a client", ["search"], ({"route": "search"},), _limit("search", "6/m", "client")),
    _config(50, "orders: first byte within 30 ms", ["list-orders", "place-order"], _where_upstream("orders"),
            _upstream_setting("orders", timeouts={"connect": "1s", "first_byte": "30ms"})),
    _config(100, "catalog: first byte within 40 ms", ["products", "search"], _where_upstream("catalog"),
            _upstream_setting("catalog", timeouts={"connect": "1s", "first_byte": "40ms"})),
    _config(50, "payments: TLS to plain endpoints", ["pay"], _where_upstream("payments"),
            _upstream_setting("payments", tls=True)),
    _config(20, "products: answered 503 by itself", ["products"], ({"route": "products"},),
            _route_setting("products", respond={"status": 503})),

    _defect(100, "agent ios/3.2: 500", ({"agent": "ios"},), _ROADS, *_for_agent("ios/3.2", 1.0, *_EVERYWHERE)),
    _defect(50, "agent android/4.0 at orders: 500", ({"agent": "android", "upstream": "orders"},),
            world.behind("orders"), *_for_agent("android/4.0", 1.0, "orders")),
    _defect(100, "route search: 500", ({"route": "search"},), ["search"], _on_path("search", 1.0)),
    _defect(50, "route place-order: 500, 50%", ({"route": "place-order"},), ["place-order"],
            _on_path("place-order", 0.5)),
    _defect(20, "agent ios/3.2: 500", ({"agent": "ios"},), _ROADS, *_for_agent("ios/3.2", 1.0, *_EVERYWHERE)),
    _defect(100, "version 1.4.2 at 2 of 3 orders: 500, 40%", ({"version": "1.4.2"},), world.behind("orders"),
            *_versions("orders", 0.4, 0, 1)),
    _defect(50, "version 1.4.2 at 2 of 3 catalog: 500, 60%", ({"version": "1.4.2"},), world.behind("catalog"),
            *_versions("catalog", 0.6, 1, 2)),
    _defect(100, "POST: 500, 50%", ({"method": "POST"},), ["place-order", "pay"],
            ("orders", None, Fault(STATUS, 0.5, only={"method": "POST"})),
            ("payments", None, Fault(STATUS, 0.5, only={"method": "POST"}))),
    _defect(100, "route list-orders: 500, 30%", ({"route": "list-orders"},), ["list-orders"],
            _on_path("list-orders", 0.3)),
    _defect(50, "agent web/5.1 at catalog: 500, 50%", ({"agent": "web", "upstream": "catalog"},),
            world.behind("catalog"), *_for_agent("web/5.1", 0.5, "catalog")),
)


def _numbered() -> dict[str, Injection]:
    counts: dict[str, int] = {}
    found = {}
    for each in _TABLE:
        counts[each.name] = counts.get(each.name, 0) + 1
        name = f"{each.kind}-{counts[each.name]}"
        found[name] = replace(each, name=name)
    return found


INJECTIONS = _numbered()
_OUT = Injection("outage-1", 100, "catalog: refuses everything", _where_upstream("catalog"),
                 (("catalog", None, Fault(REFUSE)),), hurt=frozenset(world.behind("catalog")))
_SOME = Injection("errors-1", 100, "products: 500, 20% of 20 requests/s", ({"route": "products"},),
                  (_on_path("products", 0.2),), hurt=frozenset({"products"}))
SPECIAL = {each.name: each for each in (_OUT, _SOME, *(
    Injection(f"healthy-{load}", load, "nothing is wrong", ()) for load in world.LOADS))}
"""Beside the sixty: a total outage, 20 % errors at about 20 requests a second, and none at all."""
