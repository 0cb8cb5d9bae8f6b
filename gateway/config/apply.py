"""How a plan becomes the one that every worker serves: the sequence, as values; whoever drives it does the touching.

    PREPARING ── every ready worker prepared ──> PREPARED ── `active` renamed ──> FLIPPING ── all follow ──> DONE
        └── one cannot, or time is over ──> ABORTED

Until PREPARED nothing live was touched; from the rename on there is no way back but another revision: a process that
dies then starts from `active`. A worker that is not ready is not waited for, as it starts from `active` too.
"""

import dataclasses
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.routing.plan import Plan

PREPARE_NS = 5_000_000_000
FOLLOW_NS = 5_000_000_000               # a worker that has not followed by then is silent, and is being replaced
FIXED = ("listeners", "workers", "admin", "admin_hosts", "state_dir", "state_max_bytes", "trusted_proxies",
         "client_key", "drain")
SECTIONS = {"state_dir": "state", "state_max_bytes": "state", "trusted_proxies": "clients",
            "client_key": "clients"}


class Phase(enum.Enum):
    PREPARING = "preparing"
    PREPARED = "prepared"
    FLIPPING = "flipping"
    DONE = "done"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker as the board shows it: the numbers it prepared last, could not prepare, and serves."""

    slot: int
    ready: bool
    prepared: int
    unfit: int
    serves: int


@dataclass(frozen=True, slots=True)
class Change:
    """`number`: of the revision that is to be served; `reason`: why it was aborted, or who did not follow in time."""

    number: int
    deadline_ns: int
    phase: Phase = Phase.PREPARING
    reason: str = ""


def begin(number: int, now: int) -> Change:
    return Change(number, now + PREPARE_NS)


def established(change: Change, now: int) -> Change:
    """`active` now holds this revision: it is true."""
    assert change.phase is Phase.PREPARED
    return dataclasses.replace(change, phase=Phase.FLIPPING, deadline_ns=now + FOLLOW_NS)


def look(change: Change, workers: Sequence[Seen], now: int) -> Change:
    """The change as it stands, given what the workers show."""
    ready = [worker for worker in workers if worker.ready]
    if change.phase is Phase.PREPARING:
        return _preparing(change, ready, now)
    if change.phase is Phase.FLIPPING:
        return _flipping(change, ready, now)
    return change


def _preparing(change: Change, ready: list[Seen], now: int) -> Change:
    unfit = [worker.slot for worker in ready if worker.unfit == change.number]
    late = [worker.slot for worker in ready if max(worker.prepared, worker.serves) < change.number]
    if unfit:
        return _aborted(change, f"worker {unfit[0]} cannot prepare it; its log says why")
    if ready and not late:
        return dataclasses.replace(change, phase=Phase.PREPARED)
    if now >= change.deadline_ns:
        return _aborted(change, f"worker {late[0]} did not prepare it in time" if late else "no worker is ready")
    return change


def _flipping(change: Change, ready: list[Seen], now: int) -> Change:
    late = [worker.slot for worker in ready if worker.serves < change.number]
    if not late:
        return dataclasses.replace(change, phase=Phase.DONE)
    if now >= change.deadline_ns:
        return dataclasses.replace(change, phase=Phase.DONE, reason=f"worker {late[0]} has not followed yet")
    return change


def _aborted(change: Change, reason: str) -> Change:
    return dataclasses.replace(change, phase=Phase.ABORTED, reason=reason)


def needs_restart(running: Plan, wanted: Plan) -> list[str]:
    """The sections of the config that differ and cannot change while the gateway runs."""
    changed = [name for name in FIXED if getattr(running, name) != getattr(wanted, name)]
    return [SECTIONS.get(name, name) for name in changed]
