"""What the public is told: open incidents in words for users of the API, without anything from inside.

No address, client, upstream, number or cause: who attacks reads this too. What no user notices is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.model.incident import Incident, Severity, State
from gateway.model.report import Maintenance
from gateway.model.signal import GATEWAY, SignalKind
from gateway.record.revision import utc_text

EVERYTHING = "everything"
WORDS = {
    SignalKind.GATEWAY_OVERLOADED: "there are more requests than can be answered",
    SignalKind.BREAKER_OPEN: "requests are refused, as the service behind them does not work",
    SignalKind.ERRORS: "requests fail",
    SignalKind.BURN: "more requests fail than promised",
    SignalKind.BULKHEAD_FULL: "some requests are refused, as there are too many at a time",
    SignalKind.SLOW: "answers are slow",
    SignalKind.ENDPOINT_EJECTED: "a part of the servers is out of service",
    SignalKind.RATE_DOWN: "fewer requests arrive than usual",
    SignalKind.OPERATOR_REPORT: "something does not look right",
    SignalKind.LOG_REVIEW: "something does not look right",
    SignalKind.COMMUNITY_REPORT: "users report that something does not look right",
}
"""The worst first. Other signals concern nobody outside."""
DOING = {
    State.DETECTED: "it is being looked into",
    State.ISOLATED: "the faulty part is cut off",
    State.MITIGATED: "what relieves it is in place, and is being watched",
    State.ANALYSED: "it has been looked into, and is being worked on",
}
TAKEN_ON = "people are working on it"
OPERATIONAL, DEGRADED, DISRUPTED, MAINTENANCE = "operational", "degraded", "disrupted", "maintenance"


def document(incidents: Iterable[Incident], windows: Iterable[Maintenance], behind: Mapping[str, str],
             now: int) -> dict[str, Any]:
    """`behind`: route -> its upstream; `now`: UTC ns."""
    told, worst = [], Severity.NOTICE
    for incident in incidents:
        kinds = {each.kind for each in incident.signals}
        what = next((words for kind, words in WORDS.items() if kind in kinds), "")
        where = places(incident.scope, behind)
        if what and where:
            worst = min(worst, incident.severity)
            told.append({"id": incident.id, "what": what, "where": where, "since": utc_text(incident.onset_ns),
                         "doing": TAKEN_ON if incident.acknowledged_by else DOING[incident.state]})
    planned = [{"where": where, "until": utc_text(each.expires_ns)} for each in windows
               if (where := places([each.target], behind))]
    return {"status": _status(bool(told), worst, bool(planned)), "at": utc_text(now), "incidents": told,
            "maintenance": planned}


def _status(disturbed: bool, worst: Severity, planned: bool) -> str:
    if disturbed:
        return DISRUPTED if worst <= Severity.MAJOR else DEGRADED
    return MAINTENANCE if planned else OPERATIONAL


def places(scope: Iterable[str], behind: Mapping[str, str]) -> list[str]:
    """The routes that are affected, by name; a client's trouble is its own."""
    found = dict.fromkeys(place for target in scope for place in _places(target, behind))
    return [EVERYTHING] if EVERYTHING in found else list(found)


def _places(target: str, behind: Mapping[str, str]) -> Iterator[str]:
    kind, _, name = target.partition(":")
    if target == GATEWAY:
        yield EVERYTHING
    elif kind == "route" and name in behind:
        yield name
    elif kind in ("upstream", "endpoint"):
        upstream = name.partition("/")[0]
        yield from (route for route, its in behind.items() if its == upstream)
