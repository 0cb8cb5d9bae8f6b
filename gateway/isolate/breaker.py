"""The circuit breaker of an upstream: the readable reference of what the tick does to the breaker word on the board.

    CLOSED ──trip──> OPEN ──rest──> HALF_OPEN ──recover──> CLOSED
                      ^                │  └─advance─> HALF_OPEN (next step of the ramp)
                      └────relapse─────┘

Theory of operation:
- CLOSED counts the results of the rolling window and trips on the share of failures, or of slow answers, once there is
  a minimum of results: a breaker that trips on two requests is an outage of its own.
- OPEN lasts 5 s, doubled each time it opens again, at most 60 s, and ends by the clock: no traffic is needed for it.
- HALF_OPEN is a ramp: 1, 5, 25, 50, 100 % of the requests. A single probe decides by chance (and if it is lost, never).
  Besides its share, each step lets one request through every 100 ms, so that it gets its five results at any rate of
  requests, and a probe that is lost holds nothing up.
- A result belongs to the generation in which its request was admitted; a later generation ignores it. So an answer
  from before the breaker opened can neither close nor reopen it.
- A person may force it OPEN or CLOSED, until a time. The machine goes on underneath and takes over at the expiry.
- One that opens again soon after it closed goes on with the longer rest; after 60 s closed, that is forgotten.

Sources: algorithms.md 4 B; resilience4j (slow calls; stuck half-open in its #347), Sentinel #1638 (one probe),
gobreaker (generations), linkerd2 `breaker/unified.rs`. All times are monotonic nanoseconds.
"""

from dataclasses import dataclass, replace

from gateway.model import override as overrides
from gateway.model import safeguards
from gateway.model.override import Override
from gateway.model.safeguards import SECOND, WHOLE, Breaker, Explanation

CLOSED, OPEN, HALF_OPEN = 0, 1, 2
NAMES = ("CLOSED", "OPEN", "HALF_OPEN")

TRANSITIONS: dict[int, dict[str, int]] = {
    CLOSED: {"trip": OPEN},
    OPEN: {"rest": HALF_OPEN},
    HALF_OPEN: {"advance": HALF_OPEN, "recover": CLOSED, "relapse": OPEN},
}

