"""Is it over? What is kept is undone in stages, and only then may the incident be resolved.

    calm for `calm` * 2^returns  ->  first stage  ->  next stage …  ->  undone
                                        └── the trouble is back: as before, and twice the calm is needed

Theory of operation:
- Clean windows first: no signal of the incident for `calm`, and where the endpoint has health checks (probes), they
  succeed. What is cut off shows no trouble, so calm alone proves nothing: only its return does.
- An endpoint returns with a tenth of its weight, then half. At each stage the e-test (etest.py) compares it, second by
  second, with the upstream's other endpoints: the same seconds, so neither time of day nor load counts against it. For
  slowness: the mean of its answers, three times that of the others and 20 ms more, over a stage.
- Other actions go back by the incident's own signals: one of them during the return, and the stage is taken back.
- A stage lasts 10 s and, for an endpoint, at least 10 requests; with less traffic it is passed after a minute, and the
  timeline says that nothing was proven.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.model.action import STAGES, Action, ActionKind, ActionState, Move, Policy, Sample, move
from gateway.model.safeguards import SECOND
from gateway.resolve import etest
from gateway.resolve.etest import ETest

STAGE_NS = 10 * SECOND
STAGE_LONGEST = 60 * SECOND
REQUESTS_LEAST = 10
AGAINST = 4.6
"""ln E: 1 in 100 returns of a healthy endpoint is taken back by mistake, however long it is watched."""
TIMES_SLOWER, SLOWER_MS = 3.0, 20.0
CALM_DOUBLES = 5


@dataclass(frozen=True, slots=True)
class Returning:
    """`own`: the seconds of this stage at the endpoint that returns, `others`: at the other endpoints; `probes_fail`:
    its health checks say that it is not well."""

    own: Sample = Sample()
    others: Sample = Sample()
    probes_fail: bool = False


def step(action: Action, seen: Returning, policy: Policy, quiet_since: int, now: int) -> Action:
    """The action after one look; the same object where nothing changes. `quiet_since`: UTC ns, 0 while there are
    signals of the incident."""
    if action.state is ActionState.KEPT and action.kind is not ActionKind.ROLL_BACK:
        if quiet_since and now - max(quiet_since, action.since_ns) >= calm(action, policy) and not seen.probes_fail:
            return _first(action, now)
    elif action.state is ActionState.RETURNING:
        return _staged(action, seen, quiet_since, now)
    return action


def calm(action: Action, policy: Policy) -> int:
    """Nanoseconds without a signal before it may return."""
    return policy.calm << min(action.returns, CALM_DOUBLES)


def stands_in_the_way(actions: Sequence[Action]) -> bool:
    """Something is in force that the gateway has yet to undo: the incident is not over. A roll-back stays."""
    return any(each.in_force and each.state is not ActionState.HELD and each.kind is not ActionKind.ROLL_BACK
               for each in actions)


def _first(action: Action, now: int) -> Action:
    if action.kind in STAGES:
        return move(action, Move.RETURN, now, stage=1)
    return move(action, Move.RETURNED, now, verdict=f"{action.verdict}; the trouble is over")


def _staged(action: Action, seen: Returning, quiet_since: int, now: int) -> Action:
    if why := _trouble(action, seen, quiet_since):
        return move(action, Move.RELAPSE, now, stage=0, returns=action.returns + 1, verdict=why)
    lasted = now - action.since_ns
    enough = action.kind is not ActionKind.EJECT or sum(seen.own.requests) >= REQUESTS_LEAST
    if lasted < STAGE_NS or (not enough and lasted < STAGE_LONGEST):
        return action
    proven = f"{seen.own} at stage {action.stage}" if enough else "too little traffic to prove anything"
    if action.stage < len(STAGES[action.kind]):
        return move(action, Move.STAGE, now, stage=action.stage + 1, verdict=proven)
    return replace(move(action, Move.RETURNED, now, verdict=proven), stage=0)


def _trouble(action: Action, seen: Returning, quiet_since: int) -> str:
    """Why it was too early; empty where nothing says so."""
    if action.kind is not ActionKind.EJECT:
        return "" if quiet_since else "its signals are back"
    if seen.probes_fail:
        return "its health checks fail"
    test = ETest()
    for old, bad, new, new_bad in zip(seen.others.requests, seen.others.failed, seen.own.requests, seen.own.failed,
                                      strict=False):
        test = etest.step(test, old, min(bad, old), new, min(new_bad, new))
    if test.log_e >= AGAINST:
        return f"{seen.own}, {seen.others} elsewhere; ln E = {test.log_e:.1f}"
    return _slower(seen)


def _slower(seen: Returning) -> str:
    if sum(seen.own.requests) < REQUESTS_LEAST or not sum(seen.others.requests):
        return ""
    own, others = (sum(each.latency_ms) / sum(each.requests) for each in (seen.own, seen.others))
    return f"{own:.0f} ms, {others:.0f} ms elsewhere" if own > TIMES_SLOWER * others + SLOWER_MS else ""
