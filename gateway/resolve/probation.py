"""A new revision on probation beside the one before it: promoted step by step, held, or rolled back, with the reason.

    first step (10 % of the clients) ──promote──> next step ──promote──> … ──promote──> kept as last-known-good
              └──────────────────────────────── roll back ─────────────────────────────┘

Theory of operation:
- While both plans serve, the e-test (etest.py) judges each metric apart; alpha = 1 % in all, a quarter for
  each of four.
- A step is passed after 60 s and 300 requests of the new plan, with no evidence against it and with the upper 95 %
  bound of each bad ratio below twice the old one, or below 1 % (which is what 300 requests without a fault prove).
- With too little traffic for that, the step is passed when the probation's time is up, and said to be *unproven*.
- Once all traffic is on the new plan there is nothing to compare with in the same seconds. From there on the alarms of
  detection (its seasonal error family) roll back; the e-test stays silent.
- Reflexes need no statistics: an ejected endpoint or an open breaker on what the revision added or changed; or fewer
  than half of at least 10 requests succeed, unless the old plan fares no better.

Sources: algorithms.md 7.3. Counts are outcomes of attempts, once each; times are nanoseconds of one clock.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from gateway.model.safeguards import SECOND
from gateway.resolve import etest
from gateway.resolve.etest import ETest

METRICS = ("failed", "denied", "slow", "connect_failed")
WORDS = {"failed": "5xx answers", "denied": "requests denied by the gateway", "slow": "slow answers",
         "connect_failed": "failed connects"}

ALPHA = 0.01
AGAINST = math.log(len(METRICS) / ALPHA)  # ln 400: roll back
DOUBT = 1.0  # ln E from which a step is not yet passed
STEP_MIN = 60 * SECOND
STEP_REQUESTS = 300
TIMES_OLD = 2.0
ACCEPTED = 0.01
REFLEX_REQUESTS = 10
REFLEX_SUCCESS = 0.5
Z95 = 1.645  # one-sided

HOLD, PROMOTE, KEEP, ROLL_BACK = "hold", "promote", "keep", "roll back"


@dataclass(frozen=True, slots=True)
class Params:
    """`steps`: shares of the clients, ascending, the last one 1; `duration` bounds each step."""

    duration: int = 600 * SECOND
    steps: tuple[float, ...] = (0.1, 1.0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Attempts under one plan, and of these the bad ones by metric. One attempt may be in several."""

    requests: int = 0
    failed: int = 0
    denied: int = 0
    slow: int = 0
    connect_failed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def bad(self, metric: str) -> int:
        count = getattr(self, metric)
        assert isinstance(count, int)
        return count

    @property
    def succeeded(self) -> int:
        return max(0, self.requests - self.failed - self.denied - self.connect_failed)


@dataclass(frozen=True, slots=True)
class Probation:
    """`step` of the steps, since `since`; `old` and `new` are the sums of this step."""

    since: int
    step: int = 0
    old: Counts = Counts()
    new: Counts = Counts()
    tests: dict[str, ETest] = field(default_factory=lambda: dict.fromkeys(METRICS, ETest()))

    @property
    def worst(self) -> str:
        """The metric with the most evidence against the new plan."""
        return max(METRICS, key=lambda metric: self.tests[metric].log_e)

    def __repr__(self) -> str:
        return f"<Probation step {self.step}, {self.new.requests} requests, ln E {self.tests[self.worst].log_e:.2f}>"


def as_plain(state: Probation) -> dict[str, Any]:
    """For a store; `from_plain` is the way back."""
    return asdict(state)


