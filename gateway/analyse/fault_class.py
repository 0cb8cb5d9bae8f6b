"""The kind of fault, by rules that are asked in order: each says what it saw, so that a person can disagree.

Confidence is in words, from how much of the excess the rule explains; no rule has a percentage, as none is calibrated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.analyse.attribution import Attribution, Part, Reach
from gateway.analyse.changes import Suspect
from gateway.model.change import ChangeKind
from gateway.model.fault import FaultClass

OVERLOADED_LAG_MS = 20.0
OVERLOADED_CPU = 0.90
SUSPECT_SCORE = 0.5
SOON_AFTER_S = 120.0
COVERED = 0.9
"""Share of the affected requests within what a change touched, from which on it is in the same place."""
HARDLY = 0.2
"""Beside those of the cause, other requests of an upstream that fail so seldom are well."""
MOST = 0.5
"""The share of the excess from which on something is "most of it"."""
SLOWER = 1.5
"""Times the usual, at the median or at p95: half of what is usual more. Detection has found that it is slow, so this
only asks where."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream during the incident. `local`: share of its new failures that are connects, resets and time-outs;
    `failing_endpoints` of `endpoints` fail clearly more than the upstream did before."""

    name: str
    endpoints: int
    failing_endpoints: int
    new_failures: float
    local: float
    slower: float
    """First byte, p95 over the baseline's p95, or the medians, whichever rose more: a few much slower ones move the
    one, all a little slower the other."""
    busier: float
    """Requests in flight over the baseline's (Little: more in flight at the same rate is slower)."""
    elsewhere: float = 1.0
    """How likely its requests outside the first cause fail, beside those inside; 1 where there are none outside."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules look at. `denied`: share of the new failures that the gateway made by its own policy (no
    route, 4xx by a safeguard, TLS, validation); `slow_at_client`: upstreams slow to clients while quick to us."""

    failures: Attribution
    suspects: Sequence[Suspect] = ()
    upstreams: Sequence[Upstream] = ()
    denied: float = 0.0
    rate_up: bool = False
    lag_p95_ms: float = 0.0
    cpu: float = 0.0
    slow_at_client: int = 0
    errors_lead: bool = True
    """Errors rose, and not (much) later than slowness."""
    ejected: Sequence[str] = ()
    """UPSTREAM/ADDRESS that a reflex has taken out."""
    overloaded: str = ""
    """What the gateway saw of its own overload, where the incident began with that."""


@dataclass(frozen=True, slots=True)
class Verdict:
    fault: FaultClass
    reasons: tuple[str, ...]
    explained: float
    """Share of the excess that this explains."""

    @property
    def confidence(self) -> str:
        return "clear" if self.explained >= 0.9 else "likely" if self.explained >= MOST else "a guess"


def classify(facts: Facts) -> Verdict:
    """The first rule that fits."""
    for rule in RULES:
        verdict = rule(facts)
        if verdict is not None:
            return verdict
    return Verdict(FaultClass.UNKNOWN, ("nothing recorded tells what kind of fault it is",), 0.0)


def _gateway_overload(facts: Facts) -> Verdict | None:
    """Where it began with it, its own word is enough, unless one client sends too much: shedding keeps the lag down
    by the time that this is asked, and a late loop reads the answers of its upstreams late, so that they seem slow."""
    if facts.overloaded and _client_surge(facts) is None:
        return Verdict(FaultClass.GATEWAY_OVERLOAD, (f"it began with {facts.overloaded}, for seconds on end",), 1.0)
    strained = facts.lag_p95_ms > OVERLOADED_LAG_MS or facts.cpu > OVERLOADED_CPU
    if not strained or facts.slow_at_client < min(2, max(len(facts.upstreams), 1)):
        return None
    return Verdict(FaultClass.GATEWAY_OVERLOAD, (
        f"event-loop lag p95 {facts.lag_p95_ms:.0f} ms, CPU {facts.cpu:.0%}",
        f"{facts.slow_at_client} upstreams are slow to clients and quick to the gateway"), 1.0)


def _misconfiguration(facts: Facts) -> Verdict | None:
    config = [each for each in facts.suspects if each.change.kind in (ChangeKind.CONFIG, ChangeKind.OVERRIDE)
              and not each.veto]
    for each in config:
        recent = -30 <= each.seconds_before <= SOON_AFTER_S
        same_place = each.covers >= COVERED or _names(facts, "revision")
        blamed = each.score >= SUSPECT_SCORE and facts.failures.reach is not Reach.NOTHING
        if blamed or (recent and (same_place or facts.denied >= MOST)):
            reasons = [str(each)]
            if facts.denied >= MOST:
                reasons.append(f"{facts.denied:.0%} of the new failures are the gateway's own")
            return Verdict(FaultClass.MISCONFIGURATION, tuple(reasons), max(facts.denied, each.overlap, each.covers))
    if facts.denied >= MOST and not facts.rate_up:
        return Verdict(FaultClass.MISCONFIGURATION, (
            f"{facts.denied:.0%} of the new failures are the gateway's own, at no higher rate: a limit, route or rule "
            "of its config does not fit this traffic",), facts.denied)
    return None


