"""The one who applies a config: from the disk, from a person, or back to an earlier revision.

Order: load and check; what needs a restart is refused; rows on the board; `proposed` written; every worker prepares;
`proposed` renamed over `active`; the word on the board flips the workers; the store is told. config.apply holds the
sequence, this the touching. One change at a time. If this process dies at any point, `finish` goes on from `active`.

What is applied is on probation first, beside the last known good revision (`good`), unless it changes nothing about
requests: proving.py judges it, and has it promoted, kept or given up here.
"""

import asyncio
import collections
import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.board import Board, BoardFullError, State
from gateway.config import apply as sequence
from gateway.config import boot, differences, files, revisions, rules
from gateway.config.problems import ConfigError, Mark, Problem
from gateway.control import fresh_breakers, plan_on_board
from gateway.control.refused import Refused
from gateway.control.watching import Watch
from gateway.model.safeguards import OFF, WHOLE
from gateway.record.active import Active, ActiveFile
from gateway.record.incidents import BY_ITSELF
from gateway.record.revision import Revision, content_hash
from gateway.record.store import NotStored, Store, open_store
from gateway.routing import side_by_side
from gateway.routing.plan import Plan

LOOK_SECONDS = 0.25
POLL_SECONDS = 0.01
UNRECORDED_MAX = 100
ON_PROBATION = "probation of revision "
"""What the note of its roll-back begins with."""


@dataclass
class Knowledge:
    """What status shows beside the board: all of it can be lost with the process."""

    refused: list[dict[str, object]] = field(default_factory=list)
    refused_at: int = 0
    disk: str = ""
    store_fault: str = ""
    undivided: str = ""


