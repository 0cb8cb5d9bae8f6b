"""A signal: something is not as it should be, on one target, as one detector saw it.

Signals are levels, not events: a detector names each turn what is wrong now, with the onset it believes in. Whoever
reads them therefore needs no memory of earlier turns, and a reader that died and came back sees the same.
"""

from dataclasses import dataclass
from enum import StrEnum

GATEWAY = "gateway"
"""The target of what concerns the gateway itself; all others are written as in `model.target`."""


class SignalKind(StrEnum):
    RATE_UP = "rate up"
    RATE_DOWN = "rate down"
    ERRORS = "errors"
    SLOW = "slow"
    BURN = "slo burn"
    BREAKER_OPEN = "breaker open"
    ENDPOINT_EJECTED = "endpoint ejected"
    LIMIT_SATURATED = "limit saturated"
    BULKHEAD_FULL = "bulkhead full"
    GATEWAY_OVERLOADED = "gateway overloaded"
    CONFIG_REFUSED = "config refused"
    REVISION_WORSE = "revision worse"
    """Than the one before it, as its probation showed."""
    CERTIFICATE_EXPIRING = "certificate expiring"
    WORKER_RESTARTED = "worker restarted"
    LOG_REVIEW = "log review"
    """A person flagged recorded requests."""
    OPERATOR_REPORT = "operator report"
    COMMUNITY_REPORT = "community report"


ANOMALIES = frozenset({SignalKind.RATE_UP, SignalKind.RATE_DOWN, SignalKind.ERRORS, SignalKind.SLOW})
REPORTS = frozenset({SignalKind.LOG_REVIEW, SignalKind.OPERATOR_REPORT, SignalKind.COMMUNITY_REPORT})
"""What people say: they open incidents, and never cause an action."""


@dataclass(frozen=True, slots=True)
class Signal:
    """`at_ns`: when it was seen; `onset_ns`: since when it is so, as far as the detector can tell. Both UTC.

    `observed` and `threshold` are for people, in the detector's unit; `statistic`: how far it is beyond the threshold,
    in the detector's own scale (nats for the e-detectors), 0 where there is no scale.
    """

    kind: SignalKind
    target: str
    at_ns: int
    onset_ns: int
    observed: str = ""
    threshold: str = ""
    statistic: float = 0.0
    reference: str = ""
    """What it is about beside its target: a limit's name, a certificate's path, a revision."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two sightings the same signal."""
        return self.kind.value, self.target, self.reference

    def __str__(self) -> str:
        seen = f": {self.observed}" if self.observed else ""
        against = f", threshold {self.threshold}" if self.threshold else ""
        about = f" ({self.reference})" if self.reference else ""
        return f"{self.kind} on {self.target}{about}{seen}{against}"
