"""Every way in which the gateway itself ends a request: few, flat, each with a side, a status and whether to retry.

The table is the law: the data plane, the metrics and the docs read it. `side` says whose fault it is,
`retry` whether the same request may be sent again by the client without harm.
"""

from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    CLIENT = "client"
    UPSTREAM = "upstream"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason` is the stable word in problem+json, logs and metrics; `hint` tells the reader what to do next."""

    reason: str
    status: int
    side: Side
    retry: bool
    title: str
    hint: str


REFUSALS: tuple[Refusal, ...] = (
    Refusal("bad_request", 400, Side.CLIENT, False, "Bad Request", "Send a request that follows RFC 9112."),
    Refusal("no_route", 404, Side.CLIENT, False, "Not Found", "No route matches this host and path."),
    Refusal("method_not_allowed", 405, Side.CLIENT, False, "Method Not Allowed", "Use a method that the route lists."),
    Refusal("head_timeout", 408, Side.CLIENT, True, "Request Timeout", "Send the whole request head sooner."),
    Refusal("body_timeout", 408, Side.CLIENT, True, "Request Timeout", "Keep the request body coming."),
    Refusal("body_too_large", 413, Side.CLIENT, False, "Content Too Large", "Send a smaller body."),
    Refusal("target_too_long", 414, Side.CLIENT, False, "URI Too Long", "Send a shorter request target."),
    Refusal("head_too_large", 431, Side.CLIENT, False, "Request Header Fields Too Large",
            "Send fewer or shorter headers."),
    Refusal("gateway_fault", 500, Side.GATEWAY, True, "Internal Server Error", "The gateway failed; its log says why."),
    Refusal("not_implemented", 501, Side.CLIENT, False, "Not Implemented", "Use Content-Length or a single `chunked`."),
    Refusal("version_not_supported", 505, Side.CLIENT, False, "HTTP Version Not Supported", "Use HTTP/1.1."),
    Refusal("connect_failed", 502, Side.UPSTREAM, True, "Bad Gateway",
            "No endpoint of the upstream takes connections."),
    Refusal("upstream_reset", 502, Side.UPSTREAM, False, "Bad Gateway", "The upstream ended before it answered."),
    Refusal("upstream_malformed", 502, Side.UPSTREAM, False, "Bad Gateway",
            "The upstream's answer was not valid HTTP."),
    Refusal("no_endpoint", 503, Side.UPSTREAM, True, "Service Unavailable", "The upstream has no usable endpoint."),
    Refusal("pool_full", 503, Side.GATEWAY, True, "Service Unavailable", "The upstream's connection limit is reached."),
    Refusal("too_many_connections", 503, Side.GATEWAY, True, "Service Unavailable",
            "The gateway is at max_connections."),
    Refusal("draining", 503, Side.GATEWAY, True, "Service Unavailable", "The gateway is shutting down; try another."),
    Refusal("connect_timeout", 504, Side.UPSTREAM, True, "Gateway Timeout", "No endpoint accepted within `connect`."),
    Refusal("first_byte_timeout", 504, Side.UPSTREAM, False, "Gateway Timeout", "No answer within `first_byte`."),
    Refusal("upstream_idle", 504, Side.UPSTREAM, False, "Gateway Timeout", "The upstream went silent in its answer."),
    Refusal("request_timeout", 504, Side.GATEWAY, False, "Gateway Timeout", "The route's whole `timeout` has passed."),
    # By a safeguard: it names itself in the answer, which says when to come back.
    Refusal("isolated", 503, Side.GATEWAY, True, "Service Unavailable",
            "It is taken out of service for a time; try again later."),
    Refusal("limited", 429, Side.CLIENT, True, "Too Many Requests", "Send fewer requests; wait as Retry-After says."),
    Refusal("shed", 503, Side.GATEWAY, True, "Service Unavailable",
            "The gateway is overloaded; try again as Retry-After says."),
    Refusal("saturated", 503, Side.GATEWAY, True, "Service Unavailable",
            "As many requests as are allowed are in flight; try again a little later."),
    Refusal("open", 503, Side.GATEWAY, True, "Service Unavailable",
            "The upstream fails and is left alone for a while; try again later."),
)

BY_REASON: dict[str, Refusal] = {refusal.reason: refusal for refusal in REFUSALS}
