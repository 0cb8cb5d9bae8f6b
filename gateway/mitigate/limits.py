"""Rate limits: the decision (GCRA) as the readable reference of the compiled one, and what a client is told about it.

Theory of operation. A limit keeps one number per key: the theoretical arrival time (TAT) of the next request that would
be exactly on time. T = period / quota is the distance between two such requests, burst * T how far ahead TAT may run:

    TAT  = now + burst*T                         first, if it is more than LEFT_OVER beyond that: from a stricter limit
    new  = max(now, TAT) + cost*T
    wait = new - burst*T - now                   > 0: denied, and nothing is written
    remaining = floor((burst*T - max(0, new - now)) / T)

A denial writes nothing, or a client that hammers would never get in again; with one exception: a TAT that this limit
cannot have made was left by a stricter one, and is *written* as full, once, so that relaxing a limit helps at once. To
clamp it for the decision alone (base = min(TAT, now + burst*T)) would not help: base + T is then over the edge at
every request, and all are denied until the old TAT. LEFT_OVER keeps two workers, whose readings of the clock are a
little apart, from undoing each other's writes, which would give away a few microseconds at each denial.

Several limits on a route are all asked; the first that denies is the one that the answer names.

What the client is told (draft-ietf-httpapi-ratelimit-headers, as of 2025-09): `RateLimit-Policy` "name";q;w says the
rule as q requests per w whole seconds, `RateLimit` "name";r;t what is left and when there is more. They are sent near
exhaustion only (below 20 %), to save bytes. `Retry-After` is never earlier than t, and later by up to a fifth, so that
clients do not return all at once; `jitter` in [0, 1) is an argument.

Sources: algorithms.md 1.2 and 1.6; governor, redis-cell. All times are nanoseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model import http
from gateway.model.safeguards import SECOND, Explanation, Limit

KEYS = ("route", "client", "route+client")
NAMED_KEYS = ("header", "cookie")
NEAR_EXHAUSTION = 5  # below a fifth of the burst
LATER_BY = 5  # at most a fifth of the wait
LEFT_OVER = SECOND  # far more than a worker's reading of the clock can be old
PROBLEMS = "https://iana.org/assignments/http-problem-types#"
QUOTA_EXCEEDED = f"{PROBLEMS}quota-exceeded"
REDUCED_CAPACITY = f"{PROBLEMS}temporary-reduced-capacity"
ABNORMAL_USAGE = f"{PROBLEMS}abnormal-usage-detected"


@dataclass(frozen=True, slots=True)
class Decision:
    """`wait`: ns until the same request would pass, 0 where it passed; `reset`: ns until there is quota for another."""

    allowed: bool
    tat: int
    remaining: int
    wait: int
    reset: int


def parse_key(text: str) -> tuple[str, str]:
    """("client", "") or ("header", "x-tenant"), headers in lower case. Raises ValueError with what to write."""
    kind, colon, name = text.partition(":")
    if text in KEYS:
        return text, ""
    if kind in NAMED_KEYS and colon:
        http.token(name)
        return kind, name.lower() if kind == "header" else name
    raise ValueError(f"{text[:40]!r} is no key; write one of {', '.join(KEYS)}, header:NAME, cookie:NAME")


def interval(limit: Limit) -> int:
    """T, the nanoseconds between two requests that are exactly on time."""
    return limit.period_ns // limit.quota


def decide(limit: Limit, tat: int, now: int, cost: int = 1) -> Decision:
    """What becomes of a request of this `cost`; `tat` 0 is a key never seen. The mode plays no part.

    The decision's `tat` is to be written where it differs.
    """
    distance = interval(limit)
    ahead = limit.burst * distance
    if tat - now > ahead + LEFT_OVER:
        tat = now + ahead
    base = max(now, tat)
    new = base + cost * distance
    wait = new - ahead - now
    if wait > 0:
        return Decision(False, tat, _remaining(base, now, limit), wait, _reset(base, now, limit))
    return Decision(True, new, _remaining(new, now, limit), 0, _reset(new, now, limit))


def _remaining(tat: int, now: int, limit: Limit) -> int:
    distance = interval(limit)
    return max(0, limit.burst * distance - max(0, tat - now)) // distance


def _reset(tat: int, now: int, limit: Limit) -> int:
    return max(0, tat - now - (limit.burst - 1) * interval(limit))


def policy(limit: Limit) -> str:
    """`"per-client";q=100;w=2`: the whole seconds in which the burst comes back, and the requests in these."""
    distance = interval(limit)
    window = max(1, _ceil_seconds(limit.burst * distance))
    return f'"{limit.name}";q={max(limit.burst, window * SECOND // distance)};w={window}'


def state(limit: Limit, decision: Decision) -> str:
    """`"per-client";r=50;t=30`."""
    return f'"{limit.name}";r={decision.remaining};t={_ceil_seconds(decision.reset)}'


def retry_after(decision: Decision, jitter: float) -> int:
    """Whole seconds, at least 1 and at least t; `jitter` in [0, 1) puts up to a fifth of the wait on top."""
    later = decision.wait + int(jitter * decision.wait / LATER_BY)
    return max(1, _ceil_seconds(later), _ceil_seconds(decision.reset))


def headers(asked: Iterable[tuple[Limit, Decision]], jitter: float) -> list[tuple[str, str]]:
    """The fields of an answer, for the limits in force that were asked; none while all of them have plenty left."""
    telling = [(limit, decision) for limit, decision in asked if limit.mode == "enforce" and is_worth_telling(
        limit, decision)]
    if not telling:
        return []
    fields = [("ratelimit-policy", ", ".join(policy(limit) for limit, _ in telling)),
              ("ratelimit", ", ".join(state(limit, decision) for limit, decision in telling))]
    denied = [retry_after(decision, jitter) for _, decision in telling if not decision.allowed]
    return [*fields, ("retry-after", str(max(denied)))] if denied else fields


def is_worth_telling(limit: Limit, decision: Decision) -> bool:
    return not decision.allowed or decision.remaining * NEAR_EXHAUSTION < limit.burst


def problem(limit: Limit, decision: Decision, jitter: float) -> dict[str, object]:
    """The members of the problem+json of a 429; the data plane adds the request's own (instance, incident)."""
    return {
        "type": QUOTA_EXCEEDED, "title": "Too Many Requests", "status": 429, "safeguard": limit.name,
        "detail": f"The limit {limit.name} allows {limit.quota} per {limit.period_ns / SECOND:g} s. "
                  f"Retry after {retry_after(decision, jitter)} s.",
        "violated-policies": [limit.name],
    }  # fmt: skip


def explain(limit: Limit, decision: Decision) -> Explanation:
    observed = f"{decision.remaining} of {limit.burst} left for this {limit.key}"
    threshold = f"{limit.quota} per {limit.period_ns / SECOND:g} s, burst {limit.burst}"
    verdict = "passes" if decision.allowed else f"denied for {decision.wait / SECOND:.3g} s"
    return Explanation(f"limit {limit.name}", observed, threshold, verdict)


def _ceil_seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)
