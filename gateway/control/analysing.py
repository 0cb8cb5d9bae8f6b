"""The analyst: each incident is thought about in one niced child, and the answer is collected by a later turn.

One child at a time; it reads the board by its descriptor, is told the question by a file and leaves its answer in
another. It is killed after CHILD_SECONDS, and dies with control; then the incident is simply asked about again.
"""

import dataclasses
import itertools
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.board import Board
from gateway.config import differences
from gateway.control.incident_loop import Findings
from gateway.control.investigating import Question
from gateway.model.change import Change, ChangeKind
from gateway.model.fault import FaultClass
from gateway.model.incident import Incident
from gateway.model.signal import GATEWAY, SignalKind
from gateway.record.store import Store

SETTLE_NS = 5 * 10**9
"""So long after an incident was opened there is more to see of it; it is asked about then."""
CHILD_SECONDS = 30.0
ATTEMPTS = 3
CHANGES_NS = 2 * 3600 * 10**9
REVISIONS_MOST, TOUCHED_MOST = 5, 8
"""Looked at: the latest revisions, and what each touched; what touched more touched everything."""
FAILING = frozenset({SignalKind.ERRORS, SignalKind.BREAKER_OPEN, SignalKind.BURN, SignalKind.ENDPOINT_EJECTED,
                     SignalKind.LIMIT_SATURATED, SignalKind.BULKHEAD_FULL})
MOSTLY = 0.5
MODULE = "gateway.processes.analyst"


class ChildAnalyst:
    """Mutable state: the child that thinks, of which incident, since when; how often each incident was tried."""

    def __init__(self, board: Board, folder: Path, store: Callable[[], Store], log: logging.Logger) -> None:
        self._board = board
        self._folder = folder
        self._store = store
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._about = 0
        self._since = 0.0
        self._tried: dict[tuple[int, int], int] = {}

    def ask(self, incident: Incident, now: int) -> None:
        """Raises NotStored."""
        key = incident.id, incident.relapses
        if self._child or now - incident.times["detected"] < SETTLE_NS or self._tried.get(key, 0) >= ATTEMPTS:
            return
        self._tried[key] = self._tried.get(key, 0) + 1
        question = self._question(incident, now)
        try:
            self._answer_file.unlink(missing_ok=True)
            self._question_file.write_text(json.dumps(dataclasses.asdict(question)))
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", MODULE, str(self._board.fd), str(self._question_file), str(self._answer_file)],
                pass_fds=[self._board.fd], stdin=subprocess.DEVNULL)
        except OSError as error:
            self._log.error("an incident cannot be analysed: %s", error)
            return
        self._about, self._since = incident.id, time.monotonic()

    def answer(self, incident: Incident, now: int) -> Findings | None:
        if self._child is None or self._about != incident.id:
            return None
        if self._child.poll() is None:
            if time.monotonic() - self._since > CHILD_SECONDS:
                self._child.kill()
            return None
        code, self._child = self._child.returncode, None
        try:
            return _findings(json.loads(self._answer_file.read_text()))
        except (OSError, ValueError, KeyError) as error:
            self._log.error("the analysis of incident %d ended with %d and no answer: %s", incident.id, code, error)
            return None

    @property
    def _question_file(self) -> Path:
        return self._folder / "question.json"

    @property
    def _answer_file(self) -> Path:
        return self._folder / "answer.json"

    def _question(self, incident: Incident, now: int) -> Question:
        kinds = {each.kind for each in incident.signals}
        offset = now - time.monotonic_ns()
        lag = max((self._board.slot(index)["loop_lag_us"] for index in self._board.crew()), default=0) / 1000
        overloaded = SignalKind.GATEWAY_OVERLOADED in kinds
        return Question(incident.onset_ns - offset, now - offset, offset,
                        slow=_is_slow(incident), rate_up=SignalKind.RATE_UP in kinds,
                        lag_ms=lag if overloaded else 0.0, cpu=0.0, changes=tuple(self._changes(incident)),
                        ejected=_ejected(incident), overloaded=_overloaded(incident),
                        scope=incident.scope, others=self._others(incident))

    def _others(self, incident: Incident) -> tuple[str, ...]:
        """The targets of all other open incidents. Raises NotStored."""
        beside = [each for each in self._store().recent_incidents(2**62) if each.is_open and each.id != incident.id]
        return tuple({target for each in beside for target in each.scope} - {GATEWAY})

    def _changes(self, incident: Incident) -> list[Change]:
        """Deploys, and what was applied or stands by hand, of the two hours before the onset."""
        first, last, store = incident.onset_ns - CHANGES_NS, incident.onset_ns + 30 * 10**9, self._store()
        found = store.changes(first, last)
        found += _revisions(store, first, last)
        found += [Change(ChangeKind.ISOLATION, each.at_ns, f"{each.target} was isolated", (), str(each.id))
                  for each in store.list_overrides("isolation", 20) if first <= each.at_ns <= last]
        return found


def _revisions(store: Store, first: int, last: int) -> Iterator[Change]:
    """For each upstream or route that a revision changed, one change; at most TOUCHED_MOST."""
    listed = [each for each, _ in store.revisions(REVISIONS_MOST + 1)]
    for brief, previous in itertools.pairwise(listed):
        if not first <= brief.at_ns <= last:
            continue
        one, other = store.revision(previous.number), store.revision(brief.number)
        scopes = differences.touched(one.plan, other.plan) if one and other else []
        if len(scopes) > TOUCHED_MOST or not scopes:
            scopes = [("", "")]
        for kind, name in scopes:
            scope = ((kind, name),) if kind else ()
            words = f"revision {brief.number} was applied" + (f", which changed {kind} {name}" if kind else "")
            yield Change(ChangeKind.CONFIG, brief.at_ns, words, scope, str(brief.number))


def _ejected(incident: Incident) -> tuple[str, ...]:
    return tuple(each.target.partition(":")[2] for each in incident.signals
                 if each.kind is SignalKind.ENDPOINT_EJECTED)


def _is_slow(incident: Incident) -> bool:
    """It is slow, and does not fail; a breaker may have opened for either."""
    failing = {each.kind for each in incident.signals if each.kind in FAILING
               and not (each.kind is SignalKind.BREAKER_OPEN and each.statistic > MOSTLY)}
    slow = {each.kind for each in incident.signals} & {SignalKind.SLOW, SignalKind.BREAKER_OPEN}
    return bool(slow) and not failing


def _overloaded(incident: Incident) -> str:
    """What was seen of the gateway's own overload, if that came first."""
    first = min(incident.signals, key=lambda each: each.onset_ns)
    return first.observed if first.kind is SignalKind.GATEWAY_OVERLOADED else ""


def _findings(document: dict[str, Any]) -> Findings:
    return Findings(FaultClass(document["fault"]), f"{document['fault']}: {document['words']}", document)