def _client_surge(facts: Facts) -> Verdict | None:
    surge = facts.failures.surge
    if not facts.rate_up or surge is None or surge.share < MOST:
        return None
    return Verdict(FaultClass.CLIENT_SURGE, (f"{surge.share:.0%} of the new requests: {_told(surge)}",), surge.share)


def _endpoint_failure(facts: Facts) -> Verdict | None:
    cause = _first(facts)
    if facts.failures.reach is Reach.NOTHING:
        return _taken_out_at_once(facts)
    if cause is None or "endpoint" not in cause.conditions or cause.share < MOST or not facts.errors_lead:
        return None
    for upstream in facts.upstreams:
        if 0 < upstream.failing_endpoints < upstream.endpoints:
            return Verdict(FaultClass.ENDPOINT_FAILURE, (
                f"{cause.share:.0%} of the new failures: {_told(cause)}",
                f"{upstream.endpoints - upstream.failing_endpoints} other endpoints of {upstream.name} unchanged"),
                cause.share)
    return None


def _taken_out_at_once(facts: Facts) -> Verdict | None:
    """The reflex was so quick that hardly a request failed; it says itself which endpoint that was."""
    for upstream in facts.upstreams:
        out = [each.partition("/")[2] for each in facts.ejected if each.partition("/")[0] == upstream.name]
        if 0 < len(out) < upstream.endpoints:
            return Verdict(FaultClass.ENDPOINT_FAILURE, (
                f"{', '.join(out)} was taken out by a reflex, {upstream.endpoints - len(out)} other endpoints of "
                f"{upstream.name} were not",), MOST)
    return None


def _network_or_upstream(facts: Facts) -> Verdict | None:
    down = [each for each in facts.upstreams if each.failing_endpoints == each.endpoints and each.new_failures > 0
            and each.elsewhere >= HARDLY]
    if not down or not facts.errors_lead or _names(facts, "version", "agent", "client"):
        return None
    local = [each for each in down if each.local >= MOST]
    if len(local) >= 2:
        return Verdict(FaultClass.NETWORK_FAILURE, (
            f"{len(local)} upstreams cannot be reached: {', '.join(each.name for each in local)}",), 1.0)
    worst = max(down, key=lambda each: each.new_failures)
    kind = "cannot be reached" if worst.local >= MOST else "answers with errors"
    total = sum(each.new_failures for each in facts.upstreams)
    return Verdict(FaultClass.UPSTREAM_FAILURE, (f"every endpoint of {worst.name} {kind}",), worst.new_failures / total)


def _slow_upstream(facts: Facts) -> Verdict | None:
    slow = [each for each in facts.upstreams if each.slower >= SLOWER]
    if not slow or facts.rate_up or facts.errors_lead:
        return None
    worst = max(slow, key=lambda each: each.slower)
    return Verdict(FaultClass.SLOW_UPSTREAM, (
        f"{worst.name}: first byte {worst.slower:.1f} times the usual, {worst.busier:.1f} times as many in flight",
        "requests come at their usual rate"), 1.0)


def _code_defect(facts: Facts) -> Verdict | None:
    if not _names(facts, "version", "agent", "route", "method"):
        return None
    cause = _first(facts)
    assert cause is not None
    seen = [str(each) for each in facts.suspects if not each.veto
            and each.change.kind in (ChangeKind.VERSION, ChangeKind.DEPLOY)]
    return Verdict(FaultClass.CODE_DEFECT, (f"{cause.share:.0%} of the new failures: {_told(cause)}", *seen[:1]),
                   cause.share)


RULES: tuple[Callable[[Facts], Verdict | None], ...] = (
    _gateway_overload, _misconfiguration, _client_surge, _endpoint_failure, _network_or_upstream, _slow_upstream,
    _code_defect,
)


def _first(facts: Facts) -> Part | None:
    return facts.failures.causes[0] if facts.failures.reach is Reach.CAUSE else None


def _names(facts: Facts, *columns: str) -> bool:
    """Is one of these columns in the first cause?"""
    cause = _first(facts)
    return cause is not None and any(column in cause.conditions for column in columns)


def _told(part: Part) -> str:
    return ", ".join(f"{name} {value}" for name, value in part.conditions.items())