def from_plain(stored: dict[str, Any]) -> Probation:
    """Raises KeyError or TypeError on what `as_plain` does not write."""
    tests = {metric: ETest(tuple(each["logs"]), each["seen"], each["bad"]) for metric, each in stored["tests"].items()}
    return Probation(stored["since"], stored["step"], Counts(**stored["old"]), Counts(**stored["new"]), tests)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`proven`: False where a step was passed for want of traffic, or goes on for want of it."""

    decision: str
    reason: str
    proven: bool = True


def watch(state: Probation, old: Counts, new: Counts) -> Probation:
    """The probation after one more second of both plans. Raises ValueError where more are bad than there were."""
    tests = {metric: etest.step(test, old.requests, old.bad(metric), new.requests, new.bad(metric))
             for metric, test in state.tests.items()}
    return replace(state, old=state.old + old, new=state.new + new, tests=tests)


def promoted(state: Probation, now: int) -> Probation:
    """The next step begins: nothing that was counted before is held for or against it."""
    return Probation(since=now, step=state.step + 1)


def judge(state: Probation, params: Params, now: int, troubled: Sequence[str] = (),
          alarms: Sequence[str] = ()) -> Verdict:
    """`troubled`: what is ejected or open of what the revision added or changed, in words; `alarms`: of detection,
    since the new plan serves all."""
    if against := _against(state, params, troubled, alarms):
        return Verdict(ROLL_BACK, against)
    passed = KEEP if _is_last(state, params) else PROMOTE
    if doubt := _doubt(state, params, now):
        if now - state.since < params.duration:
            return Verdict(HOLD, doubt, state.new.requests >= STEP_REQUESTS)
        return Verdict(passed, f"not proven when the time was up: {doubt}", False)
    return Verdict(passed, f"{state.new.requests} requests, no evidence against it")


def _is_last(state: Probation, params: Params) -> bool:
    return state.step + 1 >= len(params.steps)


def _against(state: Probation, params: Params, troubled: Sequence[str], alarms: Sequence[str]) -> str:
    """Why to roll back, or ""."""
    if troubled:
        return f"the revision concerns {', '.join(troubled)}"
    if reflex := _reflex(state):
        return reflex
    if _is_last(state, params):
        return f"detection, since all traffic is on it: {', '.join(alarms)}" if alarms else ""
    worst = state.worst
    log_e = state.tests[worst].log_e
    return f"more {WORDS[worst]}: {_ratios(state, worst)}, ln E {log_e:.1f}" if log_e >= AGAINST else ""


def _reflex(state: Probation) -> str:
    new, old = state.new, state.old
    fails = new.requests >= REFLEX_REQUESTS and new.succeeded < REFLEX_SUCCESS * new.requests
    if not fails or (old.requests and old.succeeded * new.requests <= new.succeeded * old.requests):
        return ""
    return f"only {new.succeeded} of {new.requests} requests succeed, before it {old.succeeded} of {old.requests}"


def _doubt(state: Probation, params: Params, now: int) -> str:
    """Why the step is not yet passed, or ""."""
    if _is_last(state, params) and now - state.since < params.duration:
        return "all traffic is on it, and detection watches it until its time is up"
    if state.new.requests < STEP_REQUESTS:
        return f"too little traffic to tell: {state.new.requests} of {STEP_REQUESTS} requests"
    if now - state.since < STEP_MIN:
        return "too short a time to tell"
    return "" if _is_last(state, params) else _doubt_of_ratios(state)


def _doubt_of_ratios(state: Probation) -> str:
    worst = state.worst
    if state.tests[worst].log_e >= DOUBT:
        return f"perhaps more {WORDS[worst]}: {_ratios(state, worst)}"
    for metric in METRICS:
        bound = upper_bound(state.new.bad(metric), state.new.requests)
        if bound >= max(ACCEPTED, TIMES_OLD * state.old.bad(metric) / max(1, state.old.requests)):
            return f"up to {bound:.1%} {WORDS[metric]} are possible: {_ratios(state, metric)}"
    return ""


def _ratios(state: Probation, metric: str) -> str:
    old, new = state.old, state.new
    return f"{new.bad(metric)} of {new.requests}, before it {old.bad(metric)} of {old.requests}"


def upper_bound(bad: int, seen: int) -> float:
    """The upper 95 % bound of a ratio (Wilson's score interval, one-sided); 1 where nothing was seen."""
    if seen == 0:
        return 1.0
    ratio, z2 = bad / seen, Z95 * Z95
    spread = Z95 * math.sqrt(ratio * (1 - ratio) / seen + z2 / (4 * seen * seen))
    return min(1.0, (ratio + z2 / (2 * seen) + spread) / (1 + z2 / seen))
