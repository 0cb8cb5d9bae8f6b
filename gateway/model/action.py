"""An action: what the gateway does by itself about an incident, as one frozen value, and the law of how it may go on.

    planned -> tried -> kept -> returning -> undone        it helped, and is undone in stages once the trouble is over
                    └-> undone                             it did not
    planned -> shadow                                      it would have been done; the config says to say so only
    held                                                   a person says that it stands, until its end

Each has a target, a reason with its evidence, the share of the last minute's traffic that it touches, an end, and an
undo. It is written to the journal before it is done, and the board's words carry its end: what is in force is what the
journal says, read anew by whoever starts, so that no death can do it twice or leave it for ever.

    kind                target                   value
    eject               endpoint                 share of its weight that it keeps, in millionths; 0 = nothing
    clamp               client                   nanoseconds between two requests
    lower concurrency   route, upstream          requests at a time
    shed                route                    the rank above which requests are shed
    force fallback      route                    1: isolated, so that the route's fallback answers
    open breaker        upstream                 1: forced open
    isolate             route, client            1
    roll back           revision                 number of the revision that is served instead
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.safeguards import ENFORCE, SECOND, SHADOW, WHOLE


class ActionKind(StrEnum):
    EJECT = "eject"
    CLAMP = "clamp"
    CONCURRENCY = "lower concurrency"
    SHED = "shed"
    FALLBACK = "force fallback"
    BREAKER = "open breaker"
    ISOLATE = "isolate"
    ROLL_BACK = "roll back"


class ActionState(StrEnum):
    PLANNED = "planned"
    SHADOW = "shadow"
    TRIED = "tried"
    KEPT = "kept"
    HELD = "held"
    RETURNING = "returning"
    UNDONE = "undone"
    EXPIRED = "expired"
    SKIPPED = "skipped"


class Move(StrEnum):
    BEGIN = "begin"
    IMAGINE = "imagine"
    HELPED = "helped"
    FAILED = "did not help"
    RETURN = "return"
    STAGE = "stage"
    RELAPSE = "relapse"
    RETURNED = "returned"
    EXPIRE = "expire"
    DROP = "drop"
    HOLD = "hold"
    FORCE = "force"
    SKIP = "skip"
    UNDO = "undo"


_FORCED = {Move.FORCE: ActionState.HELD}
_IN_FORCE = {Move.EXPIRE: ActionState.EXPIRED, Move.HOLD: ActionState.HELD, Move.UNDO: ActionState.UNDONE,
             Move.SKIP: ActionState.UNDONE}
MOVES: dict[ActionState, dict[Move, ActionState]] = {
    ActionState.PLANNED: {Move.BEGIN: ActionState.TRIED, Move.IMAGINE: ActionState.SHADOW,
                          Move.SKIP: ActionState.SKIPPED, Move.DROP: ActionState.SKIPPED} | _FORCED,
    ActionState.SHADOW: {Move.SKIP: ActionState.SKIPPED, Move.DROP: ActionState.SKIPPED} | _FORCED,
    ActionState.TRIED: {Move.HELPED: ActionState.KEPT, Move.FAILED: ActionState.UNDONE} | _IN_FORCE,
    ActionState.KEPT: {Move.RETURN: ActionState.RETURNING, Move.RETURNED: ActionState.UNDONE} | _IN_FORCE,
    ActionState.RETURNING: {Move.STAGE: ActionState.RETURNING, Move.RELAPSE: ActionState.KEPT,
                            Move.RETURNED: ActionState.UNDONE} | _IN_FORCE,
    ActionState.HELD: {Move.HOLD: ActionState.HELD, Move.UNDO: ActionState.UNDONE, Move.SKIP: ActionState.UNDONE,
                       Move.EXPIRE: ActionState.EXPIRED},
    ActionState.UNDONE: dict(_FORCED),
    ActionState.EXPIRED: dict(_FORCED),
    ActionState.SKIPPED: dict(_FORCED),
}
BY_PEOPLE = (Move.HOLD, Move.FORCE, Move.SKIP, Move.UNDO)
IN_FORCE = frozenset(state for state, moves in MOVES.items() if Move.EXPIRE in moves)
BY_ITSELF = IN_FORCE - {ActionState.HELD}
"""In force, and the gateway's own to end."""

STAGES: dict[ActionKind, tuple[int, ...]] = {
    ActionKind.EJECT: (100_000, 500_000),           # of its weight
    ActionKind.CLAMP: (500_000, 250_000),           # of the distance between requests: twice, four times the rate
    ActionKind.CONCURRENCY: (2 * WHOLE, 4 * WHOLE),
}
"""The way back: what an action has left, in millionths. A kind without stages has no word for less of it."""
NARROW = ("endpoint", "client")
REASON_MAX = 500


