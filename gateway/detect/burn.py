"""Burn rates of a route's objective: several windows, several rates, gated by a minimum of errors.

    burn = share of bad requests / (1 - objective)       1: the budget of 30 days is used up in 30 days

| severity | long | short | burn | uses of the 30-day budget |
|---|---|---|---|---|
| page | 1 h | 5 min | 14.4 | 2 % |
| page | 6 h | 30 min | 6 | 5 % |
| ticket | 1 d | 2 h | 3 | 10 % |
| ticket | 3 d | 6 h | 1 | 10 % |

Both windows must burn: the long one says that it matters, the short one that it still goes on. At least ten bad
requests in the long window: without that gate a route of three requests a minute pages 47 times a month for nothing.
Source: Google's SRE workbook, "Alerting on SLOs"; the gate: algorithms.md 2.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Numbers

MINUTE, HOUR, DAY = 60, 3_600, 86_400
LEAST_BAD = 10
PARTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    severity: str
    long: int
    short: int
    burn: float


RULES = (Rule("page", HOUR, 5 * MINUTE, 14.4), Rule("page", 6 * HOUR, 30 * MINUTE, 6.0),
         Rule("ticket", DAY, 2 * HOUR, 3.0), Rule("ticket", 3 * DAY, 6 * HOUR, 1.0))
WINDOWS = tuple(sorted({window for rule in RULES for window in (rule.long, rule.short)}))
"""Seconds: the sums that `burning` wants to know."""
CALM = -1


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one window, for each route: all requests, and those that its objective calls bad."""

    requests: Numbers
    bad: Numbers


def rate(seen: Sums, success: Numbers) -> Numbers:
    """`success`: the objectives in parts per million; 0 where that is all of them, which cannot be measured."""
    allowed = 1 - success / PARTS
    share = seen.bad / np.maximum(seen.requests, 1)
    return np.where(allowed > 0, share / np.where(allowed > 0, allowed, 1), 0.0)


def burning(windows: Mapping[int, Sums], success: Numbers) -> NDArray[np.intp]:
    """Of each route the number of the first of RULES that holds, CALM where none does."""
    found = np.full(len(success), CALM)
    for number in range(len(RULES) - 1, -1, -1):
        rule = RULES[number]
        long, short = windows[rule.long], windows[rule.short]
        burns = np.minimum(rate(long, success), rate(short, success)) >= rule.burn
        found[(long.bad >= LEAST_BAD) & burns] = number
    return found
