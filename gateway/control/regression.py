"""Regression drills: the windows of an incident as a file, and whether the detectors of today would catch it, how fast.

    {"schema": "regression-drill/1", "incident", "title", "onset", "over", "budget", "success", "within", "windows"}

The file holds what was seen, not what a detector remembered, so that any later version can be held to it. In CI:
`gateway incidents replay drills/*.json`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.control import history
from gateway.control.history import DAY, HOUR, WARM_UP, History
from gateway.model.proposal import Proposal, ProposalKind
from gateway.prevent import tuning
from gateway.prevent.tuning import Labelled, Row
from gateway.record.ticks import SECONDS

SCHEMA = "regression-drill/1"
SLACK, LEAST_WITHIN_S = 1.5, 30.0
BEFORE = WARM_UP + 2 * HOUR
BYTES_MOST = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Verdict:
    """`delay`: seconds from the onset to the first alarm, None where there was none; `false`: alarms before that."""

    incident: int
    title: str
    within: float
    delay: float | None
    false: int

    @property
    def passed(self) -> bool:
        return self.delay is not None and self.delay <= self.within

    def __str__(self) -> str:
        seen = "is not noticed" if self.delay is None else f"is noticed after {self.delay:.0f} s"
        wanted = "within" if self.passed else "but should be within"
        before = f"; {self.false} false alarms before it" if self.false else ""
        return f"incident {self.incident}, {self.title}: {seen}, {wanted} {self.within:.0f} s{before}"


def drafted(incident: int, title: str, onset: float, over: float, found: History,
            routes: Sequence[tuple[str, int, int]], held_to: Row) -> Proposal:
    """`held_to`: the budget that notices it, and when."""
    assert held_to.delay is not None
    within = max(LEAST_WITHIN_S, SLACK * held_to.delay)
    text = history.to_text(_cut(found, int(onset)), {
        "schema": SCHEMA, "incident": incident, "title": title, "onset": onset, "over": over,
        "budget": held_to.budget, "success": [success for _, success, _ in routes], "within": within})
    return Proposal(incident, ProposalKind.DRILL, f"hold the detectors to noticing it within {within:.0f} s",
                    "what was seen then is kept as a file, so that a later version or setting is tried on it",
                    f"incident-{incident}.json", text, proof=(
                        f"noticed after {held_to.delay:.0f} s with a budget of {held_to.budget}",
                        f"{len(text) // 1024} KiB: {len(found.routes)} routes, a day of windows and the weeks before"))


def _cut(found: History, onset: int) -> History:
    """As much as is needed before the onset; the hours in between go to those that prime."""
    first = max(found.first, (onset - BEFORE) // HOUR * HOUR)
    ticks = (first - found.first) // SECONDS
    if not ticks:
        return found
    added = history.hours_of(found.ticks[:ticks])
    ran = found.ran[:ticks].reshape(-1, HOUR // SECONDS).sum(axis=1)
    return History(found.routes, found.oldest, *history.joined(found, added, ran), first, found.ticks[ticks:],
                   found.ran[ticks:])


def run(path: Path) -> Verdict:
    """Half a minute of a processor. Raises OSError, or ValueError on anything but such a file."""
    if path.stat().st_size > BYTES_MOST:
        raise ValueError(f"{path} is larger than {BYTES_MOST >> 20} MiB, and no regression drill")
    try:
        asked = json.loads(path.read_text())
        if asked["schema"] != SCHEMA:
            raise ValueError(f"schema {str(asked['schema'])[:40]!r} is not {SCHEMA}")
        windows = History.from_json(asked["windows"])
        of = Labelled(int(asked["incident"]), frozenset(windows.routes), float(asked["onset"]), float(asked["over"]))
        success = [int(each) for each in asked["success"]]
        settings = history.replay(windows, [int(asked["budget"])], success, [of])
        row = tuning.rows(settings, [of], of.incident, 1 / DAY)[0]
        return Verdict(of.incident, str(asked["title"]), float(asked["within"]), row.delay,
                       sum(at < of.onset for at in row.false))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no regression drill: {error}") from None
