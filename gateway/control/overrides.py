"""What stands by hand: journalled first, then in force, then answered.

    made      checked -> row and audit entry in the store -> words on the board -> the answer
    ends      released: the same way back; or it expires, and each worker sees that on its own clock
    restart   whoever starts writes the board from the store: control after a death, the supervisor on a new board

A death between journal and board is no loss: the successor writes the board. Where the store cannot be read
the board is left as it is: what stands there goes on, and ends by itself. Deadlines are recomputed each second, as UTC
may be set.
Bounded: MOST stand at a time, those on clients as many as the board has rules for; refused ones are counted.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.board import Board
from gateway.control.actuate import Actuator
from gateway.control.reach import Reach, reach
from gateway.control.refused import Refused
from gateway.isolate import breaker, isolation
from gateway.model import override as overrides
from gateway.model import target as targets
from gateway.model.action import Action
from gateway.model.override import Override
from gateway.model.target import Target
from gateway.record.overrides import EXPIRED, RELEASED
from gateway.record.store import NotStored, Store

TURN_SECONDS = 1.0
MOST = 4096
BY_ITSELF = "gateway"


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of both clocks in ns: what is stored is UTC, what is on the board is monotonic."""

    utc: int
    monotonic: int


def now() -> Moment:
    return Moment(time.time_ns(), time.monotonic_ns())


