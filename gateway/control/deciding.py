"""A proposal is accepted or declined: its file is written, or its config applied, and then it is recorded. Whoever dies
in between finds the proposal still open, and accepting it again changes nothing twice.

    rule                 rules/NAME beside the config
    drill                drills/NAME beside the config
    config, threshold    applied, as `gateway config apply` does, if the revision that it was drafted against is served;
                         and written into the config's file, where that is ours to write: see `config_file`

What was accepted is appended to CHANGES.md and to the runbook of each affected route, beside the config too: see
`prevent.runbook`.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.config import places, rules
from gateway.config.problems import ConfigError
from gateway.control import config_file
from gateway.control.refused import Refused
from gateway.control.reloading import Reloader
from gateway.model import override
from gateway.model.proposal import REASON_MAX, Proposal, ProposalKind, ProposalState
from gateway.prevent import runbook
from gateway.prevent.case import utc
from gateway.record.revision import Revision

FOLDERS = {ProposalKind.RULE: rules.FOLDER, ProposalKind.DRILL: "drills"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """`done`: what was written where, and what is left to do, for whoever accepted it."""

    proposal: Proposal
    done: str


class Deciding:
    """What people decide about proposals. No state of its own."""

    def __init__(self, reloader: Reloader, log: logging.Logger) -> None:
        self._reloader = reloader
        self._log = log

    def of(self, incident: int) -> list[Proposal]:
        """Raises NotStored."""
        return self._reloader.store().proposals_of(incident)

    async def accept(self, incident: int, number: int, who: str, reason: str, now: int,
                     routes: Sequence[str] = ()) -> Accepted:
        """`routes`: those that the incident affected, for their runbooks. Raises KeyError, Refused, ConfigError or
        NotStored."""
        proposal = self._open(incident, number)
        if proposal.kind in FOLDERS:
            done = await asyncio.to_thread(self._write, proposal)
        else:
            base = await self._apply(proposal, who, reason)
            done = await asyncio.to_thread(self._into_the_file, base, proposal.body)
        decided = self._decided(proposal, ProposalState.ACCEPTED, who, reason, now)
        await asyncio.to_thread(self._note, decided, routes)
        return Accepted(decided, done)

    def decline(self, incident: int, number: int, who: str, reason: str, now: int) -> Proposal:
        """Raises KeyError, ValueError, Refused or NotStored."""
        if not reason.strip():
            raise ValueError("say why it is declined: whoever meets the next such incident will ask")
        return self._decided(self._open(incident, number), ProposalState.DECLINED, who, reason, now)

    def _open(self, incident: int, number: int) -> Proposal:
        found = next((each for each in self.of(incident) if each.id == number), None)
        if found is None:
            raise KeyError(f"incident {incident} has no proposal {number}")
        if found.state is not ProposalState.PROPOSED:
            raise Refused(409, f"proposal {number} was {found.state} already, by {found.who}")
        return found

    def _decided(self, proposal: Proposal, state: ProposalState, who: str, reason: str, now: int) -> Proposal:
        decided = dataclasses.replace(proposal, state=state, who=who, decided_ns=now,
                                      reason=override.one_line(reason)[:REASON_MAX])
        self._reloader.store().decide_proposal(decided)
        return decided

    def _folder(self) -> Path:
        folder = self._reloader.config_folder
        if folder is None:
            raise Refused(409, "this gateway was started without a config file, so that there is no place beside it")
        return folder

    def _write(self, proposal: Proposal) -> str:
        folder = self._folder() / FOLDERS[proposal.kind]
        path = folder / proposal.name
        try:
            if path.exists() and path.read_text() != proposal.body:
                raise Refused(409, f"{path} is there already and says something else; rename it, or decline this one")
            if proposal.kind is ProposalKind.RULE:
                _check_rule(proposal)
            folder.mkdir(exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(proposal.body)
            fresh.rename(path)
        except OSError as error:
            raise Refused(507, f"{path} cannot be written: {error.strerror}") from error
        return f"written to {path}"

    async def _apply(self, proposal: Proposal, who: str, reason: str) -> str:
        """Returns the text that it was drafted against."""
        served = self._reloader.active.revision
        said = f"proposal {proposal.id} of incident {proposal.incident}"
        if served.text == proposal.body and served.note == said:    # applied, and its end could not be recorded
            drafted_on = self._reloader.store().revision(proposal.base)
            return drafted_on.text if drafted_on else served.text
        if served.number != proposal.base:
            raise Refused(409, _changed_since(proposal, served))
        documents = {name: text.encode() for name, text in places.documents(proposal.body).items()}
        await self._reloader.apply_documents(documents, who, said, proposal.base, reason or said)
        return served.text

    def _into_the_file(self, base: str, body: str) -> str:
        path = self._reloader.config_path
        if path is None:
            return "served; this gateway has no config file to write it to"
        try:
            written = config_file.write(path, base, body)
        except config_file.NotOurs as error:
            self._log.warning("%s", error)
            return str(error)
        return f"written to {', '.join(map(str, written or [path]))}"

    def _note(self, decided: Proposal, routes: Sequence[str]) -> None:
        """A log that cannot be written is said, and no reason to undo what was decided."""
        try:
            folder = self._folder()
            for name, head, line in runbook.entries(decided, routes, utc(decided.decided_ns)):
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                with path.open("a") as log:
                    log.write(line if log.tell() else head + line)
        except (OSError, Refused) as error:
            self._log.error("what was accepted is not in the change log: %s", error)

    def __repr__(self) -> str:
        return f"<Deciding for {self._reloader.config_path}>"


def _changed_since(proposal: Proposal, served: Revision) -> str:
    changed = (f"the config has changed since: it was drafted against revision {proposal.base}, and {served.number} is "
               "served")
    if served.text == proposal.body:
        return f"{changed}, which says all that is proposed here; decline it with that as reason"
    return f"{changed}: look at its diff, change the config by hand, and decline it with that as reason"


def _check_rule(proposal: Proposal) -> None:
    """It was proven when it was drafted; a newer gateway may see it differently. Raises Refused."""
    try:
        rules.of_documents({proposal.name: proposal.body.encode()})
    except ConfigError as error:
        raise Refused(409, f"this rule does not do any more what it says: {error}") from None
