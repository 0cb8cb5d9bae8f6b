"""An investigation, on frozen evidence: where the failures are, what changed before, what kind of fault it is.

Pure but for the board, which is only read. The onset that a signal names is when its detector could tell; the failures
began before it, so it is looked for again, second by second.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.analyse import attribution, changes, fault_class
from gateway.analyse.attribution import Attribution, Reach
from gateway.analyse.excess import SIGNIFICANT_NATS, two_rates
from gateway.analyse.fault_class import Facts, Upstream
from gateway.analyse.table import Table
from gateway.board import Board
from gateway.control import evidence as evidences
from gateway.control.evidence import Evidence
from gateway.model.change import Change, ChangeKind
from gateway.model.decisions import Safeguard
from gateway.model.fault import FaultClass
from gateway.model.target import client_bytes

SECOND = 10**9
BEFORE_NS, AFTER_NS = 60 * SECOND, 10 * SECOND
LONGEST_NS = 300 * SECOND
"""What began longer ago is looked at from there on: the time before it must be in the rings too."""
"""Evidence from before the onset, and how far back the true onset is looked for."""
FRESH_NS = 120 * SECOND
"""So long after a revision what it refuses may be its mistake."""
LEAD_NS = 2 * SECOND
ON_CLIENTS = (Safeguard.CLIENT_CLAMP, Safeguard.CLIENT_ISOLATION)
RUNNERS_UP = 3
SLOW_QUANTILE = 0.95
SLOWER_QUANTILES = (0.5, 0.95)
RISEN = 1.5
FAILING_LEAST, FAILING_SHARE = 5, 0.02


@dataclass(frozen=True, slots=True)
class Question:
    """`onset`, `now`: monotonic ns, `offset`: UTC less monotonic; `slow`: no request fails, they are slow; `ejected`:
    UPSTREAM/ADDRESS of the endpoints that a reflex has taken out; `scope`, `others`: targets of this incident, and of
    those that are open beside it; `overloaded`: what the gateway saw of its own overload, where it began with that."""

    onset: int
    now: int
    offset: int
    slow: bool
    rate_up: bool
    lag_ms: float
    cpu: float
    changes: tuple[Change, ...] = ()
    ejected: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    overloaded: str = ""


def investigate(board: Board, question: Question) -> dict[str, Any]:
    """The finding, as plain data: `fault`, `words`, `reasons`, `confidence`, `causes`, `changes`, and what was read."""
    question = replace(question, onset=max(question.onset, question.now - LONGEST_NS))
    whole = evidences.asked(evidences.freeze(board, question.onset - 2 * BEFORE_NS, question.now))
    everywhere = _slow(whole, question.onset) if question.slow else _failed(whole.records, question)
    apart = _apart(board, whole.records, question)
    frozen, bad = whole.where(apart), everywhere[apart]
    onset = true_onset(frozen.records["started_ns"], bad, question.onset)
    table = evidences.table(board, frozen, bad, onset)
    seconds, before = _spans(frozen, onset)
    seen = tuple(_upstreams(board, whole, everywhere, whole.records["started_ns"] >= onset, question.now))
    found = _told(attribution.attribute(table, seconds, before), question, seen)
    rate_up = question.rate_up or table.split / seconds > RISEN * max((table.rows - table.split) / before, 1e-9)
    if rate_up and found.surge is None:
        found = replace(found, surge=attribution.surge_of(table, seconds, before))
    suspects = changes.suspects(question.changes, onset + question.offset, table, found,
                                taken_out={each.partition("/")[0] for each in question.ejected})
    upstreams = tuple(replace(each, elsewhere=_elsewhere(table, found, each.name)) for each in seen)
    verdict = fault_class.classify(_facts(question, frozen, bad, onset, found, table, suspects, rate_up, upstreams))
    return {
        "fault": verdict.fault.value, "words": _words(found, suspects, verdict.fault, question.ejected),
        "reasons": list(verdict.reasons),
        "confidence": verdict.confidence, "reach": found.reach.value, "share_explained": round(found.cover, 3),
        "causes": [_part(each) for each in found.causes] or _taken_out(verdict.fault, question.ejected),
        "surge": _part(found.surge) | _of_client(whole, onset, found.surge) if found.surge else None,
        "runners_up": [_part(each) for each in found.runners_up[:RUNNERS_UP]],
        "changes": [{"words": str(each), "score": round(each.score, 3), "veto": each.veto,
                     "kind": each.change.kind.value, "reference": each.change.reference} for each in suspects[:10]],
        "onset_ns": onset + question.offset,
        "evidence": {"records": table.split, "records_before": table.rows - table.split, "seconds": round(seconds, 1),
                     "seconds_before": round(before, 1), "lost": frozen.lost},
    }


def _failed(records: NDArray[np.void], question: Question) -> NDArray[np.bool_]:
    """What the gateway refuses is a failure, too, where its config was changed shortly before."""
    bad, onset = evidences.failed(records), question.onset + question.offset
    fresh = any(each.kind is ChangeKind.CONFIG and -AFTER_NS <= onset - each.at_ns <= FRESH_NS
                for each in question.changes)
    return bad | evidences.refused(records) if fresh else bad


def _apart(board: Board, records: NDArray[np.void], question: Question) -> NDArray[np.bool_]:
    """All but what is another incident's, and not this one's: one must not be explained by the other, nor by what is
    done to a client because of it."""
    theirs = _within(board, records, question.others) & ~_within(board, records, question.scope)
    treated = np.isin(records["safeguard"], ON_CLIENTS) & bool(question.others)
    return np.asarray(~(theirs | treated))


def _within(board: Board, records: NDArray[np.void], scope: Iterable[str]) -> NDArray[np.bool_]:
    """The requests of these routes, and of these upstreams or their endpoints."""
    named = [each.partition(":") for each in scope]
    routes = {name for kind, _, name in named if kind == "route"}
    upstreams = {name.partition("/")[0] for kind, _, name in named if kind in ("upstream", "endpoint")}
    rows = [[row for name, row in board.names(section).items() if name in wanted]
            for section, wanted in (("routes", routes), ("upstreams", upstreams))]
    return np.asarray(np.isin(records["route"], rows[0]) | np.isin(records["upstream"], rows[1]))


def true_onset(started: NDArray[np.uint64], bad: NDArray[np.bool_], named: int) -> int:
    """When bad requests began to be more: the second, from a minute before the named one to a little after it, that
    splits all before the last bad one best into two rates (maximum likelihood of a change point), and in it the first
    that is bad. The named one where no split is significant. Fewer bad ones at the end, since a reflex has cut them
    off, do not hide when they began."""
    if not bad.any():
        return named
    begin = int(started[0])
    second = ((started - np.uint64(begin)) // np.uint64(SECOND)).astype(np.int64)
    last = int(second[bad].max()) + 1
    count, failed = (np.concatenate([[0], np.cumsum(np.bincount(second, weights=weights, minlength=last)[:last])])
                     for weights in (None, bad.astype(np.float64)))
    place = np.arange(max(1, (named - BEFORE_NS - begin) // SECOND),
                      min(last, (named + AFTER_NS - begin) // SECOND + 1))
    if not len(place):
        return named
    now, before = failed[last] - failed[place], failed[place]
    requests, requests_before = count[last] - count[place], count[place]
    rises = now * requests_before > before * requests
    nats = np.where(rises & (requests > 0), two_rates(now, requests, before, requests_before), 0.0)
    best = int(np.argmax(nats))
    if nats[best] < SIGNIFICANT_NATS:
        return named
    inside = bad & (second >= place[best])
    return int(started[inside][0])


def _slow(frozen: Evidence, onset: int) -> NDArray[np.bool_]:
    """Slower than nearly all before the onset."""
    taken = frozen.records["total_us"]
    before = taken[frozen.records["started_ns"] < onset]
    return np.asarray(taken > (np.quantile(before, SLOW_QUANTILE) if len(before) else np.inf))


def _spans(frozen: Evidence, onset: int) -> tuple[float, float]:
    """Seconds of the incident and of the time before it that there is evidence of."""
    started = frozen.records["started_ns"]
    if not len(started):
        return 1.0, 1.0
    first, last = int(started[0]), int(started[-1])
    return max((last - onset) / SECOND, 1.0), max((onset - first) / SECOND, 1.0)


def _facts(question: Question, frozen: Evidence, bad: NDArray[np.bool_], onset: int, found: Attribution, table: Table,
           suspects: list[changes.Suspect], rate_up: bool, upstreams: tuple[Upstream, ...]) -> Facts:
    """`upstreams`: all there are, as a fault of the network is seen in several."""
    records = frozen.records
    since = records["started_ns"] >= onset
    new = max(int((bad & since).sum()), 1)
    own = (evidences.denied(records) | evidences.refused(records)) & bad & since
    own_slow = [each for each in upstreams if each.slower < RISEN] if question.lag_ms > 0 else []
    return Facts(found, suspects, upstreams, denied=float(own.sum()) / new, rate_up=rate_up,
                 lag_p95_ms=question.lag_ms, cpu=question.cpu, slow_at_client=len(own_slow),
                 errors_lead=not question.slow, ejected=question.ejected, overloaded=question.overloaded)


def _is_out(board: Board, endpoint: int, now: int) -> bool:
    """A reflex has taken it out: that it fails is decided."""
    control = board.control("endpoints", endpoint)
    return bool(control["unhealthy"]) or control["ejected_until"] > now


def _upstreams(board: Board, frozen: Evidence, bad: NDArray[np.bool_], since: NDArray[np.bool_],
               until: int) -> Iterator[Upstream]:
    records, unreachable = frozen.records, evidences.local(frozen.records)
    for name, row in board.names("upstreams").items():
        mine = records["upstream"] == row
        now, before = mine & since, mine & ~since
        if not now.any():
            continue
        usual = float(bad[before].mean()) if before.any() else 0.0
        rows = [number for endpoint, number in board.names("endpoints").items() if endpoint.startswith(f"{name} ")]
        out = {number for number in rows if _is_out(board, number, until)}
        rows = [number for number in rows if number in out or (now & (records["endpoint"] == number)).any()]
        failing = [number for number in rows
                   if number in out or _fails_more(bad[now & (records["endpoint"] == number)], usual)]
        failures = int((bad & now).sum())
        slower = _slower(records[now], records[before]) if before.any() else 1.0
        yield Upstream(name, len(rows), len(failing), max(failures - usual * int(now.sum()), 0.0),
                       float((unreachable & bad & now).sum()) / max(failures, 1), slower, slower)


def _told(found: Attribution, question: Question, upstreams: Iterable[Upstream]) -> Attribution:
    """A rise that nothing narrows, where nothing fails clearly but what a reflex took out, is those few failures."""
    failing = sum(each.failing_endpoints for each in upstreams)
    few = found.reach is Reach.GLOBAL and 0 < failing <= len(set(question.ejected))
    return replace(found, reach=Reach.NOTHING) if few else found


def _elsewhere(table: Table, found: Attribution, upstream: str) -> float:
    """How likely requests of this upstream outside the first cause fail, beside those inside."""
    if not found.causes:
        return 1.0
    now = slice(0, table.split)
    mine = changes.inside(table, (("upstream", upstream),))[now]
    cause = changes.inside(table, tuple(found.causes[0].conditions.items()))[now]
    bad, inside, outside = table.bad[now], mine & cause, mine & ~cause
    if not inside.any() or not outside.any():
        return 1.0
    return float(bad[outside].mean()) / max(float(bad[inside].mean()), 1e-9)


def _fails_more(bad: NDArray[np.bool_], usual: float) -> bool:
    """Some failures, and clearly more of them than of the upstream before."""
    return int(bad.sum()) >= FAILING_LEAST and float(bad.mean()) > max(FAILING_SHARE, 3 * usual)


def _slower(now: NDArray[np.void], before: NDArray[np.void]) -> float:
    """How many times as long as before, at the quantile that rose most."""
    taken, usual = (np.quantile(_first_byte(each), SLOWER_QUANTILES) for each in (now, before))
    return float((taken / np.maximum(usual, 1.0)).max())


def _first_byte(records: NDArray[np.void]) -> NDArray[np.uint32]:
    """In µs; the whole where none came."""
    return np.where(records["ttfb_us"] == evidences.NO_ROW, records["total_us"], records["ttfb_us"])


def _words(found: Attribution, suspects: list[changes.Suspect], fault: FaultClass, ejected: tuple[str, ...]) -> str:
    if fault is FaultClass.CLIENT_SURGE and found.surge is not None:
        place = ", ".join(f"{name} {value}" for name, value in found.surge.conditions.items())
        return f"{found.surge.share:.0%} of the new requests: {place}"
    if found.reach is Reach.NOTHING and ejected:
        return f"{', '.join(ejected)} taken out at once: so few requests failed that they tell no more"
    prime = next((each for each in suspects if each.score > 0 and not each.veto), None)
    before = f"; {prime}" if prime and found.reach is not Reach.NOTHING else ""
    return f"{found}{before}"


def _taken_out(fault: FaultClass, ejected: Iterable[str]) -> list[dict[str, Any]]:
    """Where so few requests failed that nothing follows from them, the reflex that was quicker says where it is."""
    if fault is not FaultClass.ENDPOINT_FAILURE:
        return []
    return [{"where": {"endpoint": each.partition("/")[2]}, "excess": 0.0, "share": 0.0} for each in ejected]


def _part(part: attribution.Part) -> dict[str, Any]:
    return {"where": part.conditions, "excess": round(part.excess, 1), "share": round(part.share, 3)}


def _of_client(frozen: Evidence, onset: int, surge: attribution.Part) -> dict[str, Any]:
    """Where it is one client: the requests per second that it sends at most usually (its 99th percentile before the
    onset, less LEAD_NS: what it sends too much begins before anything fails), its share of all requests since, and what
    that was before."""
    address = surge.conditions.get("client")
    if address is None:
        return {}
    mine = _sent_by(frozen, address)
    started = frozen.records["started_ns"]
    usual_until = onset - LEAD_NS
    before, since = started < usual_until, started >= onset
    seconds = (started[mine & before] // np.uint64(SECOND)).astype(np.int64)
    first = int(started[0]) // SECOND if len(started) else 0
    span = max(1, usual_until // SECOND - first)
    rates = np.bincount(seconds - first, minlength=span) if len(seconds) else np.zeros(1)
    return {"usual_per_second": round(float(np.quantile(rates, 0.99)), 2), "traffic": _part_of(mine, since),
            "usual_traffic": _part_of(mine, before)}


def _part_of(mine: NDArray[np.bool_], span: NDArray[np.bool_]) -> float:
    return round(float((mine & span).sum()) / max(int(span.sum()), 1), 4)


def _sent_by(frozen: Evidence, client: str) -> NDArray[np.bool_]:
    if client.startswith("#"):
        return np.asarray(frozen.records["client_key"] == int(client[1:], 16))
    high, low = (int.from_bytes(part, "big") for part in (client_bytes(client)[:8], client_bytes(client)[8:]))
    return np.asarray((frozen.records["client_high"] == high) & (frozen.records["client_low"] == low))


def change(values: dict[str, Any]) -> Change:
    return Change(ChangeKind(values["kind"]), values["at_ns"], values["words"],
                  tuple((name, value) for name, value in values["scope"]), values["reference"])