RAMP = (WHOLE // 100, WHOLE // 20, WHOLE // 4, WHOLE // 2, WHOLE)  # share of the requests let through, by step
STEP_MIN = 2 * SECOND
STEP_RESULTS = 5
STEP_FAILURES = WHOLE // 5  # a step with fewer goes on
RELAPSE_FAILURES = WHOLE // 2  # a step with more opens again
PROBE_EVERY = SECOND // 10
OPEN_FIRST = 5 * SECOND
OPEN_MAX = 60 * SECOND
FORGET_AFTER = 60 * SECOND  # closed for so long: the next trip rests OPEN_FIRST again


@dataclass(frozen=True, slots=True)
class Window:
    """Results of the last `params.window`, and of those only what belongs to the state's generation."""

    requests: int = 0
    failures: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """`since`: when this generation began; `until`: the end of OPEN; `trips`: openings in a row; `step` of the ramp."""

    phase: int = CLOSED
    generation: int = 0
    since: int = 0
    until: int = 0
    trips: int = 0
    step: int = 0
    forced: int | None = None
    forced_until: int = 0

    def __repr__(self) -> str:
        at = f" step {self.step + 1}/{len(RAMP)}" if self.phase == HALF_OPEN else ""
        forced = "" if self.forced is None else f" forced {NAMES[self.forced]} until {self.forced_until}"
        return f"<breaker {NAMES[self.phase]}{at} generation {self.generation}{forced}>"


def step(state: State, window: Window, params: Breaker, now: int) -> State:
    """The state after one look at the window; the same object where nothing changes."""
    event = _event(state, window, params, now)
    return _after(state, event, now) if event else state


def _event(state: State, window: Window, params: Breaker, now: int) -> str:
    if state.phase == CLOSED:
        return "trip" if _too_bad(window, params) else ""
    if state.phase == OPEN:
        return "rest" if now >= state.until else ""
    return _event_of_step(state, window, params, now)


def _too_bad(window: Window, params: Breaker) -> bool:
    enough = window.requests >= params.min_requests
    return enough and (_reached(window.failures, window, params.failures) or _too_slow(window, params))


def _too_slow(window: Window, params: Breaker) -> bool:
    return params.slow_over > 0 and _reached(window.slow, window, params.slow_share)


def _event_of_step(state: State, window: Window, params: Breaker, now: int) -> str:
    if window.requests < STEP_RESULTS:
        return ""
    if window.failures * WHOLE > window.requests * RELAPSE_FAILURES or _too_slow(window, params):
        return "relapse"
    if now - state.since < STEP_MIN or window.failures * WHOLE >= window.requests * STEP_FAILURES:
        return ""
    return "advance" if state.step + 1 < len(RAMP) else "recover"


def _reached(count: int, window: Window, share: int) -> bool:
    """A share is reached in whole numbers, so that compiled code and reference cannot differ by a rounding."""
    return window.requests > 0 and count * WHOLE >= window.requests * share


def _after(state: State, event: str, now: int) -> State:
    phase = TRANSITIONS[state.phase][event]
    moved = replace(state, phase=phase, generation=state.generation + 1, since=now, step=0)
    if phase == OPEN:
        forgotten = event == "trip" and now - state.since >= FORGET_AFTER
        before = 0 if forgotten else state.trips
        return replace(moved, trips=before + 1, until=now + rest(before))
    return replace(moved, step=state.step + 1) if event == "advance" else moved


def rest(before: int) -> int:
    """How long OPEN lasts after `before` openings in a row: 5 s * 2^before, at most 60 s."""
    return min(OPEN_FIRST << min(before, 8), OPEN_MAX)


def force(state: State, phase: int | None, until: int) -> State:
    """Force OPEN or CLOSED until a time, or lift that (None). Raises ValueError on HALF_OPEN, which is no wish."""
    if phase not in (OPEN, CLOSED, None):
        raise ValueError("a breaker is forced OPEN or CLOSED; HALF_OPEN is only passed through")
    return replace(state, forced=phase, forced_until=0 if phase is None else until)


def by_hand(upstream: str, value: str, reason: str, who: str, now: int, ttl: int = overrides.TTL,
            note: str = "") -> Override:
    """The override that forces it `open` or `closed` from `now` (UTC ns). Raises ValueError with what to write."""
    return overrides.override(overrides.BREAKER, f"upstream:{upstream}", value, reason, who, now, ttl, note)


def phase_at(state: State, now: int) -> int:
    """The phase that requests meet: the forced one while it lasts."""
    return state.phase if state.forced is None or now >= state.forced_until else state.forced


def admits(state: State, number: int, last_probe: int, now: int) -> bool:
    """May request `number` of this step pass? `last_probe`: when the last one was let through beyond the share."""
    phase = phase_at(state, now)
    if phase != HALF_OPEN:
        return phase == CLOSED
    return in_share(number, RAMP[state.step]) or now - last_probe >= PROBE_EVERY


def in_share(number: int, share: int) -> bool:
    """Spread evenly: of any n requests in a row, at most one more than their share is let through."""
    return (number + 1) * share // WHOLE > number * share // WHOLE


def counts(state: State, generation: int) -> bool:
    """Does the result of a request that was admitted in `generation` still count?"""
    return generation == state.generation


def explain(state: State, window: Window, params: Breaker, now: int) -> Explanation:
    slow = f", slow {safeguards.percent(window.slow, window.requests)}" if params.slow_over else ""
    threshold = (f"{params.failures * 100 // WHOLE} % failures or {params.slow_share * 100 // WHOLE} % slow of at "
                 f"least {params.min_requests} in {safeguards.seconds(params.window)}")
    return Explanation("breaker", f"failures {safeguards.percent(window.failures, window.requests)}{slow}", threshold,
                       _decision(state, now))


def _decision(state: State, now: int) -> str:
    phase = phase_at(state, now)
    if state.forced is not None and now < state.forced_until:
        return f"forced {NAMES[phase]} for another {safeguards.seconds(state.forced_until - now)}"
    if phase == OPEN:
        return f"OPEN for another {safeguards.seconds(max(0, state.until - now))}"
    if phase == HALF_OPEN:
        return f"HALF_OPEN, lets {RAMP[state.step] * 100 // WHOLE} % through"
    return "CLOSED"
