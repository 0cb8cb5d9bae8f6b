"""The post-mortem of an incident as a JSON record, `incident/1`: what the gateway knows is filled in; lessons, owners
and due dates are for people. The record is the truth; Markdown and the web page are made from it.

    draft -> review (somebody signed) -> closed (enough people of different functions signed, nothing is missing)

Source of the fields: algorithms.md 10. Times are RFC 3339 in UTC, spans seconds.
"""

from collections.abc import Iterator
from typing import Any

from gateway.model.action import Action
from gateway.model.fault import FaultClass
from gateway.model.incident import Entry
from gateway.model.signal import REPORTS, Signal, SignalKind
from gateway.prevent import impact as impacts
from gateway.prevent import items
from gateway.prevent.case import SECOND, Case, Series, utc

SCHEMA = "incident/1"
Record = dict[str, Any]
DRAFT, REVIEW, CLOSED = "draft", "review", "closed"
POINTS_MOST = 240
CHARTS_MOST = 3
CHART_BEFORE_S, CHART_AFTER_S = 120, 90
LESSONS = ("well", "wrong", "lucky")

KINDS = {
    FaultClass.GATEWAY_OVERLOAD: "capacity", FaultClass.MISCONFIGURATION: "misconfiguration",
    FaultClass.CLIENT_SURGE: "abuse", FaultClass.ENDPOINT_FAILURE: "dependency",
    FaultClass.NETWORK_FAILURE: "dependency", FaultClass.UPSTREAM_FAILURE: "dependency",
    FaultClass.SLOW_UPSTREAM: "dependency", FaultClass.CODE_DEFECT: "code", FaultClass.UNKNOWN: "unknown",
}
SOURCES = {
    SignalKind.BURN: "error budget", SignalKind.LOG_REVIEW: "log review", SignalKind.OPERATOR_REPORT: "operator",
    SignalKind.COMMUNITY_REPORT: "community",
    **dict.fromkeys((SignalKind.RATE_UP, SignalKind.RATE_DOWN, SignalKind.ERRORS, SignalKind.SLOW), "anomaly"),
}


def draft(case: Case, now: int) -> Record:
    """What the gateway can fill in. `now`: UTC ns."""
    incident, cost = case.incident, impacts.impact(case)
    return {
        "schema": SCHEMA, "id": incident.id, "title": incident.title, "status": DRAFT, "version": 1, "blameless": True,
        "drafted": utc(now), "severity": incident.severity.word, "class": incident.fault.value,
        "class_confidence": str(incident.finding.get("confidence", "")), "relapses": incident.relapses,
        "summary": _summary(case, cost), "times": _times(case), "derived": _derived(case),
        "detection": _detection(case), "scope": _scope(case), "impact": cost, "trigger": _trigger(case),
        "root_causes": _root_causes(case), "contributing": _contributing(case), "analysis": _analysis(case),
        "timeline": [_line(each) for each in case.timeline], "actions": [_action(each) for each in case.actions],
        "config": _config(case), "lessons": {name: [] for name in LESSONS}, "items": items.drafted(case),
        "reviews": [], "series": [_points(_around(case, each)) for each in case.series[:CHARTS_MOST]],
    }


def _summary(case: Case, cost: dict[str, Any]) -> str:
    incident = case.incident
    cause = incident.finding.get("words") or "its cause was not found"
    kept = [str(each) for each in case.actions if each.helped]
    did = f" What helped: {'; '.join(kept)}." if kept else ""
    return f"{incident.title}: {cause}. {impacts.words(cost)}.{did}"


def _times(case: Case) -> dict[str, str | None]:
    incident = case.incident
    found = {"onset": case.onset_ns, "detected": incident.opened_ns, "alerted": _first(case, "alert"),
             "acknowledged": _first(case, "acknowledged"), "quiet": incident.quiet_since_ns}
    found |= {name: incident.times.get(name, 0) for name in ("isolated", "mitigated", "analysed", "resolved",
                                                             "reviewed")}
    return {name: utc(at) if at else None for name, at in found.items()}


def _derived(case: Case) -> dict[str, float | None]:
    """Seconds from the onset."""
    times = case.incident.times
    found = {"to_detect": case.incident.opened_ns, "to_alert": _first(case, "alert"),
             "to_acknowledge": _first(case, "acknowledged")}
    found |= {f"to_{verb}": times.get(state, 0) for verb, state in (
        ("isolate", "isolated"), ("mitigate", "mitigated"), ("analyse", "analysed"), ("resolve", "resolved"))}
    return {name: round((at - case.onset_ns) / SECOND, 1) if at else None for name, at in found.items()}


def _first(case: Case, kind: str) -> int:
    return next((each.at_ns for each in case.timeline if each.kind == kind), 0)


def _detection(case: Case) -> dict[str, Any]:
    """The signal that opened it, and those that said it too. `would_have_fired` is for the tuning to fill in."""
    signals = case.incident.signals
    first = signals[0]
    return {"source": SOURCES.get(first.kind, "reflex"), "by_people": first.kind in REPORTS, **_signal(first),
            "seconds": round((case.incident.opened_ns - case.onset_ns) / SECOND, 1),
            "also": [_signal(each) for each in signals[1:]], "more": case.incident.more_signals,
            "would_have_fired": [], "examined": ""}


