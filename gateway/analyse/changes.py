"""Which change comes before the onset, in the same place: a suspect, with its reasons, or a veto with its own.

    score = J(scope, affected) exp(-max(0, onset - t) / tau) (1 + ln E)

J: Jaccard of the change's scope and the affected place, by traffic; tau: how long a change of its kind is suspected; E:
the e-value of the split between old and new where both were served side by side, which is proof by itself (1 = none).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.analyse.attribution import Attribution, Reach
from gateway.analyse.table import Table
from gateway.model.change import Change, ChangeKind

SECOND = 1_000_000_000
MEMORY_S = {ChangeKind.CONFIG: 600.0, ChangeKind.OVERRIDE: 600.0, ChangeKind.ISOLATION: 600.0}
USUAL_MEMORY_S = 3600.0
TOLERANCE_S = 30.0
"""An onset is found by looking back: it may seem to lie a little before its cause."""
LEAST_RISK_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Suspect:
    """`overlap`: Jaccard of its scope and the affected place, `covers`: how much of the affected place lies in a scope
    that it names. `veto`: why it cannot be the cause, empty where it can; a vetoed one scores 0."""

    change: Change
    score: float
    overlap: float
    seconds_before: float
    veto: str = ""
    covers: float = 0.0

    def __str__(self) -> str:
        if self.veto:
            return f"not {self.change.words}: {self.veto}"
        if self.seconds_before < 0.5:
            return f"{self.change.words}, at the onset"
        return f"{self.change.words}, {self.seconds_before:.0f} s before onset"


def suspects(changes: Sequence[Change], onset_ns: int, table: Table, answer: Attribution,
             e_values: dict[str, float] | None = None, taken_out: Collection[str] = ()) -> list[Suspect]:
    """All changes, the most suspect first. `e_values`: by the change's reference; `taken_out`: upstreams of which a
    reflex took endpoints out. Where that was so quick that hardly a request failed, they are the affected place, and
    that as few fail elsewhere says nothing."""
    quick = taken_out if answer.reach is Reach.NOTHING else ()
    affected = _affected(table, answer, quick)
    judged = [_judge(each, onset_ns, table, affected, (e_values or {}).get(each.reference, 1.0), not quick)
              for each in changes]
    return sorted(judged, key=lambda each: (-each.score, abs(each.seconds_before)))


def _judge(change: Change, onset_ns: int, table: Table, affected: NDArray[np.bool_], e_value: float,
           failures_tell: bool) -> Suspect:
    before = (onset_ns - change.at_ns) / SECOND
    scope = inside(table, change.scope)
    overlap = _jaccard(table, scope, affected)
    veto = _veto(change, before, table, scope, failures_tell)
    memory = MEMORY_S.get(change.kind, USUAL_MEMORY_S)
    score = 0.0 if veto else overlap * math.exp(-max(0.0, before) / memory) * (1 + math.log(max(e_value, 1.0)))
    return Suspect(change, score, overlap, before, veto, _share(table, scope, affected) if change.scope else 0.0)


def _veto(change: Change, before: float, table: Table, scope: NDArray[np.bool_], failures_tell: bool) -> str:
    if before < -TOLERANCE_S:
        return f"it came {-before:.0f} s after the onset"
    ratio = _risk_ratio(table, scope) if failures_tell else None
    if change.scope and ratio is not None and ratio < LEAST_RISK_RATIO:
        return "what it did not touch fails as much"
    return ""


def _affected(table: Table, answer: Attribution, upstreams: Collection[str]) -> NDArray[np.bool_]:
    """The rows in the place of the causes, or of these upstreams; all rows where nothing narrows it."""
    if upstreams:
        return np.asarray(np.any([inside(table, (("upstream", each),)) for each in upstreams], axis=0))
    if not answer.causes:
        return np.ones(table.rows, dtype=bool)
    affected = np.zeros(table.rows, dtype=bool)
    for each in answer.causes:
        affected |= inside(table, tuple(each.conditions.items()))
    return affected


def inside(table: Table, scope: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
    """Rows within a scope; a column that was not recorded, or a value never seen, holds none."""
    inside = np.ones(table.rows, dtype=bool)
    for name, value in scope:
        if name not in table.names or value not in table.values[table.names.index(name)]:
            return np.zeros(table.rows, dtype=bool)
        column = table.names.index(name)
        inside &= table.codes[column] == table.values[column].index(value)
    return inside


def _jaccard(table: Table, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """By requests of the incident."""
    now = slice(0, table.split)
    count = table.count[now]
    union = float(count[one[now] | other[now]].sum())
    return float(count[one[now] & other[now]].sum()) / union if union else 0.0


def _share(table: Table, scope: NDArray[np.bool_], affected: NDArray[np.bool_]) -> float:
    """Of the affected requests of the incident, those within the scope."""
    now = slice(0, table.split)
    whole = float(table.count[now][affected[now]].sum())
    return float(table.count[now][scope[now] & affected[now]].sum()) / whole if whole else 0.0


def _risk_ratio(table: Table, scope: NDArray[np.bool_]) -> float | None:
    """How many times as likely a request inside fails as one outside; None where there is nothing to compare."""
    now = slice(0, table.split)
    inside, count, bad = scope[now], table.count[now], table.bad[now]
    requests, others = float(count[inside].sum()), float(count[~inside].sum())
    if not requests or not others:
        return None
    outside = (float(bad[~inside].sum()) + 0.5) / (others + 1)
    return (float(bad[inside].sum()) + 0.5) / (requests + 1) / outside
