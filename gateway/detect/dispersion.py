"""How much more a count varies than Poisson, over long runs too: the detail that decides about false alarms.

    s2_b = EWMA of ((N - U)^2 - U) / U^2      N, U: counted and expected in blocks of 10 s, 5 min, 30 min
    phi  = 1.3 (1 + mu max_b(b s2_b))

Traffic wanders: what looks quiet from one tick to the next may be 20 % off for half an hour. A variance of single ticks
only gave 7 to 9 false alarms a month where these three scales gave less than one (algorithms.md 2.3, 2.4).
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Columns, Numbers, half_life

BLOCKS = np.array([1.0, 30.0, 180.0])[:, None]
TICKS_A_DAY = 8640
MARGIN = 1.3
CAUTION = 0.02
"""s2 of a level that was just accepted: 14 % of noise at every scale, until it is known."""


class Dispersion(Columns):
    WIDTHS: ClassVar = {"spread": 3, "counted": 3, "expected": 3, "ticks": 3}
    spread: Numbers
    counted: Numbers
    expected: Numbers
    ticks: Numbers


def factor(dispersion: Dispersion, mu: Numbers) -> Numbers:
    """phi: by what the log likelihood ratio of Poisson counts is divided."""
    worst = (BLOCKS * np.maximum(dispersion.spread, 0)).max(axis=0)
    return np.asarray(MARGIN * (1 + mu * worst))


def learn(dispersion: Dispersion, count: Numbers, mu: Numbers, age: Numbers, learning: NDArray[np.bool_]) -> None:
    """`age`: ticks since the series began; faster in its first three days, not at all in its first hour."""
    counting = learning & (age >= TICKS_A_DAY / 24)
    dispersion.counted += np.where(counting, count, 0.0)
    dispersion.expected += np.where(counting, mu, 0.0)
    dispersion.ticks += counting
    full = dispersion.ticks >= BLOCKS
    spread, seen = dispersion.spread, np.maximum(dispersion.expected, 1e-9)
    found = ((dispersion.counted - seen) ** 2 - seen) / seen ** 2
    found = np.minimum(found, 9 * (np.maximum(spread, 0) + 1 / seen))
    haste = np.where(age < 3 * TICKS_A_DAY, 4.0, 1.0)
    gain = half_life(TICKS_A_DAY / BLOCKS) * haste
    spread += np.where(full, np.minimum(gain, 0.5) * (found - spread), 0.0)
    for blocks in (dispersion.counted, dispersion.expected, dispersion.ticks):
        np.copyto(blocks, 0.0, where=full)


def beware(dispersion: Dispersion, where: NDArray[np.bool_]) -> None:
    """Nothing is known about the noise of a level that was just accepted."""
    np.maximum(dispersion.spread, CAUTION, out=dispersion.spread, where=where)
