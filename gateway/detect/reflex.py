"""What the reflexes and the processes say of themselves, as signals: no statistics, a fact is a fact.

Each function answers a signal while what it looks at is so, None otherwise. Times are UTC nanoseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model.signal import GATEWAY, Signal, SignalKind
from gateway.model.target import Target

SECOND = 1_000_000_000
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
SATURATED_SHARE, SATURATED_LEAST = 0.10, 20
"""Of a minute's requests: what a limit refuses beyond these is more than a single eager client."""
OVERLOADED_LAG_MS = 20.0
"""Queue wait from which DAGOR sheds."""
OVERLOADED_CPU = 0.95
OVERLOADED_FILES = 0.90
CERTIFICATE_DAYS = 14
RECENT = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Breaker:
    upstream: str
    is_open: bool
    since_ns: int
    failures: int = 0
    requests: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    upstream: str
    address: str
    is_ejected: bool
    since_ns: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Of a limit (`safeguard`: its name) or a bulkhead, in the last minute. `since_ns`: when refusing began."""

    target: Target
    safeguard: str
    refused: int
    requests: int
    since_ns: int


@dataclass(frozen=True, slots=True)
class Process:
    """The worst of the workers, over the last second. Shares from 0 to 1."""

    lag_ms: float
    cpu: float
    files: float
    since_ns: int


@dataclass(frozen=True, slots=True)
class RefusedConfig:
    at_ns: int
    reason: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    path: str
    expires_ns: int


@dataclass(frozen=True, slots=True)
class Restart:
    """Of a worker that died, not of one that was replaced on purpose."""

    worker: int
    at_ns: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    breakers: Sequence[Breaker] = ()
    endpoints: Sequence[Endpoint] = ()
    limits: Sequence[Refusals] = ()
    bulkheads: Sequence[Refusals] = ()
    process: Process | None = None
    config: RefusedConfig | None = None
    """The last load, where it was refused; None once another one was applied."""
    certificates: Sequence[Certificate] = ()
    restarts: Sequence[Restart] = ()


def signals(facts: Facts, now: int) -> list[Signal]:
    found: list[Signal | None] = [
        *(breaker_open(each, now) for each in facts.breakers),
        *(endpoint_ejected(each, now) for each in facts.endpoints),
        *(limit_saturated(each, now) for each in facts.limits),
        *(bulkhead_full(each, now) for each in facts.bulkheads),
        gateway_overloaded(facts.process, now) if facts.process else None,
        config_refused(facts.config, now) if facts.config else None,
        *(certificate_expiring(each, now) for each in facts.certificates),
        *worker_restarted(facts.restarts, now)]
    return [signal for signal in found if signal is not None]


def breaker_open(breaker: Breaker, now: int) -> Signal | None:
    """Its statistic: the part of what it opened for that was slow."""
    if not breaker.is_open:
        return None
    return Signal(SignalKind.BREAKER_OPEN, f"upstream:{breaker.upstream}", now, breaker.since_ns,
                  f"{breaker.failures} of {breaker.requests} results failed, {breaker.slow} were slow",
                  statistic=breaker.slow / max(breaker.failures + breaker.slow, 1))


def endpoint_ejected(endpoint: Endpoint, now: int) -> Signal | None:
    if not endpoint.is_ejected:
        return None
    return Signal(SignalKind.ENDPOINT_EJECTED, f"endpoint:{endpoint.upstream}/{endpoint.address}", now,
                  endpoint.since_ns, endpoint.reason)


def limit_saturated(limit: Refusals, now: int) -> Signal | None:
    if limit.refused < max(SATURATED_LEAST, SATURATED_SHARE * limit.requests):
        return None
    return _refusing(SignalKind.LIMIT_SATURATED, limit, now,
                     f"{SATURATED_LEAST} and {SATURATED_SHARE:.0%} in a minute")


def bulkhead_full(bulkhead: Refusals, now: int) -> Signal | None:
    """One request that found no place is enough: a bulkhead is sized never to be full."""
    return _refusing(SignalKind.BULKHEAD_FULL, bulkhead, now, "none") if bulkhead.refused else None


def _refusing(kind: SignalKind, refusals: Refusals, now: int, threshold: str) -> Signal:
    return Signal(kind, str(refusals.target), now, refusals.since_ns,
                  f"{refusals.refused} of {refusals.requests} requests refused in the last minute", threshold,
                  reference=refusals.safeguard)


def gateway_overloaded(process: Process, now: int) -> Signal | None:
    strained = [text for text, value, most in (
        (f"event-loop lag {process.lag_ms:.0f} ms", process.lag_ms, OVERLOADED_LAG_MS),
        (f"CPU {process.cpu:.0%}", process.cpu, OVERLOADED_CPU),
        (f"{process.files:.0%} of the file descriptors in use", process.files, OVERLOADED_FILES)) if value > most]
    if not strained:
        return None
    return Signal(SignalKind.GATEWAY_OVERLOADED, GATEWAY, now, process.since_ns, ", ".join(strained),
                  f"{OVERLOADED_LAG_MS:.0f} ms, {OVERLOADED_CPU:.0%}, {OVERLOADED_FILES:.0%}")


def config_refused(config: RefusedConfig, now: int) -> Signal:
    return Signal(SignalKind.CONFIG_REFUSED, GATEWAY, now, config.at_ns, config.reason, reference=config.reference)


def certificate_expiring(certificate: Certificate, now: int) -> Signal | None:
    left = certificate.expires_ns - now
    if left > CERTIFICATE_DAYS * DAY:
        return None
    observed = f"expires in {left // DAY} days" if left > 0 else "has expired"
    return Signal(SignalKind.CERTIFICATE_EXPIRING, GATEWAY, now, certificate.expires_ns - CERTIFICATE_DAYS * DAY,
                  observed, f"{CERTIFICATE_DAYS} days", reference=certificate.path)


def worker_restarted(restarts: Iterable[Restart], now: int) -> list[Signal]:
    """For five minutes after each worker's last death; how often it died in them is said."""
    recent = [restart for restart in restarts if 0 <= now - restart.at_ns < RECENT]
    found = []
    for worker in sorted({restart.worker for restart in recent}):
        own = sorted((restart.at_ns, restart.reason) for restart in recent if restart.worker == worker)
        observed = f"{len(own)} in five minutes" + (f": {own[-1][1]}" if own[-1][1] else "")
        found.append(Signal(SignalKind.WORKER_RESTARTED, GATEWAY, now, own[0][0], observed,
                            reference=f"worker {worker}"))
    return found