def with_tuning(record: Record, found: dict[str, Any]) -> Record:
    """With what a replay of the windows came to: `examined`, `would_have_fired`."""
    fired = [{"params": params, "seconds": seconds, "false_alarms": false}
             for params, seconds, false in found["would_have_fired"]]
    detection = record["detection"] | {"would_have_fired": fired, "examined": found["examined"]}
    return record | {"detection": detection, "version": record["version"] + 1}


def _signal(signal: Signal) -> dict[str, Any]:
    return {"detector": signal.kind.value, "target": signal.target, "observed": signal.observed,
            "threshold": signal.threshold, "statistic": round(signal.statistic, 2), "at": utc(signal.at_ns),
            "onset": utc(signal.onset_ns)}


def _scope(case: Case) -> dict[str, Any]:
    scope = case.incident.scope
    named = {f"{kind}s": [each.partition(":")[2] for each in scope if each.startswith(f"{kind}:")]
             for kind in ("route", "upstream", "endpoint", "client")}
    return {"targets": list(scope), **named, "revision": case.incident.revision}


def _trigger(case: Case) -> dict[str, Any] | None:
    """The most suspect change that nothing speaks against."""
    for each in case.incident.finding.get("changes", ()):
        if each.get("score", 0) > 0 and not each.get("veto"):
            return {"words": each["words"], "score": each["score"]}
    return None


def _root_causes(case: Case) -> list[dict[str, Any]]:
    finding = case.incident.finding
    if not finding.get("words"):
        return []
    evidence = [*finding.get("reasons", ()), *(_where(each) for each in finding.get("causes", ()))]
    if finding.get("surge"):
        evidence.append(f"surge: {_where(finding['surge'])}")
    return [{"kind": KINDS[case.incident.fault], "text": finding["words"], "evidence": evidence}]


def _contributing(case: Case) -> list[str]:
    """What made it worse or longer, as far as the journal shows."""
    found = [f"{each} was tried for it and did not help: {each.verdict}" for each in case.actions
             if each.helped is False]
    if case.incident.relapses:
        found.append(f"it came back {case.incident.relapses} times after it had seemed over")
    if _first(case, "alert") and not _first(case, "acknowledged"):
        found.append("nobody acknowledged it")
    return found


def _where(part: dict[str, Any]) -> str:
    conditions = " and ".join(f"{name} = {value}" for name, value in part.get("where", {}).items()) or "everywhere"
    return f"{conditions}: {part.get('share', 0):.0%} of the excess ({part.get('excess', 0):g} requests)"


def _analysis(case: Case) -> dict[str, Any]:
    finding = case.incident.finding
    return {name: finding.get(name) for name in ("reach", "share_explained", "causes", "runners_up", "changes",
                                                 "evidence")}


def _line(entry: Entry) -> dict[str, str]:
    actor = "system" if entry.who == "gateway" else "person"
    return {"at": utc(entry.at_ns), "actor": actor, "who": entry.who, "kind": entry.kind, "text": entry.words}


def _action(each: Action) -> dict[str, Any]:
    return {"at": utc(each.done_ns or each.at_ns), "kind": each.kind.value, "target": each.target,
            "state": each.state.value, "automatic": each.who == "gateway", "who": each.who, "reason": each.reason,
            "evidence": list(each.evidence), "measured": each.measured, "by": each.by, "before": str(each.before),
            "helped": each.helped, "verdict": each.verdict,
            "done": bool(each.done_ns), "until": utc(each.since_ns) if each.done_ns and not each.in_force else None}


def _config(case: Case) -> dict[str, Any] | None:
    found = case.applied
    if found is None:
        return None
    return {"revision": found.number, "before": found.before, "at": utc(found.at_ns), "who": found.who,
            "author": found.author, "commit": found.commit, "diff": found.diff}


def _around(case: Case, series: Series) -> Series:
    """What a chart shows: the incident, twice as long before it, and half as long after it."""
    onset, over = case.onset_ns // SECOND, case.over_ns // SECOND
    return series.between(onset - max(CHART_BEFORE_S, 2 * (over - onset)),
                          over + max(CHART_AFTER_S, (over - onset) // 2))


def _points(series: Series) -> dict[str, Any]:
    """At most POINTS_MOST points: neighbours are added up, of the latency the worst is kept."""
    width = max(1, -(-len(series.requests) // POINTS_MOST))
    return {
        "target": series.target, "first": utc(series.first * SECOND), "step": series.step * width,
        "requests": list(_folded(series.requests, width)), "errors": list(_folded(series.errors, width)),
        "refused": list(_folded(series.refused, width)),
        "p99_ms": [max((each for each in series.p99_ms[at:at + width] if each is not None), default=None)
                   for at in range(0, len(series.p99_ms), width)],
    }


def _folded(values: tuple[int, ...], width: int) -> Iterator[int]:
    return (sum(values[at:at + width]) for at in range(0, len(values), width))
