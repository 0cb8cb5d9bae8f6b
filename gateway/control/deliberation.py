"""DELIBERATION, once a second: count, then think. Synchronous, so that a turn is a whole; its time is measured.

A bug in a turn must not take the admin API with it: it is logged once and shown, and the next turn tries again.
"""

import asyncio
import gc
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.board import Board
from gateway.control.client_traffic import ClientTraffic
from gateway.control.deciding import Deciding
from gateway.control.filing import Filing
from gateway.control.going_back import GoingBack
from gateway.control.historian import ChildHistorian
from gateway.control.incident_loop import Analyst, IncidentLoop, Source
from gateway.control.learning_child import LearningChild
from gateway.control.measuring import Measuring
from gateway.control.niced_child import NicedChild
from gateway.control.proving import Proving
from gateway.control.reloading import Reloader
from gateway.control.reporting import TUNING, TUNING_SECONDS, Historian, Reporting, Tuner
from gateway.control.responding import Responder
from gateway.control.sensing import Reports, Sensing
from gateway.control.telling import Telling
from gateway.control.watching_routes import Learner, RouteWatch
from gateway.control.windows import Windows
from gateway.detect import reflex
from gateway.detect.grouping import Topology
from gateway.model.incident import Incident, Severity
from gateway.record.detector_state import DetectorState
from gateway.record.store import NotStored
from gateway.record.ticks import SECONDS as TICK_SECONDS
from gateway.record.window_store import NAME, WindowStore

TURN_SECONDS = 1.0
CLIENTS_SHOWN = 10
KEEP_AT, TIDY_AT = 4, 7                 # seconds of a tick: it ends with 0, the detectors look at it in 1 and 2
LATE_SECONDS = 0.005                    # timers may be early: a turn in the second before would count two as one


def _freeze() -> None:
    """What is there at the start stays: a collection of garbage need not look through it, which would take a turn."""
    gc.collect()
    gc.freeze()


