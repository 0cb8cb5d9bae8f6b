"""THE PROBATION OF A REVISION, a turn each second: is what was applied worse than what served before?

    count both arms -> judge -> say it in the store -> make it so: more clients, last known good, or back

Theory of operation:
- `resolve.probation` judges; what it needs is read here: outcomes by arm (arms.py), what is ejected or open of what the
  revision added or changed, and, once all clients have it, what detection says of that.
- What was in trouble before the revision came is not held against it.
- A verdict is written before it is done, and done until it is so: whoever is killed in between, the successor finds the
  verdict, and `Reloader.active` that does not agree with it yet. The evidence is kept every few seconds.
- Worse: the word on the board gives every client the older plan with its next request; then the revision is rolled
  back like any other change, and a signal opens the incident that says why.
"""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

from gateway.board import Board, endpoint_name
from gateway.config.problems import ConfigError
from gateway.control import plan_on_board
from gateway.control.arms import Arms
from gateway.control.refused import Refused
from gateway.control.reloading import ON_PROBATION, Reloader
from gateway.isolate.breaker import CLOSED
from gateway.model.safeguards import ENFORCE, SECOND, WHOLE
from gateway.model.signal import GATEWAY, Signal, SignalKind
from gateway.record.active import Active
from gateway.record.probations import ProbationRow, ProbationState
from gateway.record.store import NotStored
from gateway.resolve import probation as judging
from gateway.routing import side_by_side

SAVE_EVERY = 5 * SECOND
TOLD_NS = 10 * SECOND
"""How long the signal stands: until the incident has it for certain."""
RECALLED_NS = 60 * SECOND
ALARMS = frozenset({SignalKind.ERRORS, SignalKind.SLOW, SignalKind.BURN, SignalKind.LIMIT_SATURATED,
                    SignalKind.BULKHEAD_FULL, SignalKind.BREAKER_OPEN})
"""What detection may hold against a revision; how much comes is no fault of its."""


@dataclasses.dataclass
class Course:
    """A probation as this process has it. `already`: what was in trouble when the revision came; `blamed`: the target
    that is against it, as far as one is."""

    row: ProbationRow
    state: judging.Probation
    difference: side_by_side.Difference
    already: frozenset[str]
    blamed: str = GATEWAY
    saved_ns: int = 0


