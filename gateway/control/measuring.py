"""What the ladder is told each second: the site as plan and board have it, and the seconds of its targets.

Read off the windows, so that after a death of control the seconds begin anew: what was being measured is then measured
from there on.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from gateway.board import NO_ROUTE, Board
from gateway.control.counters import ERRORS, LATENCY_MS, LIMITED, REQUESTS
from gateway.control.places import Places
from gateway.control.reach import reach
from gateway.control.windows import SECONDS, Windows
from gateway.mitigate.ladder import Readings
from gateway.mitigate.rungs import Site
from gateway.model import action as acting
from gateway.model import target as targets
from gateway.model.action import Action, ActionKind, ActionState, Policy, Sample
from gateway.model.incident import Incident
from gateway.model.safeguards import ENFORCE, SECOND, WHOLE
from gateway.model.signal import SignalKind
from gateway.record.active import Active
from gateway.resolve.recovery import Returning

SETTLE_S = 1
"""After an action: what is answered within it was sent before."""
USUAL_S = 300
BEFORE_LEAST_S = 5
HOW_MUCH = frozenset({SignalKind.RATE_UP, SignalKind.RATE_DOWN, SignalKind.LIMIT_SATURATED})
"""Signals of how much comes, what is refused of it included: a client that is clamped may send on."""
SEEN_NS = 20 * SECOND
"""A signal is renewed each second, or each tick of ten."""


class Measuring:
    """`active`: what is served; `previous`: the number of the revision before it, 0 where there is none."""

    def __init__(self, board: Board, windows: Windows, active: Callable[[], Active],
                 previous: Callable[[], int]) -> None:
        self._board = board
        self._windows = windows
        self._active = active
        self._previous = previous
        self._places = Places(board)

    def site(self, incident: Incident, now: int) -> Site:
        """Raises NotStored."""
        routes, upstreams = self._active().plan.watched, self._active().plan.users_upstreams
        return Site(
            endpoints={each.name: tuple(one.address for one in each.endpoints) for each in upstreams},
            out=frozenset(self._out()),
            behind={each.name: each.upstream for each in routes if each.upstream},
            fallbacks=frozenset(each.name for each in routes if any(
                step.mode == ENFORCE and "isolated" in step.on for step in each.fallback)),
            priorities={each.name: each.priority for each in routes},
            in_flight={f"upstream:{each.name}": self._usual(f"upstream:{each.name}", now - incident.onset_ns)
                       for each in upstreams},
            revision=self._active().revision.number, previous=self._previous())

    def _out(self) -> Iterable[str]:
        now = time.monotonic_ns()
        for name, row in self._places.names("endpoint").items():
            control = self._board.control("endpoints", row)
            if control["unhealthy"] or control["ejected_until"] > now:
                yield name

    def _usual(self, target: str, ago_ns: int) -> float:
        """Requests at a time before the onset, by Little: the time that all of them took, per second."""
        seconds = self._sample(target, SECONDS)
        since = max(0, ago_ns // SECOND + 1)
        before = seconds.latency_ms[:max(0, seconds.seconds - since)][-USUAL_S:]
        return sum(before) / 1000 / len(before) if before else 0.0

    def readings(self, incident: Incident, actions: Sequence[Action], elsewhere: Sequence[Action], policy: Policy,
                 site: Site, now: int) -> Readings:
        """For the ladder of one incident; `elsewhere`: what is in force for others."""
        planned = [each for each in actions if each.state is ActionState.PLANNED]
        tried = [each for each in actions if each.state is ActionState.TRIED]
        span = max(BEFORE_LEAST_S, min(policy.measure, now - incident.onset_ns) // SECOND)
        return Readings(
            before={each.measured: self._sample(each.measured, span, _limits_count(each)) for each in planned},
            after={each.id: self._since(each.measured, each.done_ns, now, _limits_count(each)) for each in tried},
            felt={each.id: self._felt(site, each, span, now) for each in tried},
            routes={route: self._sample(f"route:{route}", span)
                    for route in {route for each in planned for route in site.routes_of(each.target)}},
            reach={each.target: self._reach(each, incident, site) for each in planned},
            hurts=any(each.kind not in HOW_MUCH and now - each.at_ns <= SEEN_NS for each in incident.signals),
            elsewhere=acting.touched(elsewhere), taken=frozenset((each.kind, each.target) for each in elsewhere))

    def _felt(self, site: Site, action: Action, span: int, now: int) -> tuple[Sample, Sample]:
        """By all clients of the routes that it touches: as many seconds before it, and those since."""
        names = [f"route:{each}" for each in site.routes_of(action.target)]
        since = now // SECOND - action.done_ns // SECOND
        before = [self._sample(each, since + span).but(since) for each in names]
        return _together(before), _together([self._sample(each, since - SETTLE_S) for each in names])

    def returning(self, action: Action, now: int) -> Returning:
        """The endpoint that comes back, beside those that were there all the time."""
        if action.kind is not ActionKind.EJECT:
            return Returning()
        name = action.target.partition(":")[2]
        upstream = name.partition("/")[0]
        row = self._places.names("endpoint").get(name)
        fails = row is not None and bool(self._board.control("endpoints", row)["unhealthy"])
        if action.state is not ActionState.RETURNING:
            return Returning(probes_fail=fails)
        others = [self._since(f"endpoint:{each}", action.since_ns, now) for each in self._places.names("endpoint")
                  if each.partition("/")[0] == upstream and each != name]
        return Returning(self._since(action.target, action.since_ns, now), _together(others), fails)

    def _since(self, target: str, at_ns: int, now: int, limited: bool = False) -> Sample:
        return self._sample(target, now // SECOND - at_ns // SECOND - SETTLE_S, limited)

    def _sample(self, target: str, seconds: int, limited: bool = False) -> Sample:
        """The last seconds of a target, as many as were seen; none of one that has no row. `limited`: what a limit
        refused has failed, too."""
        if seconds <= 0 or target not in self._windows.names:
            return Sample()
        rows = self._windows.history(target, seconds)
        failed = rows[:, ERRORS] + rows[:, LIMITED] * limited
        return Sample(*(tuple(each.tolist()) for each in (rows[:, REQUESTS], failed, rows[:, LATENCY_MS])))

    def _reach(self, action: Action, incident: Incident, site: Site) -> int | None:
        """Of a client that surges its share before it did: what it sends beyond that is the trouble itself."""
        if action.kind is ActionKind.ROLL_BACK:
            return self._share({f"route:{route}" for each in incident.scope for route in site.routes_of(each)})
        target = targets.parse(action.target)
        if target.kind == "client":
            share = (incident.finding.get("surge") or {}).get("usual_traffic")
            return None if share is None else int(share * WHOLE)
        return self._share([action.target])

    def _share(self, names: Iterable[str]) -> int:
        found = [reach(self._board, self._places, targets.parse(each), time.monotonic_ns()) for each in names
                 if not each.endswith(f":{NO_ROUTE}")]
        total = max((each.total for each in found), default=0)
        return min(WHOLE, sum(each.requests or 0 for each in found) * WHOLE // total) if total else 0


def _limits_count(action: Action) -> bool:
    """A config may be wrong in what it refuses; nobody else is to blame for a limit."""
    return action.kind is ActionKind.ROLL_BACK


def _together(samples: Sequence[Sample]) -> Sample:
    """The sum, second by second from the latest back."""
    span = min((each.seconds for each in samples), default=0)
    if not span:
        return Sample()
    return Sample(*(tuple(np.sum([getattr(each, name)[-span:] for each in samples], axis=0).tolist())
                    for name in ("requests", "failed", "latency_ms")))
