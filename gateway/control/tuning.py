"""Tuning after an incident: would another budget of false alarms have noticed it sooner, and at which price? With it
the incident's windows become a file that later versions of the detectors are held to.

Up to two weeks of windows through the production detectors, minutes of a processor: done in a child of control, after
the post-mortem is there.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config import proposing
from gateway.control import history, regression
from gateway.control.history import History
from gateway.model.proposal import Proposal
from gateway.prevent import tuning
from gateway.prevent.tuning import Labelled, Row
from gateway.record.ticks import SECONDS
from gateway.record.window_store import NAME, WindowStore

DAY = 86_400
REPLAYED = 14 * DAY
GRID = (1, 2, 5, 10, 30, 100)
ROUTES_MOST = 3
AFTER = 300


@dataclass(frozen=True, slots=True)
class TuningQuestion:
    """`routes`: (name, objective in parts per million, budget now) of those affected; `noticed`: seconds from the onset
    until it was opened, by whatever; times are UTC seconds."""

    incident: int
    title: str
    onset: float
    over: float
    noticed: float
    routes: tuple[tuple[str, int, int], ...]
    labelled: tuple[Labelled, ...]
    served: str = ""
    revision: int = 0

    def to_json(self) -> str:
        values = dataclasses.asdict(self)
        for each in values["labelled"]:
            each["routes"] = sorted(each["routes"])
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "TuningQuestion":
        values = json.loads(text)
        values["routes"] = tuple((name, success, budget) for name, success, budget in values["routes"])
        values["labelled"] = tuple(Labelled(each["incident"], frozenset(each["routes"]), each["onset"], each["over"])
                                   for each in values["labelled"])
        return cls(**values)


def tune(folder: Path, question: TuningQuestion, now: int) -> dict[str, Any]:
    """`examined`: what was looked at, or why nothing could be; `would_have_fired`: rows for the record; `proposals`.

    `now`: UTC ns. Raises sqlite3.Error.
    """
    routes = [each for each in question.routes if each[2] > 0][:ROUTES_MOST]
    if not routes:
        return _nothing("no affected route is watched for anomalies")
    windows = WindowStore(folder / NAME, 0)
    try:
        last = int(question.over) // SECONDS * SECONDS + AFTER
        found = history.read(windows, [name for name, _, _ in routes], last - REPLAYED, last)
    finally:
        windows.close()
    if question.onset < found.judged_from:
        return _nothing(f"the windows begin only {(question.onset - found.first) / 3600:.1f} h before the onset; "
                        f"{(found.judged_from - found.first) / 3600:.0f} h are needed before the first alarm")
    return _judged(question, routes, found, now)


def _judged(question: TuningQuestion, routes: list[tuple[str, int, int]], found: History, now: int) -> dict[str, Any]:
    present = min(budget for _, _, budget in routes)
    labelled = [each for each in question.labelled if each.onset >= found.judged_from]
    settings = history.replay(found, sorted({*GRID, present}), [success for _, success, _ in routes], labelled)
    days = found.judged_days(labelled)
    rows = tuning.rows(settings, labelled, question.incident, days)
    chosen = tuning.suggestion(rows, present)
    return {
        "examined": f"{(found.last - found.first) / DAY:.1f} days of windows of {', '.join(found.routes)}, "
                    f"{len(labelled)} incidents, budgets {', '.join(str(each.budget) for each in rows)}",
        "would_have_fired": [list(each) for each in tuning.would_have_fired(rows, question.noticed)],
        "proposals": [dataclasses.asdict(dataclasses.replace(each, at_ns=now)) for each in
                      _proposals(question, routes, found, rows, chosen, present, len(labelled))],
    }


def _proposals(question: TuningQuestion, routes: list[tuple[str, int, int]], found: History, rows: list[Row],
               chosen: Row | None, present: int, incidents: int) -> Iterator[Proposal]:
    if chosen is not None and chosen.delay is not None and chosen.delay < question.noticed:
        proof = tuple(tuning.proof(rows, chosen, present, incidents))
        for name, _, _ in routes:
            drafted = proposing.threshold(question.incident, name, chosen.budget, proof, question.served,
                                          question.revision)
            if drafted is not None:
                yield drafted
    held_to = chosen or next(each for each in rows if each.budget == present)
    if held_to.delay is not None:
        yield regression.drafted(question.incident, question.title, question.onset, question.over, found, routes,
                                 held_to)


def _nothing(why: str) -> dict[str, Any]:
    return {"examined": why, "would_have_fired": [], "proposals": []}