class Proving:
    """Mutable state: the probation that is on, the change that is under way, and what was decided last."""

    def __init__(self, board: Board, reloader: Reloader, log: logging.Logger) -> None:
        self._board = board
        self._reloader = reloader
        self._log = log
        self.arms = Arms()
        self._course: Course | None = None
        self._worse: Signal | None = None
        self._recalled = False
        self._task: asyncio.Task[None] | None = None
        self._verdict = judging.Verdict(judging.HOLD, "")
        self.fault = ""

    # A turn

    def turn(self, now: int, signals: Iterable[Signal]) -> None:
        """`now`: UTC ns; `signals`: of detection, as of the last turn."""
        active = self._reloader.active
        if not self._recalled:
            self._recall(active, now)
        if self._course is not None and (self._course.row.revision != active.revision.number or not active.beside):
            self._end(self._course, now)
        if not active.beside:
            return
        course = self._course = self._course or self._begin(active, now)
        if course.row.state is ProbationState.RUNNING:
            self._judge(course, active, now, signals)
        if self._task is None or self._task.done():
            self._make_so(course, active)

    def _judge(self, course: Course, active: Active, now: int, signals: Iterable[Signal]) -> None:
        old, new = self.arms.since_last()
        course.state = judging.watch(course.state, old, new)
        troubled = {each: words for each, words in self._troubled(course, active) if each not in course.already}
        alarms = [each for each in signals if self._is_of_it(each, course)]
        params = params_of(active)
        verdict = judging.judge(course.state, params, now, list(troubled.values()), list(map(str, alarms)))
        course.blamed = next(iter(troubled), "") or (alarms[0].target if alarms else _changed(course.difference))
        self._verdict = verdict
        if verdict.decision == judging.HOLD:
            if now - course.saved_ns >= SAVE_EVERY:
                self._save(course, now, verdict)
            return
        self._log.warning("revision %d on probation, step %d of %d: %s: %s", active.revision.number,
                          course.state.step + 1, len(params.steps), verdict.decision, verdict.reason)
        if verdict.decision == judging.PROMOTE:
            course.state = judging.promoted(course.state, now)
        self._save(course, now, verdict, _after(verdict, active))

    def _make_so(self, course: Course, active: Active) -> None:
        """What the verdict says, where it is not so yet."""
        number, state = active.revision.number, course.row.state
        if state is ProbationState.RUNNING:
            share = active.plan.probation.steps[course.state.step]
            if active.share < share and not self._reloader.known.undivided:
                self._start(self._reloader.promote(number, share))
        elif state is ProbationState.ROLLED_BACK:
            plan_on_board.withdraw(self._board)
            self._start(self._give_up(course, number))
        else:
            self._start(self._reloader.keep(number))

    async def _give_up(self, course: Course, number: int) -> None:
        revision = await self._reloader.give_up(number, course.row.verdict)
        if revision is not None:
            self._worse = _signal(course.row, now=revision.at_ns)

    def _start(self, change: Coroutine[Any, Any, object]) -> None:
        async def carry_out() -> None:
            try:
                await change
                self.fault = ""
            except (ConfigError, Refused, NotStored, OSError) as error:
                if str(error) != self.fault:
                    self._log.error("what the probation says cannot be done yet: %s", error)
                self.fault = str(error)

        self._task = asyncio.get_running_loop().create_task(carry_out())

    # Its beginning and its end

    def _begin(self, active: Active, now: int) -> Course:
        """Or its going on, where a predecessor was killed."""
        number = active.revision.number
        row = self._stored(number) or ProbationRow(number, active.beside, now, now)
        different = side_by_side.difference(self._reloader.good.plan, active.plan)
        step = next((index for index, share in enumerate(active.plan.probation.steps) if share >= active.share), 0)
        course = Course(row, judging.Probation(now, step), different, frozenset())
        try:
            course.state = judging.from_plain(row.evidence)
            course.already = frozenset(row.evidence["already"])
        except (KeyError, TypeError):
            course.already = frozenset(each for each, _ in self._troubled(course, active))
        self.arms.compare(active.beside, number, int(row.evidence.get("slow_us", 0)))
        if not row.evidence:
            self._save(course, now, judging.Verdict(judging.HOLD, "it has just begun", False))
        return course

    def _recall(self, active: Active, now: int) -> None:
        """A predecessor that was killed may have rolled back, and told nobody."""
        self._recalled = True
        number = active.revision.note.removeprefix(ON_PROBATION)
        if number.isdecimal() and now - active.revision.at_ns <= RECALLED_NS:
            row = self._stored(int(number))
            if row is not None and row.state is ProbationState.ROLLED_BACK:
                self._worse = _signal(row, now=now)

    def _end(self, course: Course, now: int) -> None:
        """Another revision is served. One that was shown to be worse has said so; any other was not given its time."""
        if course.row.state is ProbationState.RUNNING:
            active = self._reloader.active.revision
            self._save(course, now, judging.Verdict(judging.HOLD, f"revision {active.number} took its place", False),
                       ProbationState.ENDED)
        self._course = None
        self.arms.rest()

    def _stored(self, number: int) -> ProbationRow | None:
        try:
            return self._reloader.store().probation(number)
        except NotStored:
            return None

    def _save(self, course: Course, now: int, verdict: judging.Verdict,
              state: ProbationState = ProbationState.RUNNING) -> None:
        evidence = judging.as_plain(course.state) | {
            "already": sorted(course.already), "slow_us": self.arms.slow_us, "blamed": course.blamed}
        course.row = dataclasses.replace(course.row, at_ns=now, state=state, verdict=verdict.reason,
                                         proven=verdict.proven, evidence=evidence)
        course.saved_ns = now
        try:
            self._reloader.store().save_probation(course.row)
        except NotStored as error:
            if str(error) != self.fault:
                self._log.error("the probation is not recorded: %s", error)
            self.fault = str(error)
        if state is ProbationState.REPORTED:
            self._worse = _signal(course.row, now=now)

    # What is held against it

    def _troubled(self, course: Course, active: Active) -> Iterator[tuple[str, str]]:
        """(target, in words) of what the revision added or changed, and that is cut off now."""
        monotonic, different = time.monotonic_ns(), course.difference
        upstreams, endpoints = self._board.names("upstreams"), self._board.names("endpoints")
        for upstream in active.plan.upstreams:
            is_open = self._board.control("upstreams", upstreams[upstream.name])["breaker"] & 3 != CLOSED
            if is_open and upstream.name in different.upstreams and upstream.breaker.mode == ENFORCE:
                yield f"upstream:{upstream.name}", f"upstream {upstream.name}, whose breaker is open"
            for each in upstream.endpoints:
                if (upstream.name, each.address) not in different.endpoints:
                    continue
                control = self._board.control("endpoints", endpoints[endpoint_name(upstream.name, each.address)])
                if control["unhealthy"] and upstream.health.mode == ENFORCE:
                    yield _endpoint(upstream.name, each.address, "whose health check fails")
                elif control["ejected_until"] > monotonic and upstream.eject.mode == ENFORCE:
                    yield _endpoint(upstream.name, each.address, "which is ejected")

    def _is_of_it(self, signal: Signal, course: Course) -> bool:
        if signal.kind not in ALARMS or signal.onset_ns < course.state.since:
            return False
        kind, _, name = signal.target.partition(":")
        changed = {"route": course.difference.routes, "upstream": course.difference.upstreams}
        return name in changed.get(kind, ())

    # What it says

    def signals(self, now: int) -> list[Signal]:
        """A revision that was shown to be worse, for as long as it takes to be noticed."""
        if self._worse is not None and now - self._worse.onset_ns > TOLD_NS:
            self._worse = None
        return [] if self._worse is None else [dataclasses.replace(self._worse, at_ns=now)]

    def status(self) -> dict[str, Any] | None:
        """For `/v1/status`; None while no revision is on probation."""
        course, active = self._course, self._reloader.active
        if course is None or not active.beside:
            return None
        settings, state = active.plan.probation, course.state
        left = max(0, settings.duration - (time.time_ns() - state.since)) // SECOND
        return course.row.brief() | {
            "mode": settings.mode, "step": state.step + 1, "steps": [share / WHOLE for share in settings.steps],
            "share": active.share / WHOLE, "seconds_left": int(left), "verdict": self._verdict.reason,
            "proven": self._verdict.proven, "old": dataclasses.asdict(state.old), "new": dataclasses.asdict(state.new),
            "ln_e": {metric: round(test.log_e, 2) for metric, test in state.tests.items()},
            "undivided": self._reloader.known.undivided, "fault": self.fault}

    def __repr__(self) -> str:
        return f"<Proving {self._course and self._course.row}>"


