"""The site that faults are put upon: four upstreams, six routes, twenty clients. One statement of what is usual, read
by the simulator of its past (`history.py`) and by the live clients and endpoints, so that both are the same traffic.

Requests come as a Poisson process whose rate wanders: 8 %, with a memory of five minutes. 0.3 % of them fail, and an
answer takes a log-normal time, 40 ms in the middle. A site has one of LOADS, in requests per second of all routes.
"""

import math
import random
from dataclasses import dataclass
from typing import Any

LOADS = (20, 50, 100)
WANDER, MEMORY_S = 0.08, 300.0
ERRORS = 0.003
MEDIAN_MS, SIGMA = 40.0, 0.5
VERSION = "1.4.1"
AGENTS = {"web/5.1": 0.5, "ios/3.2": 0.3, "android/4.0": 0.2}
CLIENTS = tuple(f"127.0.1.{number}" for number in range(1, 21))
"""Source addresses; the first sends most, as 1, 1/2, 1/3 …"""
STRANGER = "127.0.9.9"
CONTROL = "status"
"""The route that no fault touches."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Road:
    """A route: `share` of the requests."""

    name: str
    method: str
    path: str
    upstream: str
    share: float


ENDPOINTS = {"orders": 3, "catalog": 3, "payments": 2, "pages": 1}
ROADS = (
    Road("list-orders", "GET", "/orders/list", "orders", 0.30),
    Road("place-order", "POST", "/orders", "orders", 0.15),
    Road("products", "GET", "/products/17", "catalog", 0.20),
    Road("search", "GET", "/search/shoes", "catalog", 0.15),
    Road("pay", "POST", "/pay", "payments", 0.15),
    Road(CONTROL, "GET", "/status", "pages", 0.05),
)
BY_NAME = {road.name: road for road in ROADS}
MATCHES = {"list-orders": "/orders/**", "place-order": "/orders", "products": "/products/**", "search": "/search/**",
           "pay": "/pay", CONTROL: "/status"}


def behind(upstream: str) -> list[str]:
    return [road.name for road in ROADS if road.upstream == upstream]


class Wander:
    """The rate's own noise, an AR(1): `step` seconds later it is `factor`."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._drift = 0.0

    def factor(self, step: float) -> float:
        keep = math.exp(-step / MEMORY_S)
        self._drift = keep * self._drift + math.sqrt(1 - keep * keep) * WANDER * self._draw.gauss(0, 1)
        return max(1 + self._drift, 0.05)


def config(port: int, places: dict[str, list[str]], acting: bool) -> Document:
    """The gateway's config, less admin and state. `places`: upstream -> addresses of its endpoints. Fallbacks answer
    for what is cut off, not for each failure, so that cutting off can be seen to help."""
    cut_off = ["isolated", "open"]
    fallbacks = {"products": {"status": 200, "json": {"from": "a cache"}, "on": cut_off},
                 "list-orders": {"status": 200, "json": {"from": "a cache"}, "on": cut_off}}
    mode = "enforce" if acting else "off"
    return {
        "version": 1,
        "listeners": [{"address": f"127.0.0.1:{port}"}],
        "workers": 1,
        "respond": {"mode": mode, "wider": mode},
        "upstreams": {name: {"endpoints": places[name], "timeouts": {"connect": "1s", "first_byte": "2s"},
                             "eject": {}, "breaker": {}}
                      for name in ENDPOINTS},
        "routes": [{"name": road.name, "match": {"path": MATCHES[road.name], "methods": [road.method]},
                    "upstream": road.upstream, **_fallback(fallbacks.get(road.name))} for road in ROADS],
    }


def _fallback(answer: Document | None) -> Document:
    if answer is None:
        return {}
    return {"fallback": [{"respond": {name: answer[name] for name in ("status", "json")}, "on": answer["on"]}]}
