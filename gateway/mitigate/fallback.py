"""Which fallback answers a request that cannot be answered in the ordinary way.

Theory of operation. The steps of a route are looked at in the order of the file; the first that is meant for the cause
(`on:`) and can be done now is taken. A step that cannot is passed over with a reason, never tried in vain:
- stale: only for GET and HEAD, with a stored answer that is not older than its time (stale.py);
- upstream: only while that upstream's own breaker is closed and it has spare capacity, or the fallback would move the
  outage to it;
- respond and redirect: always.
Without `on:` a step is meant for every cause but `limited`: who is over a limit is told so.
A fallback is never followed by another one: if the alternate upstream fails, what is left is a step that needs nobody
(stale, respond, redirect); a second upstream is not asked.

Sources: algorithms.md 6; features.md 3, point 4 (one hard-coded 503), gateway issue 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model.safeguards import CAUSES, Explanation, Fallback, refuses

SAFE = frozenset({"GET", "HEAD"})
ALWAYS = frozenset({"respond", "redirect"})

# The reason of model.errors -> the cause in the words of `on:`. What is not here is no occasion for a fallback.
CAUSE_OF: dict[str, str] = {
    "connect_failed": "error", "upstream_reset": "error", "upstream_malformed": "error", "no_endpoint": "error",
    "connect_timeout": "timeout", "first_byte_timeout": "timeout", "request_timeout": "timeout",
    "pool_full": "saturated",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alternate:
    """What is known of an upstream that might help out."""

    closed: bool = True
    spare: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """`stored_for`: ns since the stored answer went stale, None without one (or one that must not be served);
    `asked`: an alternate upstream was asked already and failed."""

    method: str
    stored_for: int | None = None
    alternates: Mapping[str, Alternate] = field(default_factory=dict)
    asked: bool = False


def cause_of(reason: str = "", status: int = 0) -> str:
    """The cause of a refusal's `reason` or an answer's `status`; empty where there is no occasion for a fallback.

    A gate that refuses names itself (`isolated`, `open`, `limited`, `saturated`, `shed`).
    """
    if reason in CAUSES:
        return reason
    if reason:
        return CAUSE_OF.get(reason, "")
    return "timeout" if status == 504 else "error" if status in (500, 502, 503) else ""


def choose(steps: Sequence[Fallback], cause: str, facts: Facts) -> Fallback | None:
    """The step to take; whether its mode lets it act is asked afterwards, so that shadow chooses the same."""
    return next((step for step in steps if not passed_over(step, cause, facts)), None)


def taken(steps: Sequence[Fallback], cause: str, facts: Facts) -> tuple[int, int]:
    """(index of the step that answers, or -1; how many in shadow would have answered before it)."""
    shadows, at = 0, 0
    while chosen := choose(steps[at:], cause, facts):
        at = next(index for index in range(at, len(steps)) if steps[index] is chosen)
        if refuses(chosen.mode, True):
            return at, shadows
        shadows, at = shadows + 1, at + 1
    return -1, shadows


def certain(steps: Sequence[Fallback], cause: str) -> int:
    """The index of the step that is taken for this cause whatever the facts, or -1 where these must be asked."""
    chosen = next((step for step in steps if step.mode != "off" and cause in step.on), None)
    if chosen is None or chosen.mode != "enforce" or chosen.kind not in ALWAYS:
        return -1
    return next(index for index, step in enumerate(steps) if step is chosen)


def passed_over(step: Fallback, cause: str, facts: Facts) -> str:
    """Why this step is not taken, in a few words; empty where it is."""
    if step.mode == "off":
        return "off"
    if cause not in step.on:
        return f"not on {cause}"
    if step.kind == "stale":
        return _no_stale(step, facts)
    if step.kind == "upstream":
        return _no_alternate(step, facts)
    return ""


def _no_stale(step: Fallback, facts: Facts) -> str:
    if facts.method not in SAFE:
        return f"not for {facts.method}"
    if facts.stored_for is None:
        return "nothing stored"
    return "stored answer too old" if facts.stored_for > step.stale_for else ""


def _no_alternate(step: Fallback, facts: Facts) -> str:
    if facts.asked:
        return "another upstream was asked already"
    known = facts.alternates.get(step.upstream)
    if known is None:
        return "unknown upstream"
    if not known.closed:
        return "its own breaker is not closed"
    return "" if known.spare else "no spare capacity"


def explain(steps: Sequence[Fallback], cause: str, facts: Facts) -> Explanation:
    told = [f"{step.kind}: {passed_over(step, cause, facts) or 'can be done'}" for step in steps]
    chosen = choose(steps, cause, facts)
    return Explanation("fallback", "; ".join(told) or "none configured", f"on {cause}",
                       f"takes {chosen.kind}" if chosen else "none: the refusal itself is answered")
