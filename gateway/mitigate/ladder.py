"""The ladder of one incident, one look each second: `step` says how each of its actions goes on.

Rules, in the order in which they are asked:
- what is in force ends at its end; while somebody looks after it, it is prolonged at half its time, but for what cuts
  clients off: whom it refuses are its own signals, so that calm never comes, and only its end shows whether it is over;
- what is tried is judged once, when the set time is over: it helped and is kept, or it is undone (measure.py); at once
  where more requests fail since;
- the next rung is tried while the incident goes on, when no other one is being tried (two at a time could not be told
  apart) and what was kept before has had its time to show;
- a rung waits while a reflex does the same already, or there are too few failures to tell afterwards whether it helped;
  and for a client that is clamped and sends on, while nothing else is wrong;
- it is left out where too few endpoints would be left, where `respond` is off, and where all that is in force would
  touch more of the traffic than it may: then, and in shadow, it is said what would have been done. What cuts clients
  off is left out as long as they are answered.
What a person holds is left alone. What is kept is undone by `resolve.recovery`, not here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.mitigate import measure
from gateway.mitigate.rungs import Site, spares
from gateway.model.action import BY_ITSELF, Action, ActionKind, ActionState, Move, Policy, Sample, move, touched
from gateway.model.quantities import PERCENT
from gateway.model.safeguards import OFF, SHADOW

CUTS_OFF = frozenset({ActionKind.BREAKER, ActionKind.ISOLATE})
FAILING = 0.9
"""Where so many requests fail, to be cut off costs their clients nothing."""
MEANS_TO_REFUSE = frozenset({ActionKind.SHED, ActionKind.ROLL_BACK})
"""The one lets some requests fail so that others are answered; the other is measured by its failures anyway."""
PARTS_MOST = 16
"""Of one rung, begun together: two endpoints that are blamed, all routes of a priority."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What is known of this second. `before`: target -> its last seconds; `after`: id of an action -> the seconds since
    it was done; `reach`: target -> millionths of the last minute's traffic; `elsewhere`: touched by other
    incidents, and `taken`: what stands for them already, as kind and target; `felt`: id of an action -> what the
    clients of all routes that it touches saw before it, and since; `routes`: route -> its last seconds; `hurts`: more
    is seen now than how much comes."""

    before: dict[str, Sample] = field(default_factory=dict)
    after: dict[int, Sample] = field(default_factory=dict)
    reach: dict[str, int | None] = field(default_factory=dict)
    elsewhere: int = 0
    taken: frozenset[tuple[ActionKind, str]] = frozenset()
    felt: dict[int, tuple[Sample, Sample]] = field(default_factory=dict)
    routes: dict[str, Sample] = field(default_factory=dict)
    hurts: bool = True


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
        action = _judged(action, readings, policy, now)
    return _prolonged(action, policy, now)


def _judged(action: Action, readings: Readings, policy: Policy, now: int) -> Action:
    before, since = readings.felt.get(action.id, (Sample(), Sample()))
    if action.kind not in MEANS_TO_REFUSE and (harm := measure.harmed(before, since)):
        return move(action, Move.FAILED, now, helped=False, verdict=harm)
    verdict = measure.judge(action, readings.after.get(action.id, Sample()), policy.measure)
    if verdict is None:
        return action
    event = Move.HELPED if verdict.helped else Move.FAILED
    return move(action, event, now, helped=verdict.helped, verdict=verdict.words)


def _prolonged(action: Action, policy: Policy, now: int) -> Action:
    ends = action.kind is ActionKind.ROLL_BACK or (action.kind in CUTS_OFF and not action.target.startswith("client:"))
    if action.state in BY_ITSELF and not ends and 2 * action.left(now) < policy.duration:
        return replace(action, expires_ns=now + policy.duration)
    return action


def _due(actions: Sequence[Action], readings: Readings, policy: Policy, site: Site, now: int) -> list[Action]:
    """Of the lowest rung that is left, the parts that may begin now."""
    planned = [each for each in actions if each.state is ActionState.PLANNED]
    rung = min((each.rung for each in planned), default=0)
    return [each for each in planned if each.rung == rung and (each.kind, each.target) not in readings.taken
            and not _waits(each, actions, readings, policy, site, now)][:PARTS_MOST]


def _waits(action: Action, actions: Iterable[Action], readings: Readings, policy: Policy, site: Site,
           now: int) -> bool:
    if action.kind is ActionKind.EJECT and action.target.partition(":")[2] in site.out:
        return True
    if not measure.can_tell(action.by, readings.before.get(action.measured, Sample())):
        return True
    others = [each for each in actions if each.rung != action.rung]
    if not readings.hurts and any(each.kind is ActionKind.CLAMP and each.state is ActionState.KEPT
                                  and each.target == action.target for each in others):
        return True
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
    if why := _still_answered(action, readings, site):
        return why
    together = (action.reach or 0) + touched(actions) + readings.elsewhere
    if together > policy.at_most:
        return (f"with what is in force it would touch {together // PERCENT} % of the traffic, more than "
                f"{policy.at_most // PERCENT} %")
    return ""


def _still_answered(action: Action, readings: Readings, site: Site) -> str:
    """Of routes without a fallback, which is what their clients would get then."""
    if action.kind not in CUTS_OFF:
        return ""
    lost = [readings.routes.get(each, Sample()) for each in site.routes_of(action.target) if each not in site.fallbacks]
    requests, failed = (sum(sum(getattr(each, name)) for each in lost) for name in ("requests", "failed"))
    if failed >= FAILING * requests:
        return ""
    return f"{1 - failed / requests:.0%} of the requests that it would cut off are answered"
