"""What a detector can not see, at the traffic a route has: the smallest lasting change that it finds within ten
minutes.

The same statistic at its mean, so half of the changes of this size are found sooner: a guide, not a promise.
"""

import math

import numpy as np

from gateway.detect.columns import Numbers
from gateway.detect.counts import FACTORS, LEAST_EXPECTED, LEAST_MORE, MINUTE
from gateway.detect.ratios import MARGIN

TICKS = 60
RISES = np.concatenate([np.arange(1.1, 3, 0.1), np.arange(3, 10, 0.5), np.arange(10, 101, 5)])
SHARES = np.concatenate([np.arange(0.001, 0.01, 0.001), np.arange(0.01, 0.1, 0.01), np.arange(0.1, 1.01, 0.05)])


def smallest_rise(mu: float, noise: float, threshold: float) -> float:
    """A factor; inf where not even 100 times as many would be seen. `mu`: requests in ten seconds, `noise`: phi."""
    gain = mu * (RISES * np.log(FACTORS[:2]) - (FACTORS[:2] - 1)) / noise
    best = (TICKS * np.minimum(gain, threshold / 3)).max(axis=0)
    seen = best >= threshold + math.log(2)
    return _first(RISES, seen & ((RISES - 1) * mu * MINUTE >= LEAST_MORE) & (RISES > 1.3), math.inf)


def sees_silence(mu: float, noise: float, threshold: float) -> bool:
    """Whether a route that falls silent is noticed in ten minutes."""
    return mu >= LEAST_EXPECTED and TICKS * mu * 0.9 / noise >= threshold + math.log(2)


def smallest_share(count: float, usual: float, threshold: float, noise: float = MARGIN) -> float:
    """The lowest share of errors, inf where not even all of them would be seen. `count`: requests in ten seconds."""
    base = min(max(usual, 0.001), 0.5)
    worse = np.array([max(3 * base, 0.02), max(10 * base, 0.1), 0.5])[:, None]
    worse = np.minimum(worse, 0.95)
    gain = count * (SHARES * np.log(worse / base) + (1 - SHARES) * np.log((1 - worse) / (1 - base))) / noise
    best = (TICKS * np.minimum(gain, threshold / 3)).max(axis=0)
    seen = best >= threshold + math.log(3)
    return _first(SHARES, seen & np.greater(SHARES, usual), math.inf)


def _first(values: Numbers, wanted: np.ndarray, otherwise: float) -> float:
    return float(values[np.argmax(wanted)]) if wanted.any() else otherwise