class Overrides:
    """Mutable state: what stands, by id; None until the store could be read. `waiting`: ids whose target has no row."""

    def __init__(self, board: Board, store: Callable[[], Store], log: logging.Logger) -> None:
        self._board = board
        self._store = store
        self._log = log
        self._actuator = Actuator(board)
        self._standing: dict[int, Override] | None = None
        self.waiting: frozenset[int] = frozenset()
        self.fault = ""
        self.incidents: Callable[[], Mapping[str, int]] = dict          # what is open, by target; may raise NotStored
        self.actions: Callable[[], Iterable[Action]] = tuple    # what the gateway does by itself; may raise NotStored

    def isolate(self, target: str, reason: str, who: str, moment: Moment, *, ttl: int = overrides.TTL,
                keep_open: bool = False, note: str = "") -> Override:
        """Raises ValueError, Refused or NotStored."""
        return self._put(isolation.isolate(target, reason, who, moment.utc, ttl, keep_open, note), moment)

    def force(self, upstream: str, value: str, reason: str, who: str, moment: Moment, *, ttl: int = overrides.TTL,
              note: str = "") -> Override:
        """A breaker, `open` or `closed`. Raises ValueError, Refused or NotStored."""
        return self._put(breaker.by_hand(upstream, value, reason, who, moment.utc, ttl, note), moment)

    def release(self, kind: str, number: int, who: str, moment: Moment, *, note: str = "",
                reason: str = "") -> Override:
        """Raises Refused where it does not stand, or NotStored."""
        for each in self.standing(kind, moment):
            if each.id == number:
                return self._release(each, who, moment, note, reason)
        raise Refused(404, f"{kind} {number} is not in force; `gateway status` lists what is")

    def lift(self, upstream: str, who: str, moment: Moment, *, note: str = "", reason: str = "") -> Override:
        """The breaker of an upstream is no longer forced. Raises Refused where it is not, or NotStored."""
        for each in self.standing(overrides.BREAKER, moment):
            if each.target == f"upstream:{upstream}":
                return self._release(each, who, moment, note, reason)
        raise Refused(404, f"the breaker of upstream:{upstream[:80]} is not forced; `gateway status` lists what is")

    def _release(self, standing: Override, who: str, moment: Moment, note: str, reason: str) -> Override:
        ended = self._store().end_override(standing, RELEASED, at_ns=moment.utc, who=who,
                                           note=overrides.one_line(note)[:overrides.NOTE_MAX],
                                           reason=overrides.one_line(reason)[:overrides.REASON_MAX])
        del self._all()[standing.id]
        self._enforce(moment)
        self._log.warning("%s was released", standing.target)
        return ended

    def past(self, kind: str, limit: int, before: int) -> list[Override]:
        """Of one kind, ended or not, the latest first; those before an id. Raises NotStored."""
        return self._store().list_overrides(kind, limit, before)

    def find(self, kind: str, number: int) -> Override:
        """One, in force or ended. Raises Refused or NotStored."""
        found = self._store().override(number)
        if found is None or found.kind != kind:
            raise Refused(404, f"there is no {kind} {number}")
        return found

    def standing(self, kind: str, moment: Moment) -> list[Override]:
        """Those of a kind in force. Raises NotStored."""
        return [each for each in self._all().values() if each.kind == kind and each.is_active(moment.utc)]

    def turn(self, moment: Moment) -> None:
        """Make the board say what stands, and record what has expired. Raises NotStored."""
        standing = self._all()
        self._enforce(moment)
        for each in [each for each in standing.values() if not each.is_active(moment.utc)]:
            self._store().end_override(each, EXPIRED, at_ns=each.expires_ns, who=BY_ITSELF)
            del standing[each.id]
            self._log.info("%s", each.explain(moment.utc).decision)

    def known(self, text: str) -> Target:
        """The target that is written so. Raises ValueError where it is none, or none that there is."""
        target = targets.parse(text)
        isolation.check_known(target, self._actuator.places.names(target.kind))
        return target

    def reach(self, target: str, moment: Moment) -> Reach:
        """How much of the last minute's traffic this touches."""
        return reach(self._board, self._actuator.places, targets.parse(target), moment.monotonic)

    async def watch(self) -> None:
        """For ever: turn each second."""
        while True:
            self.try_turn()
            await asyncio.sleep(TURN_SECONDS)

    def try_turn(self) -> None:
        """A turn whose fault is shown, and tried again with the next one."""
        try:
            self.turn(now())
        except NotStored as error:
            if str(error) != self.fault:
                self._log.error("what stands by hand cannot be looked up: %s", error)
            self.fault = str(error)
        else:
            self.fault = ""

    def _put(self, made: Override, moment: Moment) -> Override:
        self.turn(moment)
        standing, target = self._all(), self.known(made.target)
        before = [each.id for each in standing.values() if (each.kind, each.target) == (made.kind, made.target)]
        if not before:
            self._check_room(target.kind, standing)
        stored = self._store().put_override(made)
        for number in before:
            del standing[number]
        standing[stored.id] = stored
        self._enforce(moment)
        self._log.warning("%s (%s)", stored.explain(moment.utc).decision, stored.reason)
        return stored

    def _check_room(self, kind: str, standing: dict[int, Override]) -> None:
        clients = sum(each.target.startswith("client:") for each in standing.values())
        full = clients >= self._board.header["clients"] if kind == "client" else len(standing) >= MOST
        if full:
            self._board.header["overrides_full"] += 1
            raise Refused(409, f"{len(standing)} stand by hand already, {clients} of them on clients, and there is no "
                               "room for more; release some, or write them into the config")

    def _all(self) -> dict[int, Override]:
        """What stands, and what has expired since the last turn. Raises NotStored until it could be looked up."""
        if self._standing is None:
            self._standing = {each.id: each for each in self._store().standing_overrides()}
        return self._standing

    def _enforce(self, moment: Moment) -> None:
        self.waiting = self._actuator.enforce(self._all().values(), moment.utc, moment.monotonic, self.actions(),
                                              self.incidents())

    def __repr__(self) -> str:
        return f"<Overrides {list((self._standing or {}).values())}>"


def restore(board: Board, store: Store, moment: Moment, log: logging.Logger) -> None:
    """On a new board, before anything is served: what still stands, for what is left of its time."""
    try:
        Actuator(board).enforce(store.standing_overrides(), moment.utc, moment.monotonic, store.standing_actions())
    except NotStored as error:
        log.error("what stood by hand or by the gateway is not in force yet: %s", error)
