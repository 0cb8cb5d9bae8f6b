"""A drill for people: how far it is while it runs, and what came of it."""

import time
from collections.abc import Iterable
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli.drills.conduct import Run
from gateway.cli.drills.scenarios import Scenario
from gateway.model.quantities import format_duration
from gateway.prevent.drill import Check


class Showing:
    """A table that moves, on stderr, so that stdout holds the result alone; none where the result is for a script."""

    def __init__(self, run: Run, quiet: bool) -> None:
        console = Console(stderr=True, quiet=quiet)
        self._live = Live(Text(f"drill {run.scenario.name}: {run.scenario.settings.about}"), console=console,
                          refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def look(self, run: Run) -> None:
        elapsed = f"{time.time() - run.began:.0f} s; the fault is {'over' if run.ended else 'there'}"
        self._live.update(Group(Text(f"drill {run.scenario.name} on {run.place}: {elapsed}"), table(run)))


def table(run: Run) -> Table:
    judged = run.judgement()
    incident = f", incident {run.followed.number}" if run.followed.number else ""
    found = Table(title=f"drill {run.scenario.name}{incident}", title_justify="left")
    for name in ("step", "seconds", "at most", ""):
        found.add_column(name, justify="right" if name in ("seconds", "at most") else "left")
    for each in judged.checks:
        found.add_row(each.step, _number(each.took), _number(each.limit), _verdict(each))
    if judged.wanted or judged.found:
        said = "passed" if judged.class_passed else "failed"
        found.add_row("fault", judged.found or "-", judged.wanted or "-", _coloured(said if judged.wanted else ""))
    if run.answers.get("asked"):
        found.add_row("traffic", f"{run.answers['failed']} failed", f"of {run.answers['asked']}", "")
    return found


def _number(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _verdict(check: Check) -> Text:
    if check.limit is None:
        return Text("not asked for", "dim")
    return _coloured("passed" if check.passed else "failed")


def _coloured(word: str) -> Text:
    return Text(word, {"passed": "green", "failed": "red"}.get(word, ""))


def listed(scenarios: Iterable[Scenario]) -> Table:
    found = Table("scenario", "place", "what happens", "at most")
    for each in scenarios:
        settings = each.settings
        found.add_row(each.name, str(settings.place), str(settings.about), format_duration(settings.for_))
    return found


def past(runs: Iterable[dict[str, Any]]) -> Table:
    found = Table("id", "at", "who", "scenario", "place", "incident", "")
    for each in runs:
        found.add_row(str(each["id"]), each["at"], each["who"], each["scenario"], each["place"],
                      str(each["incident"] or "-"), _coloured("passed" if each["passed"] else "failed"))
    return found
