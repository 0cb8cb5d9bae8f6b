"""The ladder of one incident, one look each second: `step` says how each of its actions goes on.

Rules, in the order in which they are asked:
- what is in force ends at its end; while somebody looks after it, it is prolonged at half its time;
- what is tried is judged once, when the set time is over: it helped and is kept, or it is undone (measure.py);
- the next rung is tried while the incident goes on, when no other one is being tried (two at a time could not be told
  apart) and what was kept before has had its time to show;
- a rung waits while a reflex does the same already; it is left out where too few endpoints would be left, where
  `respond` is off, and where all that is in force would touch more of the traffic than it may: then, and in shadow, it
  is said what would have been done.
What a person holds is left alone. What is kept is undone by `resolve.recovery`, not here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.mitigate import measure
from gateway.mitigate.rungs import Site, spares
from gateway.model.action import BY_ITSELF, Action, ActionKind, ActionState, Move, Policy, Sample, move, touched
from gateway.model.quantities import PERCENT
from gateway.model.safeguards import OFF, SHADOW

PARTS_MOST = 16
"""Of one rung, begun together: two endpoints that are blamed, all routes of a priority."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What is known of this second. `before`: target -> its last seconds; `after`: id of an action -> the seconds since
    it was done; `reach`: target -> millionths of the last minute's traffic; `elsewhere`: touched by other
    incidents, and `taken`: what stands for them already, as kind and target."""

    before: dict[str, Sample] = field(default_factory=dict)
    after: dict[int, Sample] = field(default_factory=dict)
    reach: dict[str, int | None] = field(default_factory=dict)
    elsewhere: int = 0
    taken: frozenset[tuple[ActionKind, str]] = frozenset()


def step(actions: Sequence[Action], readings: Readings, policy: Policy, site: Site, goes_on: bool,
         now: int) -> list[Action]:
    """The actions that have moved, as they are now. `goes_on`: there are signals of the incident; `now`: UTC ns."""
    known = {each.id: each for each in actions}
    for each in actions:
        known[each.id] = _looked_at(each, readings, policy, now)
    if goes_on:
        for each in _due(list(known.values()), readings, policy, site, now):
            known[each.id] = _begun(each, list(known.values()), readings, policy, site, now)
    return [known[each.id] for each in actions if known[each.id] is not each]


def _looked_at(action: Action, readings: Readings, policy: Policy, now: int) -> Action:
    if not action.in_force:
        return action
    if now >= action.expires_ns:
        return move(action, Move.EXPIRE, now, verdict="its time was over")
    if action.state is ActionState.TRIED:
        action = _judged(action, readings.after.get(action.id, Sample()), policy, now)
    return _prolonged(action, policy, now)


def _judged(action: Action, after: Sample, policy: Policy, now: int) -> Action:
    verdict = measure.judge(action, after, policy.measure)
    if verdict is None:
        return action
    event = Move.HELPED if verdict.helped else Move.FAILED
    return move(action, event, now, helped=verdict.helped, verdict=verdict.words)


def _prolonged(action: Action, policy: Policy, now: int) -> Action:
    if action.state in BY_ITSELF and action.kind is not ActionKind.ROLL_BACK and 2 * action.left(now) < policy.duration:
        return replace(action, expires_ns=now + policy.duration)
    return action


def _due(actions: Sequence[Action], readings: Readings, policy: Policy, site: Site, now: int) -> list[Action]:
    """Of the lowest rung that is left, the parts that may begin now."""
    planned = [each for each in actions if each.state is ActionState.PLANNED]
    rung = min((each.rung for each in planned), default=0)
    return [each for each in planned if each.rung == rung and (each.kind, each.target) not in readings.taken
            and not _waits(each, actions, policy, site, now)][:PARTS_MOST]


def _waits(action: Action, actions: Iterable[Action], policy: Policy, site: Site, now: int) -> bool:
    if action.kind is ActionKind.EJECT and action.target.partition(":")[2] in site.out:
        return True
    others = [each for each in actions if each.rung != action.rung]
    tried = any(each.state is ActionState.TRIED for each in others)
    fresh = any(each.state is ActionState.KEPT and now - each.since_ns < policy.measure for each in others)
    return tried or fresh


def _begun(action: Action, actions: list[Action], readings: Readings, policy: Policy, site: Site, now: int) -> Action:
    action = replace(action, reach=readings.reach.get(action.target))
    mode = policy.mode_of(action.target)
    if mode == OFF:
        return move(action, Move.DROP, now, verdict="the config says `respond` off for it")
    if why := _forbidden(action, actions, readings, policy, site):
        return move(action, Move.IMAGINE, now, verdict=f"not done: {why}")
    if mode == SHADOW:
        return move(action, Move.IMAGINE, now, verdict="not done: the config says to say so only")
    before = readings.before.get(action.measured, Sample())
    return move(action, Move.BEGIN, now, before=before, done_ns=now, expires_ns=now + policy.duration)


def _forbidden(action: Action, actions: list[Action], readings: Readings, policy: Policy, site: Site) -> str:
    upstream, _, address = action.target.partition(":")[2].partition("/")
    if action.kind is ActionKind.EJECT:
        out = {each.target.partition(":")[2] for each in actions if each.kind is ActionKind.EJECT and each.in_force}
        if not spares(replace(site, out=site.out | out), upstream, address):
            return f"fewer than half of the endpoints of {upstream} would be left"
    together = (action.reach or 0) + touched(actions) + readings.elsewhere
    if together > policy.at_most:
        return (f"with what is in force it would touch {together // PERCENT} % of the traffic, more than "
                f"{policy.at_most // PERCENT} %")
    return ""
