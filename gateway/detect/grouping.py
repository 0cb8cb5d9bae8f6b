"""One incident per cause: which signals belong together, and which say nothing of their own.

- Two belong together if their onsets lie within 120 s and they share an upstream, a client or a fresh revision.
- A client that surges belongs to the load that is seen elsewhere at its time.
- Inhibition: an overload of the gateway explains everything of its time; an upstream that fails explains its routes.
- A signal of an open incident stays with it. What is under maintenance opens nothing.

Deciding this anew in every turn needs no memory: signals are levels, and the open incidents are given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model.incident import Incident
from gateway.model.report import Maintenance
from gateway.model.safeguards import SECOND
from gateway.model.signal import GATEWAY, Signal, SignalKind

LOAD = frozenset({SignalKind.RATE_UP, SignalKind.SLOW, SignalKind.LIMIT_SATURATED, SignalKind.BULKHEAD_FULL})
"""What a client that sends much of all requests brings about, wherever it is seen."""
TOGETHER_NS = 120 * SECOND
LONE = frozenset({SignalKind.CERTIFICATE_EXPIRING, SignalKind.CONFIG_REFUSED})
"""What concerns the gateway, and explains nothing else."""


@dataclass(frozen=True, slots=True)
class Topology:
    """`upstreams`: route name -> the upstreams that answer for it; `applied_ns`: since when the revision is served."""

    upstreams: Mapping[str, Sequence[str]] = field(default_factory=dict)
    revision: int = 0
    applied_ns: int = 0

    def causes(self, signal: Signal) -> frozenset[str]:
        """What a signal may share with another one: its target, the upstreams behind it, a revision that was fresh at
        its onset."""
        kind, _, name = signal.target.partition(":")
        found = {signal.target}
        if kind == "route":
            found |= {f"upstream:{upstream}" for upstream in self.upstreams.get(name, ())}
        elif kind == "endpoint":
            found.add(f"upstream:{name.partition('/')[0]}")
        if self.revision and signal.kind not in LONE and 0 <= signal.onset_ns - self.applied_ns <= TOGETHER_NS:
            found.add(f"revision:{self.revision}")
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Grouped:
    """`known`: id of an open incident -> its signals; `new`: signals of incidents to be opened, a group each."""

    known: dict[int, tuple[Signal, ...]]
    new: list[tuple[Signal, ...]]


def group(signals: Iterable[Signal], incidents: Sequence[Incident], topology: Topology) -> Grouped:
    """Each signal to the incident that it belongs to, the oldest first, or to a group of a new one."""
    known: dict[int, list[Signal]] = {}
    rest = []
    for signal in signals:
        home = _home(signal, incidents, topology)
        if home is None:
            rest.append(signal)
        else:
            known.setdefault(home.id, []).append(signal)
    return Grouped({number: tuple(each) for number, each in known.items()}, _clusters(rest, topology))


def _home(signal: Signal, incidents: Sequence[Incident], topology: Topology) -> Incident | None:
    """That which has it already, so that what was split by hand stays so; else the first that it is related to."""
    for incident in incidents:
        if any(signal.key == each.key for each in incident.signals):
            return incident
    return next((incident for incident in incidents
                 if any(related(signal, each, topology) for each in incident.signals)), None)


def related(one: Signal, other: Signal, topology: Topology) -> bool:
    if LONE & {one.kind, other.kind}:
        return one.key == other.key
    if abs(one.onset_ns - other.onset_ns) > TOGETHER_NS:
        return False
    if {_surges(one), _surges(other)} == {True, False} and {one.kind, other.kind} <= LOAD:
        return True
    overloaded = SignalKind.GATEWAY_OVERLOADED in (one.kind, other.kind)
    return overloaded or bool(topology.causes(one) & topology.causes(other))


def _surges(signal: Signal) -> bool:
    return signal.kind is SignalKind.RATE_UP and signal.target.startswith("client:")


def _clusters(signals: Sequence[Signal], topology: Topology) -> list[tuple[Signal, ...]]:
    """Connected parts of what is related, in the order of their onsets."""
    groups: list[list[Signal]] = []
    for signal in sorted(signals, key=lambda each: each.onset_ns):
        joined = [group for group in groups if any(related(signal, each, topology) for each in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([each for group in joined for each in group] + [signal])
    return [tuple(each) for each in groups]


def explained_by(signals: Sequence[Signal], topology: Topology) -> dict[Signal, Signal]:
    """Inhibition within one incident: signal -> the one that explains it. An overload of the gateway explains all,
    an upstream whose breaker opened its routes and endpoints."""
    overload = next((each for each in signals if each.kind is SignalKind.GATEWAY_OVERLOADED), None)
    if overload is not None:
        return {each: overload for each in signals if each is not overload}
    cut_off = {each.target: each for each in signals if each.kind is SignalKind.BREAKER_OPEN}
    found = {}
    for each in signals:
        causes = topology.causes(each) - {each.target}
        if reason := next((cut_off[target] for target in sorted(causes) if target in cut_off), None):
            found[each] = reason
    return found


def heads(signals: Sequence[Signal], topology: Topology) -> tuple[Signal, ...]:
    """The signals that say something of their own, those that explain others first."""
    explained = explained_by(signals, topology)
    return tuple(sorted((each for each in signals if each not in explained),
                        key=lambda each: (each not in explained.values(), each.onset_ns)))


def outside_maintenance(signals: Iterable[Signal], windows: Sequence[Maintenance],
                        topology: Topology) -> list[Signal]:
    """Without those whose target, or the upstream behind it, is being worked on; `gateway` is the whole of it."""
    worked_on = {each.target for each in windows}
    if GATEWAY in worked_on:
        return []
    return [each for each in signals if not worked_on & topology.causes(each)]
