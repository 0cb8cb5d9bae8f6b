"""A case: all that is known of an incident that is over, as values. What a post-mortem and the proposals are made from.

Who reads it from the store, the windows and the recorder is control; nothing here asks anybody for more.
"""

import datetime
from dataclasses import dataclass

from gateway.model.action import Action
from gateway.model.incident import Entry, Incident

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """Ticks of `step` seconds of one target from `first` (UTC seconds) on; `p99_ms`: None where nothing was measured.
    """

    target: str
    first: int
    step: int
    requests: tuple[int, ...]
    errors: tuple[int, ...]
    refused: tuple[int, ...]
    p99_ms: tuple[float | None, ...]

    def between(self, since: int, until: int) -> "Series":
        """The ticks that begin from `since` (UTC seconds) up to but without `until`."""
        begin = max(0, -(-(since - self.first) // self.step))
        end = max(begin, -(-(until - self.first) // self.step))
        cut = slice(begin, end)
        return Series(self.target, self.first + begin * self.step, self.step, self.requests[cut], self.errors[cut],
                      self.refused[cut], self.p99_ms[cut])


@dataclass(frozen=True, slots=True)
class Promise:
    """A route's objective: `success` in parts per million, `month`: its requests of the last 30 days."""

    route: str
    success: int
    month: int


@dataclass(frozen=True, slots=True)
class Clients:
    """Of the flight recorder: how many different clients were failed or refused, of how many that were seen.

    `fallback`: requests that a fallback answered, by weight; `share_kept`: how much of the traffic it still holds.
    """

    failed: int
    seen: int
    fallback: int
    share_kept: float


@dataclass(frozen=True, slots=True)
class Applied:
    """The revision that is suspected, and the one before it. Texts are configs as written."""

    number: int
    before: int
    text: str
    text_before: str
    diff: str
    who: str
    author: str
    commit: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Case:
    """`routes`: those that were affected, as targets; `series`: of them; `clients`: None where nothing is recorded."""

    incident: Incident
    timeline: tuple[Entry, ...] = ()
    actions: tuple[Action, ...] = ()
    series: tuple[Series, ...] = ()
    promises: tuple[Promise, ...] = ()
    clients: Clients | None = None
    applied: Applied | None = None

    @property
    def onset_ns(self) -> int:
        """When it began, as the analysis found it, or as the detectors believed."""
        found = self.incident.finding.get("onset_ns")
        return min(int(found), self.incident.onset_ns) if found else self.incident.onset_ns

    @property
    def over_ns(self) -> int:
        """When the last signal stopped; before it was resolved, which takes a calm time on purpose."""
        return self.incident.quiet_since_ns or self.incident.times.get("resolved", self.incident.opened_ns)


def utc(at_ns: int) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.datetime.fromtimestamp(at_ns // SECOND, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