class Deliberation:
    """What the turns of one control process share. Mutable state: how long the turns took, and the last bug."""

    def __init__(self, board: Board, folder: Path, reloader: Reloader, analyst: Analyst | None,
                 log: logging.Logger, enforce: Callable[[], None] = lambda: None,
                 learner: Learner | None = None, historian: Historian | None = None,
                 clients: ClientTraffic | None = None, tuner: Tuner | None = None) -> None:
        """`enforce`: makes the board say what is in force; `clients`: fed by the flight recorder."""
        self._folder = folder
        self._reloader = reloader
        self._log = log
        self._store: WindowStore | None = None
        self.windows = Windows(board, self._window_store, log)
        self.routes = RouteWatch(DetectorState(folder), learner or LearningChild(folder, log),
                                 lambda: reloader.active.plan, self._open_incidents,
                                 lambda since: reloader.store().reports(since), log)
        self.proving = Proving(board, reloader, log)
        reloader.probation = self.proving.status
        sources: list[Source] = [self.routes, Sensing(board, self.windows, lambda: reloader.active.plan, self._refused),
                                 Reports(reloader.store), self.proving.signals]
        self.clients = clients or ClientTraffic()
        sources.append(self.clients)
        self._going_back = GoingBack(reloader, log)
        measuring = Measuring(board, self.windows, lambda: reloader.active, self._previous)
        self.responder = Responder(reloader.store, measuring, lambda: reloader.active.plan.respond, enforce)
        self.incidents = IncidentLoop(reloader.store, sources, self._topology, analyst, self._telling, log,
                                      self.responder)
        self.filing = Filing(lambda: reloader.config_folder, lambda: reloader.active.plan.post_mortems_in_git, log)
        self.reporting = Reporting(reloader.store, folder, lambda: reloader.active, self.incidents,
                                   historian or ChildHistorian(folder, log),
                                   tuner or NicedChild(folder, TUNING, TUNING_SECONDS, log), self.filing, log)
        self.deciding = Deciding(reloader, log)
        self.turn_ms = self.worst_ms = 0.0
        self.fault = ""

    async def watch(self) -> None:
        """Until cancelled: a turn each second, on the second; what takes longer is done between the turns."""
        _freeze()
        try:
            while True:
                await asyncio.sleep(TURN_SECONDS - time.time() % TURN_SECONDS + LATE_SECONDS)
                now = time.time_ns()
                self.try_turn(now)
                if (work := self.between(now // 10**9)) is not None:
                    await asyncio.to_thread(work)
        finally:
            self.routes.close()

    def between(self, second: int) -> Callable[[], None] | None:
        """What is to be done before the next turn, in another thread: after turns that have little to do."""
        if second % TICK_SECONDS == KEEP_AT and self.routes.is_to_be_kept(second):
            return lambda: self.routes.keep(second)
        if second % TICK_SECONDS == TIDY_AT:
            return lambda: self.windows.tidy(second)
        return self.filing.file_one if self.filing.is_waiting else None

    def try_turn(self, now: int) -> None:
        """`now`: UTC ns."""
        began = time.perf_counter()
        try:
            self.routes.turn(self.windows.turn(now // 10**9), now)
            self.proving.turn(now, self.incidents.signals)
            self.incidents.try_turn(now)
            self._going_back.turn(self.responder)
            self.reporting.try_turn(now)
            self.fault = ""
        except Exception as error:
            if repr(error) != self.fault:
                self._log.exception("a turn of deliberation failed; the next one tries again")
            self.fault = repr(error)
        self.turn_ms = 1000 * (time.perf_counter() - began)
        self.worst_ms = max(self.worst_ms, self.turn_ms)

    def _window_store(self) -> WindowStore:
        """Raises sqlite3.Error."""
        if self._store is None:
            try:
                self._store = WindowStore(self._folder / NAME, self._reloader.active.plan.state_max_bytes)
            except OSError as error:
                raise sqlite3.OperationalError(str(error)) from error
        return self._store

    def _telling(self) -> Telling:
        alerts = self._reloader.active.plan.alerts
        receivers = {each.name: Severity(each.severity) for each in alerts.receivers}
        return Telling(receivers, alerts.wait, alerts.update_every, alerts.repeat_every)

    def _previous(self) -> int:
        """Raises NotStored."""
        before = self._reloader.store().before(self._reloader.active.revision)
        return before.number if before else 0

    def _open_incidents(self) -> list[Incident]:
        try:
            return self.incidents.open_now()
        except NotStored:
            return []

    def _topology(self) -> Topology:
        active = self._reloader.active
        upstreams = {route.name: [route.upstream] for route in active.plan.routes if route.upstream}
        first = active.revision.number == 1             # no change: there was nothing before it
        return Topology(upstreams, 0 if first else active.revision.number, active.revision.at_ns)

    def _refused(self) -> reflex.RefusedConfig | None:
        known = self._reloader.known
        if not known.refused:
            return None
        return reflex.RefusedConfig(known.refused_at, str(known.refused[0].get("message", "")))

    def status(self) -> dict[str, Any]:
        """For `/v1/status`."""
        usage = self._store.usage() if self._store else None
        return {
            "turn_ms": round(self.turn_ms, 2), "worst_turn_ms": round(self.worst_ms, 2), "fault": self.fault,
            "detection": self.routes.status(), "clients": self.clients.snapshot(CLIENTS_SHOWN),
            "incidents_fault": self.incidents.fault, "not_opened": self.incidents.not_opened,
            "post_mortems_fault": self.reporting.fault or self.filing.fault,
            "windows": {"fault": self.windows.fault, "memory_bytes": self.windows.bytes(),
                        "disk_bytes": usage.bytes if usage else 0, "disk_max_bytes": usage.max_bytes if usage else 0,
                        "series": usage.series if usage else 0, "dropped": usage.dropped if usage else 0},
        }
