"""The detectors of all routes at work: each tick of the windows goes in, what they see comes out as a Source.

    start -> learn from the stored windows, in a child -> watch; keep the state every five minutes and at the end

Signals are those of the last tick. While the child learns, and where no tick came for half a minute, there are none:
nothing is known. A state that cannot be kept is a fault to show, and costs learning anew at the next start.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from gateway.control import learning, observing
from gateway.control.windows import Tick
from gateway.detect import threshold
from gateway.detect.watched import Watch, Watched
from gateway.model.incident import Incident
from gateway.model.report import Report
from gateway.model.signal import Signal, SignalKind
from gateway.record.detector_state import DetectorState
from gateway.record.store import NotStored
from gateway.record.ticks import SECONDS
from gateway.routing.plan import Plan

SECOND = 10**9
FRESH_NS = 30 * SECOND
KEEP_EVERY = 300
LEARNING, WATCHING = "learning from the stored windows", "watching"


class Learner(Protocol):
    """Leaves a state of the detectors in the state folder, elsewhere."""

    def begin(self, watches: Sequence[Watch]) -> None: ...

    def is_done(self) -> bool: ...


class RouteWatch:
    """Mutable state: the detectors, None while a child learns, and the plan whose order they have; the last tick's
    signals; when the state was kept."""

    def __init__(self, state: DetectorState, learner: Learner, plan: Callable[[], Plan],
                 incidents: Callable[[], Iterable[Incident]], reports: Callable[[int], list[Report]],
                 log: logging.Logger) -> None:
        self._state = state
        self._learner = learner
        self._plan = plan
        self._incidents = incidents
        self._reports = reports
        self._log = log
        self._watched: Watched | None = None
        self._arranged_for: Plan | None = None
        self._begun = False
        self._waiting: Tick | None = None
        self._signals: list[Signal] = []
        self._kept_at = 0
        self.fault = ""

    def __call__(self, now: int) -> list[Signal]:
        """`now`: UTC ns."""
        if self._watched is None or now - (int(self._watched.at) + SECONDS) * SECOND > FRESH_NS:
            return []
        return self._signals

    def turn(self, tick: Tick | None, now: int) -> None:
        """`now`: UTC ns; `tick`: what has ended with this second, if it has. It is looked at in the next turn: the one
        that ends a tick has enough to do with writing it down."""
        if not self._begun:
            self._begun = True
            self._learner.begin(watches(self._plan()))
        if self._watched is None and self._learner.is_done():
            self._watched = self._left(now // SECOND)
            self._kept_at = now // SECOND
        waiting, self._waiting = self._waiting, tick
        if self._watched is None:
            return
        if waiting is not None:
            self._watch(self._watched, waiting, now)
        elif tick is None:
            self._watched.finish()

    def _left(self, now: int) -> Watched:
        wanted = watches(self._plan())
        try:
            found = learning.kept(self._state.read(), wanted, now)
        except OSError as error:
            self._log.error("what the detectors had learned cannot be read: %s", error)
            found = None
        return found or Watched(wanted)

    def _watch(self, watched: Watched, tick: Tick, now: int) -> None:
        plan = self._plan()
        if plan is not self._arranged_for:
            self._arranged_for = plan
            if watched.watches != (wanted := watches(plan)):
                watched = self._watched = watched.arranged(wanted)
        if tick.at <= watched.at:
            return                      # the clock was set back, or the child has seen it already
        self._signals = watched.tick(tick.at, observing.live(tick, plan.watched), self._frozen(plan),
                                     self._lowered(plan, now))

    def _frozen(self, plan: Plan) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Routes with an open incident, their own or their upstream's, learn nothing of it."""
        scope: set[str] = set()
        for incident in self._incidents():
            if any(each.kind is SignalKind.GATEWAY_OVERLOADED for each in incident.signals):
                return np.ones(len(plan.watched), dtype=bool)
            scope |= {_behind(target) for target in incident.scope}
        return np.array([f"route:{route.name}" in scope or f"upstream:{route.upstream}" in scope
                         for route in plan.watched], dtype=bool)

    def _lowered(self, plan: Plan, now: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """By what people say of a route or of its upstream."""
        said: dict[str, list[tuple[float, str]]] = {}
        try:
            for each in self._reports(now - threshold.REPORT_LASTS * SECOND):
                said.setdefault(_behind(each.target), []).append((each.at_ns / SECOND, each.who))
        except NotStored:
            said = {}                   # the incident loop says so already
        if not said:
            return np.zeros(len(plan.watched))
        return np.array([threshold.lowered(said.get(f"route:{route.name}", []) +
                                           (said.get(f"upstream:{route.upstream}", []) if route.upstream else []),
                                           now / SECOND) for route in plan.watched])

    # Keeping

    def is_to_be_kept(self, now: int) -> bool:
        """`now`: UTC seconds."""
        return self._watched is not None and now - self._kept_at >= KEEP_EVERY

    def keep(self, now: int) -> None:
        """Write what was learned; blocks for as long as the disk does, and no turn may come meanwhile. `now`: UTC s."""
        if self._watched is None:
            return
        self._kept_at = now
        try:
            self._state.write(self._watched.to_bytes())
            self.fault = ""
        except OSError as error:
            if str(error) != self.fault:
                self._log.error("what the detectors learned is not kept: %s", error)
            self.fault = str(error)

    def close(self) -> None:
        self.keep(self._kept_at)

    def memory(self) -> int:
        """Bytes of the detectors."""
        return self._watched.memory() if self._watched else 0

    def status(self) -> dict[str, Any]:
        """For `/v1/status`: what is seen of each route, and what cannot be."""
        if self._watched is None:
            return {"state": LEARNING, "fault": self.fault, "routes": {}}
        return {"state": WATCHING, "fault": self.fault,
                "routes": {name: str(each) for name, each in self._watched.conditions().items()}}


def watches(plan: Plan) -> tuple[Watch, ...]:
    return tuple(Watch(route.name, route.false_alarms, route.objective.success if route.objective else 0)
                 for route in plan.watched)


def _behind(target: str) -> str:
    """An endpoint's trouble is its upstream's."""
    kind, _, name = target.partition(":")
    return f"upstream:{name.partition('/')[0]}" if kind == "endpoint" else target
