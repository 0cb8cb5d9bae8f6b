"""Would another budget of false alarms have noticed the incident sooner, and at which price? From a replay of the
stored windows through the production detectors under several budgets at once.

A suggestion is the smallest budget that gains at least ten seconds here, loses no incident of the past that the present
one catches, and has no more false alarms than it allows, as far as the days that were replayed can tell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.prevent import confidence

GAIN_S = 10.0
LATE_S = 1800.0
"""An alarm is of an incident from its onset to so long after its end; what comes then is a false one."""
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Labelled:
    """An incident of the past, on some of the routes. Times are UTC seconds."""

    incident: int
    routes: frozenset[str]
    onset: float
    over: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """It opened at `at` (UTC seconds), after the tick in which it was seen."""

    route: str
    at: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A budget, false alarms a month of a route, and what it led to."""

    budget: int
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """`delay`: seconds from the onset of the incident, None where it was not seen; `caught`: which incidents were;
    `false`: when the false alarms were; `days`: clean days of one route that were looked at, all routes added up."""

    budget: int
    delay: float | None
    caught: frozenset[int]
    false: tuple[float, ...]
    days: float

    def a_month(self) -> tuple[float, float, float]:
        """False alarms a month of one route: point and bounds."""
        return confidence.a_month(len(self.false), self.days)

    @property
    def false_alarms(self) -> str:
        if self.days <= 0:
            return "not known"
        point, _, most = self.a_month()
        return (f"{point:.2g} a month: {len(self.false)} in {self.days:.3g} route-days, at most {most:.2g} a month "
                "with 95 % confidence")


def rows(settings: Sequence[Setting], labelled: Sequence[Labelled], incident: int, days: float) -> list[Row]:
    """In the order of the settings."""
    return [_row(each, labelled, incident, days) for each in settings]


def _row(setting: Setting, labelled: Sequence[Labelled], incident: int, days: float) -> Row:
    first: dict[int, float] = {}
    false = []
    for alarm in sorted(setting.alarms, key=lambda each: each.at):
        of = [each for each in labelled if alarm.route in each.routes and each.onset <= alarm.at <= each.over + LATE_S]
        for each in of:
            first.setdefault(each.incident, alarm.at - each.onset)
        if not of:
            false.append(alarm.at)
    return Row(setting.budget, first.get(incident), frozenset(first), tuple(false), days)


def suggestion(found: Sequence[Row], present: int) -> Row | None:
    """None where nothing better was found. `present`: the budget now, which must be among the rows."""
    now = next(each for each in found if each.budget == present)
    for each in sorted(found, key=lambda row: row.budget):
        if each.delay is None or each.days <= 0 or each.budget == present:
            continue
        gains = now.delay is None or now.delay - each.delay >= GAIN_S
        if gains and now.caught <= each.caught and each.a_month()[0] <= each.budget:
            return each
    return None


def would_have_fired(found: Sequence[Row], noticed_after: float) -> Iterator[tuple[str, float, str]]:
    """(which, seconds after the onset, false alarms) of those that were quicker than what noticed it."""
    for each in found:
        if each.delay is not None and each.delay < noticed_after:
            yield f"anomalies, {each.budget} false alarms a month", round(each.delay, 1), each.false_alarms


def proof(found: Sequence[Row], chosen: Row, present: int, incidents: int) -> Iterator[str]:
    """What speaks for the suggestion, and how far that can be trusted."""
    for each in found:
        delay = "not seen" if each.delay is None else f"seen after {each.delay:.0f} s"
        mark = " (now)" if each.budget == present else " (proposed)" if each is chosen else ""
        yield f"budget {each.budget}{mark}: {delay}; {len(each.caught)} of {incidents} incidents; {each.false_alarms}"
    if incidents < 2:
        yield "fitted to this one incident: there was no other in the replayed days to hold it against"
    else:
        yield f"incidents beside this one that it was held against: {incidents - 1}"
