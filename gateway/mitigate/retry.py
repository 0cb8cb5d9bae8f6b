"""May a failed try be repeated? Retries hide a fault of one endpoint; without bounds they turn it into one of all.

Theory of operation. All of this must hold:
- it is safe: nothing was sent yet, or the request is idempotent (RFC 9110 9.2.2) or carries an Idempotency-Key;
- it can be sent again: the body was kept, which is done up to `max_body`; and no byte of an answer went to the client;
- the failure may pass: not reached, broken off, silent, or 502, 503, 504; never an answer that says it was shed on
  purpose, as a retry is more of what it is short of;
- there are attempts left, and so is time;
- the budget allows it: retries of the window stay within 20 % of its requests (at least 3, or a quiet route could never
  retry), and the token gate is open: 10 tokens at most, each success puts in 0.1, each failure takes 1, and it is open
  above 5. The share bounds the steady load; the gate closes within five failures of a blackout.
Then: another endpoint first, after a pause of full jitter (uniform in 0 .. 25 ms * 2^n, at most 250 ms).

Sources: algorithms.md 4 E; Finagle's retry budget, gRPC's retry throttling (A6), "Exponential Backoff And Jitter".
"""

from dataclasses import dataclass, replace

from gateway.model import safeguards
from gateway.model.safeguards import MILLISECOND, WHOLE, Explanation, Retry

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
NOT_SENT = frozenset({"connect_failed", "connect_timeout"})
MAY_PASS = NOT_SENT | {"upstream_reset", "first_byte_timeout"}
STATUSES = frozenset({502, 503, 504})

BACKOFF_BASE = 25 * MILLISECOND
BACKOFF_CAP = 10 * BACKOFF_BASE
LEAST_RETRIES = 3

TOKEN = 1000  # tokens are counted in thousandths
TOKENS_MAX = 10 * TOKEN
TOKENS_OPEN = 5 * TOKEN
TOKENS_PER_SUCCESS = TOKEN // 10


@dataclass(frozen=True, slots=True)
class Request:
    """`body`: bytes of its body, None where its length is not known yet; `kept`: all that was read of it was kept."""

    method: str
    body: int | None = 0
    kept: bool = True
    idempotency_key: bool = False
    answer_begun: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """`reason` of model.errors where the gateway ended the try, or the `status` of an answer; `shed`: it says so."""

    reason: str = ""
    status: int = 0
    shed: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests and retries of the window of an upstream, and its tokens in thousandths."""

    requests: int = 0
    retries: int = 0
    tokens: int = TOKENS_MAX


def refusal(request: Request, failure: Failure, tries: int, budget: Budget, params: Retry) -> str:
    """Why there is no further try after `tries`, in a few words; empty where there is one."""
    if tries >= params.attempts:
        return "attempts used up"
    if request.answer_begun:
        return "the answer has begun"
    if failure.shed:
        return "shed on purpose"
    if failure.reason not in MAY_PASS and failure.status not in STATUSES:
        return "not a failure that passes"
    if failure.reason not in NOT_SENT and request.method not in IDEMPOTENT and not request.idempotency_key:
        return "not idempotent"
    if request.body is None or request.body > params.max_body or not request.kept:
        return "body not kept"
    return budget_refusal(budget, params)


def budget_refusal(budget: Budget, params: Retry) -> str:
    if budget.tokens <= TOKENS_OPEN:
        return "too many failures lately"
    if budget.retries + 1 > most_retries(budget.requests, params):
        return "budget used up"
    return ""


def most_retries(requests: int, params: Retry) -> int:
    """Retries that a window of so many first tries allows."""
    return max(LEAST_RETRIES, requests * params.budget // WHOLE)


def after_success(budget: Budget) -> Budget:
    return replace(budget, tokens=min(TOKENS_MAX, budget.tokens + TOKENS_PER_SUCCESS))


def after_failure(budget: Budget) -> Budget:
    return replace(budget, tokens=max(0, budget.tokens - TOKEN))


def budget_of(window: tuple[int, int], tokens: int) -> Budget:
    """`window`: tries and retries among them, which are no requests of their own."""
    tries, retries = window
    return Budget(max(0, tries - retries), retries, tokens)


def backoff(tries: int, jitter: float) -> int:
    """Nanoseconds to wait after `tries` (from 1); `jitter` in [0, 1)."""
    return int(min(BACKOFF_BASE << min(tries - 1, 10), BACKOFF_CAP) * jitter)


def time_for_try(params: Retry, left: int) -> int:
    """Nanoseconds that one try may take; `left` of the request's whole time, 0 where that is not bounded."""
    given = [each for each in (params.per_try, left) if each]
    return min(given) if given else 0


def explain(request: Request, failure: Failure, tries: int, budget: Budget, params: Retry) -> Explanation:
    why = refusal(request, failure, tries, budget, params)
    observed = (f"try {tries} of {request.method} ended with {failure.reason or failure.status}; "
                f"{safeguards.percent(budget.retries, budget.requests)} retried, {budget.tokens / TOKEN:g} tokens")
    share = params.budget * 100 // WHOLE
    threshold = f"{params.attempts} attempts, {share} % retries, above {TOKENS_OPEN // TOKEN} tokens"
    return Explanation("retry", observed, threshold, f"no further try: {why}" if why else "another try")
