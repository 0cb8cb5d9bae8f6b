"""How many failures of a cell are more than to be expected, and what naming it is worth.

    expected by its own rate   m_r = n (bh + kappa p0) / (nh + kappa)       shrunk towards the overall rate
    expected by volume         m_v = tau bh                                 where it had failures before
    excess                     E = b - min(m_r, m_v)
    worth                      J = E (K + ln(N / n))

b failures of n requests now, bh of nh before; N, Nh all requests now and before, tau = N / Nh. A located excess failure
earns ln(N/n) nats, how narrow its place is; an unexplained one loses K. So a cell is narrowed only where nearly all of
the excess comes along, however weak or strong the incident. The whole scores K E: the hypothesis "global", which wins
by construction where the failures rose everywhere alike.

Significance is a gate, never a rank: the likelihood ratio of two Poisson rates, in nats.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

NARROWNESS = 4.0
"""K; a plateau from 1.5 to 6."""
PSEUDO_REQUESTS = 20.0
"""kappa: how many requests at the overall rate a cell's own history must outweigh."""
SIGNIFICANT_NATS = 6.0
LEAST_HISTORY_FAILURES = 3.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Of many cells at once: failures and requests now, then before."""

    bad: Numbers
    count: Numbers
    bad_before: Numbers
    count_before: Numbers

    def take(self, chosen: NDArray[np.intp]) -> "Counts":
        return Counts(self.bad[chosen], self.count[chosen], self.bad_before[chosen], self.count_before[chosen])


@dataclass(frozen=True, slots=True)
class Whole:
    """The incident as a whole: all counts, and the rate that is taken as usual."""

    bad: float
    count: float
    bad_before: float
    count_before: float
    usual: float
    pseudo: float = PSEUDO_REQUESTS

    @property
    def volume(self) -> float:
        """tau: requests now for each one before."""
        return self.count / self.count_before if self.count_before else 0.0

    @property
    def excess(self) -> float:
        """Never under three standard deviations: a rise here can hide behind a fall elsewhere."""
        return max(self.bad - self.count * self.usual, 3 * math.sqrt(self.bad))


def whole(bad: float, count: float, bad_before: float, count_before: float) -> Whole:
    """Without any history the rate of the incident itself is the usual one, and all that a cell is held against."""
    if not count_before:
        return Whole(bad, count, 0.0, 0.0, bad / count if count else 0.0, 1e6)
    return Whole(bad, count, bad_before, count_before, (bad_before + 0.5) / (count_before + 1))


def expected(cells: Counts, of: Whole) -> Numbers:
    by_rate = cells.count * (cells.bad_before + of.pseudo * of.usual) / (cells.count_before + of.pseudo)
    known = cells.bad_before >= LEAST_HISTORY_FAILURES
    return np.where(known, np.minimum(by_rate, of.volume * cells.bad_before), by_rate)


def worth(excess: Numbers | float, count: Numbers | float, of: Whole) -> Numbers:
    """J of cells, or of unions of them, that hold `count` requests."""
    return np.asarray(excess * (NARROWNESS + np.log(of.count / np.maximum(count, 1e-9))))


def evidence(cells: Counts, of: Whole) -> Numbers:
    """G in nats: by its rate against its own past, or by its failures against its own past, the larger."""
    shrunk_bad = cells.bad_before + of.pseudo * of.usual
    shrunk_count = cells.count_before + of.pseudo
    by_rate = np.where(cells.bad * shrunk_count > cells.count * shrunk_bad,
                       two_rates(cells.bad, cells.count, shrunk_bad, shrunk_count), 0.0)
    if not of.count_before:
        return by_rate
    by_volume = np.where(cells.bad > of.volume * cells.bad_before,
                         two_rates(cells.bad, of.count, cells.bad_before, of.count_before), 0.0)
    return np.maximum(by_rate, by_volume)


def two_rates(bad: Numbers | float, count: Numbers | float, bad_before: Numbers | float,
              count_before: Numbers | float) -> Numbers:
    """Log likelihood ratio of two Poisson rates against one."""
    common = (np.asarray(bad) + bad_before) / np.maximum(np.asarray(count) + count_before, 1e-9)
    return _part(bad, count * common) + _part(bad_before, count_before * common)


def _part(seen: Numbers | float, mean: Numbers | float) -> Numbers:
    """seen ln(seen / mean), 0 where nothing was seen (a weight so small is nothing)."""
    some = np.asarray(seen) > 1e-9
    return np.where(some, seen * np.log(np.where(some, seen, 1.0) / np.maximum(mean, 1e-300)), 0.0)


def least_failures(target: float, excess: float, count: float, of: Whole) -> float:
    """The fewest further failures with which a union of this excess and count could reach `target`.

    As if all of them were excess and no other request came along, so a true lower bound. J grows with b for K > 1.
    """
    def reach(more: float) -> float:
        return (excess + more) * (NARROWNESS + math.log(of.count / max(count + more, 1e-9)))

    low, high = 0.0, max(of.bad, 1.0)
    if reach(high) < target:
        return math.inf
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if reach(middle) < target else (low, middle)
    return high
