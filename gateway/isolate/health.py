"""Active health checks: what a row of checks says about an endpoint. Who asks, and when, is the worker's affair.

Theory of operation. A request to `path` every `every`; 200 to 399 within `timeout` is good. Neither a single good check
brings an endpoint in nor a single bad one takes it out: `rise` good ones in a row do, or `fall` bad ones (HAProxy's
words and defaults: rise 2, fall 3). An endpoint begins in: at start-up nothing is known, and a gateway that refuses all
traffic until it has asked is a slower gateway. Checks see what requests do not (an endpoint without traffic), requests
see what checks do not (a broken database behind a cheerful /healthz); so each may take an endpoint out, and it is
usable only if both leave it in. The panic rule of `ejection` holds over both.

The moment of the next check is spread by `jitter` in [-1, 1], up to 10 %, so that gateways do not ask in step.
"""

from dataclasses import dataclass, replace

from gateway.model import safeguards
from gateway.model.safeguards import Explanation, Health

GOOD_STATUS = range(200, 400)


@dataclass(frozen=True, slots=True)
class Checked:
    """`streak`: checks in a row that contradict `healthy`; `last`: what the last one found, for people."""

    healthy: bool = True
    streak: int = 0
    last: str = "not checked yet"


def is_good(status: int) -> bool:
    return status in GOOD_STATUS


def observe(checked: Checked, good: bool, found: str, params: Health) -> Checked:
    """After one more check; `found` such as `503` or `no answer within 1 s`."""
    if good == checked.healthy:
        return replace(checked, streak=0, last=found)
    needed = params.rise if good else params.fall
    if checked.streak + 1 >= needed:
        return Checked(healthy=good, last=found)
    return replace(checked, streak=checked.streak + 1, last=found)


def next_check(now: int, params: Health, jitter: float) -> int:
    return now + params.every + int(params.every * jitter / 10)


def explain(checked: Checked, params: Health) -> Explanation:
    rest = f", {checked.streak} in a row say otherwise" if checked.streak else ""
    every = safeguards.seconds(params.every)
    threshold = f"{params.rise} good in a row to come in, {params.fall} bad to go out, every {every}"
    return Explanation("health", f"{params.path} found {checked.last}{rest}", threshold,
                       "in" if checked.healthy else "out")
