"""What the supervisor should do next, decided from what it sees: values in, values out, no process touched.

Rules, in this order:
1. a child that is silent on the board for SILENT_NS is killed; its death is then handled like any other. One that
   has not beaten yet is starting, which on a busy machine takes its time: it has STARTING_NS;
2. a dead child whose back-off is over is started;
3. the listening sockets of a worker that has not been ready for UNSERVED_NS, or that drains by itself, are lent to a
   living worker, so that connections go on being accepted;
4. once their own worker is ready again, they are released.

A supervisor that was itself stopped (SIGSTOP, a frozen container) must not take its own absence for its children's
silence: heartbeats are judged from `watching_since`, which the loop sets anew after a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SECOND = 1_000_000_000
SILENT_NS = 5 * SECOND
STARTING_NS = 30 * SECOND
UNSERVED_NS = 1 * SECOND


@dataclass(frozen=True, slots=True)
class Seen:
    """A child as the supervisor sees it now. Times in ns of the monotonic clock.

    `since`: when it was started, or died if it is not alive; `due`: when a dead one may be started; `unready_since`:
    when it last ceased to accept (or was started first); `lent_to`: the living worker that serves its sockets.
    """

    slot: int
    is_worker: bool
    alive: bool
    ready: bool
    draining: bool
    heartbeat: int
    since: int
    due: int
    unready_since: int
    lent_to: int | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    slot: int
    silent_ns: int


@dataclass(frozen=True, slots=True)
class Start:
    slot: int


@dataclass(frozen=True, slots=True)
class Lend:
    """Have `to` accept on the sockets of `slot`."""

    slot: int
    to: int


@dataclass(frozen=True, slots=True)
class Release:
    """Have `to` stop accepting on the sockets of `slot`."""

    slot: int
    to: int


Action = Kill | Start | Lend | Release


def decide(children: Sequence[Seen], now: int, watching_since: int) -> list[Action]:
    """What to do now, in order."""
    return [*_silent(children, now, watching_since), *_due(children, now), *_unserved(children, now), *_back(children)]


def _silent(children: Sequence[Seen], now: int, watching_since: int) -> list[Action]:
    alive = [child for child in children if child.alive]
    silence = {child: now - max(child.heartbeat, child.since, watching_since) for child in alive}
    return [Kill(child.slot, silent) for child, silent in silence.items() if silent >= _patience(child)]


def _patience(child: Seen) -> int:
    return SILENT_NS if child.heartbeat > child.since else STARTING_NS


def _due(children: Sequence[Seen], now: int) -> list[Action]:
    return [Start(child.slot) for child in children if not child.alive and now >= child.due]


def _unserved(children: Sequence[Seen], now: int) -> list[Action]:
    """Sockets without a worker go to the ready workers in turn."""
    helpers = [child.slot for child in children if _serves(child)]
    orphans = [child for child in children if child.is_worker and not _serves(child) and child.lent_to is None]
    late = [child for child in orphans if child.draining or now - child.unready_since >= UNSERVED_NS]
    return [Lend(child.slot, helpers[turn % len(helpers)]) for turn, child in enumerate(late) if helpers]


def _back(children: Sequence[Seen]) -> list[Action]:
    served = [child for child in children if _serves(child) and child.lent_to is not None]
    return [Release(child.slot, child.lent_to) for child in served if child.lent_to is not None]


def _serves(child: Seen) -> bool:
    return child.is_worker and child.alive and child.ready