class Reloader:
    """Mutable state: the active revision and the last known good one (the same, unless the active one is on
    probation), what is not yet in the store, and `known`."""

    def __init__(self, board: Board, folder: Path, config: str, options: dict[str, Any], log: logging.Logger) -> None:
        self._board = board
        self.folder = folder
        self._file = ActiveFile(folder)
        self._config = Path(config) if config else None
        self._options = options
        self._log = log
        self._watch = Watch(self._config) if self._config else None
        self._busy = asyncio.Lock()
        self._store: Store | None = None
        self._unrecorded: collections.deque[tuple[Revision, bool]] = collections.deque(maxlen=UNRECORDED_MAX)
        self.active = self.good = self._file.read()
        self.known = Knowledge()
        self.probation: Callable[[], dict[str, Any] | None] = lambda: None     # how it stands, where one is on
        self.on_names: Callable[[], None] = lambda: None    # what stands by hand waits for its target's name

    def finish(self) -> None:
        """At the start: what `active` says is made so on the board, whatever this process' predecessor was doing."""
        self._find_good()
        self._name_rows(self.active.plan)
        self.active = self._divided_if_it_fits(self.active, self.active.plan)
        self._flip(self.active)
        self._board.header["proposed"] = 0
        self._file.withdraw()
        self._unrecorded.append((self.active.revision, self.active.revision.how == "rollback"))
        self._record()

    def _find_good(self) -> None:
        """Beside a revision on probation, the one that it names; else the active one is good."""
        if self.active.beside:
            try:
                good = self._file.read_good()
                if good.revision.number == self.active.beside and good.plan:
                    self.good = good
                    return
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._log.error("the last known good revision cannot be read: %s", error)
            self._log.error("revision %d cannot be on probation any longer: revision %d is not there",
                            self.active.revision.number, self.active.beside)
            self.active = dataclasses.replace(self.active, beside=0, share=WHOLE)
            self._file.write(self.active)
        self._keep_good(self.active)

    def _keep_good(self, active: Active) -> None:
        self.good = active
        try:
            self._file.keep_good(active)
        except OSError as error:
            self._log.error("revision %d cannot be kept as the last known good one: %s", active.revision.number,
                            error.strerror or error)

    async def watch(self) -> None:
        """For ever: take what changes on the disk or what SIGHUP asks for, and repair the store."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._unrecorded:
                self._record()
            asked = self._board.header["asked"]
            if asked != self._board.header["taken"]:
                self._board.header["taken"] = asked
                await self._take("signal")
            elif self._watch and self._watch.settled():
                await self._take("file")

    async def _take(self, how: str) -> None:
        """The file as it is now; every end of it is logged and shown, none raised."""
        if self._config is None:
            self._log.warning("there is no config file to reload: this gateway was started with --upstream")
            return
        try:
            candidate = await asyncio.to_thread(revisions.from_disk, self._config)
            self.known.disk = candidate.content
            asked = how == "signal"
            if candidate.content in ("" if asked else self.active.set_aside, self.active.revision.content):
                self.known.refused = []
                await self._agree(candidate.content)
                return
            await self.apply(candidate, how=how, who="file", note="", set_aside="")
        except ConfigError as error:
            self._refuse(error)
        except Refused as error:
            self._log.error("%s was not applied: %s", self._config, error)

    async def _agree(self, content: str) -> None:
        """Once the disk says what is served, nothing of it is set aside: going back there is a change again."""
        async with self._busy:
            if self.active.set_aside and content == self.active.revision.content:
                await self._establish(dataclasses.replace(self.active, set_aside=""))

    async def apply_documents(self, documents: files.Documents, who: str, note: str,
                              expected: int | None = None, reason: str = "", watched: bool = True) -> Revision:
        """What a person sent, who saw revision `expected`. Raises ConfigError or Refused."""
        candidate = await asyncio.to_thread(self.candidate, documents)
        disk = await asyncio.to_thread(self._disk_content)
        return await self.apply(candidate, how="apply", who=who, note=note, reason=reason, watched=watched,
                                set_aside=disk if disk != candidate.content else "", expected=expected)

    def candidate(self, documents: files.Documents) -> revisions.Candidate:
        """Under the rules beside the file. Raises ConfigError."""
        return revisions.from_documents(documents, rules.beside(self._config))

    async def apply(self, candidate: revisions.Candidate, *, how: str, who: str, note: str,
                    set_aside: str, expected: int | None = None, reason: str = "", watched: bool = True) -> Revision:
        """`watched`: it is on probation first. Raises ConfigError where it is wrong or needs a restart, Refused where
        it could not be carried out."""
        plan = boot.overridden(candidate.plan, self._options)
        reason = reason if watched else f"{reason} (without probation)".strip()
        async with self._busy:
            self._check_expected(expected)
            before = self.active.revision
            revision = revisions.revision(self._next_number(), dataclasses.replace(candidate, plan=plan),
                                          at_ns=time.time_ns(), how=how, who=who, note=note, reason=reason,
                                          before=before)
            active = Active(revision, set_aside)
            await self._carry_out(self._on_probation(active, plan) if watched else active, plan)
        self._board.header["applied"] += 1
        return revision

    def _on_probation(self, active: Active, plan: Plan) -> Active:
        """As it begins: with the clients of the first step, unless there is nothing to watch."""
        if plan.probation.mode == OFF or not side_by_side.difference(self.good.plan, plan).concerns_requests:
            return active
        return dataclasses.replace(active, beside=self.good.revision.number, share=plan.probation.steps[0])

    async def promote(self, number: int, share: int) -> None:
        """More clients have the revision on probation, or all. Raises Refused."""
        async with self._busy:
            if self._is_on_probation(number):
                await self._establish(dataclasses.replace(self.active, share=share))

    async def keep(self, number: int) -> None:
        """The revision on probation is the last known good one from now on. Raises Refused."""
        async with self._busy:
            if self._is_on_probation(number):
                await self._establish(dataclasses.replace(self.active, beside=0, share=WHOLE))
                await asyncio.to_thread(self._keep_good, self.active)

    async def give_up(self, number: int, reason: str) -> Revision | None:
        """Back to the last known good one, if this revision is on probation still. Raises ConfigError or Refused."""
        async with self._busy:
            if not self._is_on_probation(number):
                return None
            before, target = self.active.revision, self.good.revision
            revision = revisions.back_to(self._next_number(), target, at_ns=time.time_ns(), who=BY_ITSELF,
                                         note=f"{ON_PROBATION}{number}", reason=reason, before=before)
            disk = await asyncio.to_thread(self._disk_content)
            active = Active(revision, disk if disk != target.content else "")
            await self._carry_out(active, active.plan)
        self._board.header["rolled_back"] += 1
        return revision

    def _is_on_probation(self, number: int) -> bool:
        return bool(self.active.beside) and self.active.revision.number == number

    async def _establish(self, active: Active) -> None:
        """The same revision, for other clients."""
        try:
            await asyncio.to_thread(self._file.write, active)
        except OSError as error:
            raise Refused(507, f"the state folder cannot be written: {error.strerror}") from error
        self.active = active
        self._flip(active)

    async def roll_back(self, number: int | None, who: str, note: str, expected: int | None = None,
                        reason: str = "") -> Revision:
        """To the revision of this number, or to the one before. Raises ConfigError or Refused."""
        async with self._busy:
            self._check_expected(expected)
            before = self.active.revision
            target = self._target(number)
            revision = revisions.back_to(self._next_number(), target, at_ns=time.time_ns(), who=who, note=note,
                                         reason=reason, before=before)
            disk = await asyncio.to_thread(self._disk_content)
            active = Active(revision, disk if disk != target.content else "")
            await self._carry_out(active, active.plan)
        self._board.header["rolled_back"] += 1
        return revision

    def _check_expected(self, expected: int | None) -> None:
        number = self.active.revision.number
        if expected not in (None, number):
            raise Refused(412, f"revision {number} is served by now, not {expected}; look at what has changed, then "
                               "ask again")

    def _target(self, number: int | None) -> Revision:
        try:
            store = self.store()
            found = store.before(self.active.revision) if number is None else store.revision(number)
        except NotStored as error:
            raise Refused(error.status, str(error)) from error
        if found is None:
            what = "no revision before this one" if number is None else f"no revision {number}"
            raise Refused(404, f"there is {what}; `gateway config log` lists them")
        return found

    async def _carry_out(self, active: Active, plan: Plan) -> None:
        number = active.revision.number
        self._check(active, plan)
        active = self._divided_if_it_fits(active, plan)
        try:
            await asyncio.to_thread(self._file.propose, active)
        except OSError as error:
            raise Refused(507, f"the state folder cannot be written: {error.strerror}") from error
        header = self._board.header
        header["highest"] = header["proposed"] = number
        try:
            change = await self._until(sequence.begin(number, time.monotonic_ns()))
            if change.phase is sequence.Phase.ABORTED:
                raise Refused(503, f"revision {number} was not applied: {change.reason}")
            self._file.establish()
            before, self.active = self.active.plan, active
            self._flip(active)
            if not active.beside:
                await asyncio.to_thread(self._keep_good, active)
                for name in fresh_breakers.close(self._board, before, plan, time.monotonic_ns()):
                    self._log.info("the breaker of upstream %s is closed: it has other endpoints now", name)
        finally:
            header["proposed"] = 0
            self._file.withdraw()
        self.known.refused = []
        change = await self._until(sequence.established(change, time.monotonic_ns()))
        self._log.info("revision %d is served (%s)%s", number, active.revision.how,
                       f"; {change.reason}" if change.reason else "")
        self._unrecorded.append((active.revision, active.revision.how == "rollback"))
        self._record()

    def _check(self, active: Active, plan: Plan) -> None:
        """What can be refused before anything is touched. Raises ConfigError."""
        fixed = sequence.needs_restart(self.active.plan, plan)
        if fixed:
            places = differences.sections(active.revision.text)
            raise ConfigError(
                Problem(Mark(self._name(active.revision), places.get(each, 0), 1 if each in places else 0), each,
                        "cannot change while the gateway runs; restart it, or leave this section as it was")
                for each in fixed)
        try:
            self._name_rows(plan)
        except BoardFullError as error:
            raise ConfigError([Problem(Mark(self._name(active.revision)), "", str(error))]) from error

    def _divided_if_it_fits(self, active: Active, plan: Plan) -> Active:
        """All clients at once where the board has no room for what both plans need."""
        self.known.undivided = ""
        if active.is_divided:
            try:
                plan_on_board.name_spare_rows(self._board, self.good.plan, plan, self._board.header["generation"])
            except BoardFullError as error:
                self.known.undivided = f"it serves all clients at once: {error}"
                self._log.warning("revision %d: %s", active.revision.number, self.known.undivided)
                return dataclasses.replace(active, share=WHOLE)
        return active

    def _name(self, revision: Revision) -> str:
        if revision.how in ("file", "signal"):
            return str(self._config)
        return f"revision {revision.base}" if revision.base else "the config that was sent"

    async def _until(self, change: sequence.Change) -> sequence.Change:
        """Wait as long as the workers need, and no longer than the change may take."""
        phase = change.phase
        # The board tells nobody: it is looked at.
        while (change := sequence.look(change, self._seen(), time.monotonic_ns())).phase is phase:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        return change

    def _seen(self) -> list[sequence.Seen]:
        slots = [(index, self._board.slot(index)) for index in range(self._board.workers)]
        return [sequence.Seen(index, slot["state"] == State.READY, slot["prepared"], slot["unfit"], slot["generation"])
                for index, slot in slots]

    def _name_rows(self, plan: Plan) -> None:
        plan_on_board.name_rows(self._board, plan, self._board.header["generation"])
        self.on_names()

    def _flip(self, active: Active) -> None:
        plan_on_board.write_upstreams(self._board, active.plan, self.good.plan if active.is_divided else None)
        plan_on_board.say_what_is_served(self._board, active)
        control = self._board.slot(self._board.workers)
        control["digest"], control["generation"] = self._board.header["digest"], active.revision.number

    def _next_number(self) -> int:
        """Never one that was proposed before, as a worker may have prepared something else under it."""
        highest = 0
        try:
            highest = self.store().highest()
        except NotStored as error:
            self._log.warning("the store cannot be read: %s", error)
        return max(self._board.header["highest"], self.active.revision.number, highest) + 1

    def _refuse(self, error: ConfigError) -> None:
        self._board.header["refused"] += 1
        self.known.refused = [problem.snapshot() for problem in error.problems]
        self.known.refused_at = time.time_ns()
        for problem in error.problems:
            self._log.error("refused: %s", problem)
        self._log.error("the config is refused; revision %d goes on", self.active.revision.number)
        self._audit_refusal(error)

    def _audit_refusal(self, error: ConfigError) -> None:
        try:
            self.store().note(self.known.refused_at, "file", "config.refused", str(self._config),
                              {"problems": len(error.problems), "first": str(error.problems[0])})
        except NotStored as fault:
            self._log.error("the refusal is not in the audit: %s", fault)

    @property
    def config_path(self) -> Path | None:
        """None where the gateway was started without a file."""
        return self._config

    @property
    def config_folder(self) -> Path | None:
        """That of the file, or the folder itself."""
        return self._config if self._config is None or self._config.is_dir() else self._config.parent

    def _disk_content(self) -> str:
        """Of what stands on the disk now, loadable or not; empty where there is nothing."""
        try:
            return content_hash(revisions.text_of(files.gather(self._config))) if self._config else ""
        except ConfigError:
            return ""

    def store(self) -> Store:
        """Raises NotStored."""
        if self._store is None:
            self._store = open_store(self._file.folder, time.time_ns(), self._log)
        return self._store

    def _record(self) -> None:
        """What is served is history too; a fault is shown, and tried again."""
        try:
            while self._unrecorded:
                revision, rolled_back = self._unrecorded[0]
                self.store().add_revision(revision, rolled_back=rolled_back)
                self._unrecorded.popleft()
        except NotStored as error:
            if str(error) != self.known.store_fault:
                self._log.error("a revision is not recorded yet: %s", error)
            self.known.store_fault = str(error)
        else:
            self.known.store_fault = ""

    def status(self) -> dict[str, Any]:
        """For `/v1/status`: the revision, whether the disk holds another config, what was refused last."""
        disk = self._disk_content()
        return {
            "revision": self.active.revision.brief(),
            "drift": bool(disk) and disk != self.active.revision.content,
            "refused": self.known.refused,
            "store_fault": self.known.store_fault,
            "last_known_good": self.good.revision.number,
            "probation": self.probation(),
        }

    def __repr__(self) -> str:
        return f"<Reloader {self.active.revision}>"