class IllegalMove(ValueError):
    """The action cannot be moved so in its state; the message says what can be done."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the config's `respond` says. `mode`: for one endpoint or one client, `wider`: for anything else.

    `at_most`: share of the last minute's traffic that all actions together may touch, in millionths; `measure`: how
    long is measured before and after; `duration`: when an action ends unless it is prolonged; `calm`: how long without
    a signal before it is undone, stage by stage.
    """

    mode: str = ENFORCE
    wider: str = SHADOW
    at_most: int = WHOLE // 2
    measure: int = 10 * SECOND
    duration: int = 600 * SECOND
    calm: int = 30 * SECOND

    def mode_of(self, target: str) -> str:
        return self.mode if target.partition(":")[0] in NARROW else self.wider


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of one target, the oldest first: requests, of these the failed ones, and the time they took, summed."""

    requests: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    latency_ms: tuple[int, ...] = ()

    @property
    def seconds(self) -> int:
        return len(self.requests)

    def but(self, last: int) -> "Sample":
        """Without so many of the last seconds."""
        end = max(0, self.seconds - last)
        return Sample(self.requests[:end], self.failed[:end], self.latency_ms[:end])

    @property
    def latencies(self) -> tuple[float, ...]:
        """Mean of each second in which something was answered, in ms."""
        return tuple(ms / many for ms, many in zip(self.latency_ms, self.requests, strict=True) if many)

    def __str__(self) -> str:
        return f"{sum(self.failed)} of {sum(self.requests)} failed in {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Action:
    """`rung`: its place on the ladder; `reach`: millionths of the last minute's traffic (of a client that surges: of
    the traffic before it did), None where nobody can tell.

    `measured`: the target whose numbers tell whether it helps, `by` failures | latency | load; `before`: these in the
    seconds before it was done. `helped`: None before it is known; `verdict`: the test and its numbers. `stage`: how far
    it is undone, `returns`: how often that was too early. `who`: the gateway, or who moved it last. Times are UTC ns;
    `since_ns`: when its state began, `done_ns`: when it was first done.
    """

    incident: int
    kind: ActionKind
    target: str
    value: int
    reason: str
    evidence: tuple[str, ...]
    rung: int
    measured: str
    by: str
    at_ns: int
    id: int = 0
    state: ActionState = ActionState.PLANNED
    reach: int | None = None
    expires_ns: int = 0
    since_ns: int = 0
    done_ns: int = 0
    stage: int = 0
    returns: int = 0
    before: Sample = Sample()
    helped: bool | None = None
    verdict: str = ""
    who: str = "gateway"

    @property
    def in_force(self) -> bool:
        return self.state in IN_FORCE

    def is_active(self, now: int) -> bool:
        return self.in_force and now < self.expires_ns

    def left(self, now: int) -> int:
        """Nanoseconds until it ends."""
        return max(0, self.expires_ns - now) if self.in_force else 0

    @property
    def strength(self) -> int:
        """Its value at its stage: what the board says."""
        if not self.stage:
            return self.value
        left = STAGES[self.kind][self.stage - 1]
        return left if self.kind is ActionKind.EJECT else max(1, self.value * left // WHOLE)

    @property
    def undo(self) -> str:
        """What ending it means, in words."""
        if self.kind is ActionKind.ROLL_BACK:
            return f"apply {self.target} again"
        stages = len(STAGES.get(self.kind, ()))
        return f"{self.target} is as the config says again" + (f", in {stages + 1} stages" if stages else "")

    def __str__(self) -> str:
        return f"{self.kind} {self.target}"


def move(action: Action, event: Move, now: int, who: str = "gateway", **changes: object) -> Action:
    """The one function that moves an action on. Raises IllegalMove."""
    allowed = MOVES[action.state]
    if event not in allowed:
        possible = [each.value for each in allowed if each in BY_PEOPLE]
        raise IllegalMove(f"an action that is {action.state} cannot be moved by {event}; "
                          + (f"possible: {', '.join(possible)}" if possible else "nothing can be done to it any more"))
    return dataclasses.replace(action, state=allowed[event], since_ns=now, who=who, **changes)  # type: ignore[arg-type]


def touched(actions: Iterable[Action]) -> int:
    """Millionths of the traffic that those in force touch together, as if none overlapped; at most all of it."""
    return min(WHOLE, sum(each.reach or 0 for each in actions if each.in_force))
