"""Which results count against an endpoint or an upstream: classified once, read by ejection, breaker and retry budget.

Theory of operation. A breaker protects an upstream that cannot work, so only what the *server* did wrong counts: it was
not reached, it broke off, it was silent too long, or it says of itself that it failed (5xx). What the *client* did
wrong says nothing about the server: breakers that count 4xx are opened by one client with a bad request (features.md 3,
point 6). 429 is a server that works and says no. 501 and 505 are about the request. What the *gateway* refused never
reached the server, and so is no result at all.

Sources: Envoy's outlier detection (locally originated and 5xx), linkerd2 `classify/gate.rs` (classified once),
RFC 9110 15.6 for the meaning of the codes.
"""

from enum import Enum

from gateway.model import errors


class Outcome(Enum):
    SUCCESS = "success"
    FAILURE = "failure"
    NO_RESULT = "no result"  # nothing was learnt: neither counted as a request nor as a failure


ABOUT_THE_REQUEST = frozenset({501, 505})

# The whole-route time-out is the gateway's own clock. It is the upstream's failure where that had the whole request and
# was silent; a client that sends or reads slowly uses it up too, and must not open a breaker: the data plane tells
# these apart, and asks here for the first only.
FAILED_AT_UPSTREAM = frozenset(
    refusal.reason for refusal in errors.REFUSALS if refusal.side is errors.Side.UPSTREAM
) - {"no_endpoint"} | {"request_timeout"}  # fmt: skip


def of_status(status: int) -> Outcome:
    """The outcome of an answer that the upstream gave in full."""
    if 500 <= status <= 599 and status not in ABOUT_THE_REQUEST:
        return Outcome.FAILURE
    return Outcome.SUCCESS


def of_refusal(reason: str) -> Outcome:
    """The outcome where the gateway ended the exchange, by the `reason` of model.errors. Raises KeyError if unknown."""
    failed = errors.BY_REASON[reason].reason in FAILED_AT_UPSTREAM
    return Outcome.FAILURE if failed else Outcome.NO_RESULT


def is_slow(first_byte_ns: int, slow_over: int) -> bool:
    """Slowness is measured to the first byte of the answer (of a tunnel: of its handshake); `slow_over` 0 is never."""
    return 0 < slow_over < first_byte_ns
