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


@dataclass(frozen=True, slots=True)
class Sum:
    """Of one window: all requests, and those that the objective calls bad (failed, or slower than `under`)."""

    requests: int
    bad: int


@dataclass(frozen=True, slots=True)
class Burn:
    rule: Rule
    long: float
    short: float


def rate(seen: Sum, success: int) -> float:
    """`success`: the objective in parts per million, less than all."""
    return seen.bad / seen.requests / (1 - success / PARTS) if seen.requests else 0.0


def burning(windows: Mapping[int, Sum], success: int) -> Burn | None:
    """The first rule that holds, the most urgent first. A window that is not known yet holds nothing."""
    if success >= PARTS:
        return None
    for rule in RULES:
        long, short = windows.get(rule.long, Sum(0, 0)), windows.get(rule.short, Sum(0, 0))
        if long.bad >= LEAST_BAD and min(rate(long, success), rate(short, success)) >= rule.burn:
            return Burn(rule, rate(long, success), rate(short, success))
    return None