def params_of(active: Active) -> judging.Params:
    settings = active.plan.probation
    return judging.Params(settings.duration, tuple(share / WHOLE for share in settings.steps))


def _after(verdict: judging.Verdict, active: Active) -> ProbationState:
    if verdict.decision == judging.PROMOTE:
        return ProbationState.RUNNING
    if verdict.decision == judging.KEEP:
        return ProbationState.KEPT
    return ProbationState.ROLLED_BACK if active.plan.probation.mode == ENFORCE else ProbationState.REPORTED


def _endpoint(upstream: str, address: str, why: str) -> tuple[str, str]:
    return f"endpoint:{upstream}/{address}", f"endpoint {address} of {upstream}, {why}"


def _changed(different: side_by_side.Difference) -> str:
    """The one upstream or route that changed, else the whole."""
    for kind, names in (("upstream", different.upstreams), ("route", different.routes)):
        if len(names) == 1:
            return f"{kind}:{next(iter(names))}"
    return GATEWAY


def _signal(row: ProbationRow, *, now: int) -> Signal:
    done = f"rolled back to revision {row.beside}" if row.state is ProbationState.ROLLED_BACK else (
        "not rolled back: probation is in shadow mode")
    return Signal(SignalKind.REVISION_WORSE, row.evidence.get("blamed", GATEWAY), now, now, row.verdict, done,
                  reference=f"revision {row.revision}")
