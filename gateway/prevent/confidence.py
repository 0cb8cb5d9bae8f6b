"""How many a month, honestly: the exact bounds of a rate of which a few events, or none, were seen.

Garwood, F. (1936), Fiduciary limits for the Poisson distribution: of k events the bounds are the means at which so
many or so few would be seen with probability alpha, one-sided each. With none seen in D days: the rule of three, 3 / D.
"""

import math
from collections.abc import Callable

MONTH_DAYS = 30.0
STEPS = 200


def upper(events: int, alpha: float = 0.05) -> float:
    """The mean at which `events` or fewer are seen with probability `alpha`."""
    return _solved(lambda mean: at_most(events, mean) - alpha, 10.0 * (events + 5))


def lower(events: int, alpha: float = 0.05) -> float:
    """The mean at which `events` or more are seen with probability `alpha`; 0 for none."""
    if events == 0:
        return 0.0
    return _solved(lambda mean: alpha - (1 - at_most(events - 1, mean)), 10.0 * (events + 5))


def at_most(events: int, mean: float) -> float:
    """Probability of `events` or fewer, of a Poisson distribution."""
    term = total = math.exp(-mean)
    for each in range(1, events + 1):
        term *= mean / each
        total += term
    return min(total, 1.0)


def a_month(events: int, days: float) -> tuple[float, float, float]:
    """(point, lower, upper) of the rate of events a month, of which so many were seen in so many days; one-sided 95 %.

    Raises ValueError without a day.
    """
    if days <= 0:
        raise ValueError("nothing was looked at")
    scale = MONTH_DAYS / days
    return events * scale, lower(events) * scale, upper(events) * scale


def _solved(falls: Callable[[float], float], high: float) -> float:
    """The root of a function that falls, between 0 and `high`."""
    low = 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if falls(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
