"""Where a drill takes place: what was asked for, or the first that fits of what the running gateway serves."""

from dataclasses import dataclass
from typing import Any

from gateway.cli.asking import ask
from gateway.model.signal import GATEWAY

SURGING = "127.0.0.66"


class NoPlaceError(ValueError):
    """Nothing that is served fits the scenario; the message says what to name."""


@dataclass(frozen=True, slots=True)
class Place:
    """`upstreams`: more than one where the scenario is about all of them; `about`: what its incident's scope names."""

    route: str = ""
    upstreams: tuple[str, ...] = ()
    endpoint: str = ""
    client: str = ""
    is_gateway: bool = False

    @property
    def about(self) -> str:
        """A part of the name of a target in the incident's scope; a shared gateway word where all are meant."""
        if self.is_gateway:
            return GATEWAY
        if self.endpoint:
            return self.endpoint
        return self.upstreams[0] if len(self.upstreams) == 1 else ""

    def __str__(self) -> str:
        if self.is_gateway:
            return GATEWAY
        named = [("route", self.route), ("upstream", ", ".join(self.upstreams)), ("endpoint", self.endpoint),
                 ("client", self.client)]
        return "; ".join(f"{kind} {name}" for kind, name in named if name)


def find(admin: str, kind: str, route: str, upstream: str, endpoint: str, client: str) -> Place:
    """`kind` as a scenario's `place`; what is given is heeded. Raises NoPlaceError."""
    served = ask(admin, "/v1/targets")
    routes = [each for each in served["routes"] if each["upstream"] and route in ("", each["name"])]
    upstreams = {each["name"]: each for each in served["upstreams"] if upstream in ("", each["name"])}
    fitting = [each for each in routes if each["upstream"] in upstreams]
    if kind in ("upstreams", GATEWAY):
        return Place(upstreams=tuple(upstreams), is_gateway=kind == GATEWAY)
    for each in fitting:
        place = _place(kind, each, upstreams[each["upstream"]], endpoint, client)
        if place is not None:
            return place
    raise NoPlaceError(f"no {kind} that is served fits; name one with --route, --upstream, --endpoint or --client")


def _place(kind: str, route: dict[str, Any], upstream: dict[str, Any], endpoint: str, client: str) -> Place | None:
    name, addresses = str(upstream["name"]), [str(each["address"]) for each in upstream["endpoints"]]
    match kind:
        case "endpoint":
            wanted = [each for each in addresses if endpoint in ("", each)]
            return Place(upstreams=(name,), endpoint=wanted[0]) if wanted and len(addresses) > 1 else None
        case "upstream":
            return Place(upstreams=(name,))
        case "route":
            return Place(route=str(route["name"]), upstreams=(name,))
    return Place(route=str(route["name"]), upstreams=(name,), client=client or SURGING)
