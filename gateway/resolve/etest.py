"""Is the new plan worse than the old one? An anytime-valid test of two ratios: it may be looked at every second.

Both plans serve the same seconds, each its share. Of one second, with n requests of which y are bad, under any ratios
ta (old) and tb (new) that were chosen before that second:

    t0    = (na ta + nb tb) / (na + nb)
    ln E += ya ln(ta/t0) + (na-ya) ln((1-ta)/(1-t0)) + yb ln(tb/t0) + (nb-yb) ln((1-tb)/(1-t0))

While both are alike, whatever their common ratio is, E is at most 1 on average, so that it ever reaches 1/alpha with a
probability of at most alpha, however often one looks. ta is what the old plan has shown so far; tb is 3, 6 and 20
times that, and E is the weighted mean of the three. A second that only one plan served says nothing, and moves nothing:
time of day and the load of the moment are the same for both. Traffic of different times must not be compared with it.

Sources: algorithms.md 7.3; Turner, Ly and Grünwald, "Generic E-variables for exact sequential k-sample tests".
"""

import math
from dataclasses import dataclass

TIMES_WORSE = (3.0, 6.0, 20.0)
WEIGHTS = (0.3, 0.2, 0.5)  # half on the outright broken plan: there every second counts
LEAST, MOST = 5e-4, 0.9  # a ratio of 0 or 1 would make one request decide everything
PRIOR_BAD, PRIOR_SEEN = 0.1, 20  # as if 20 requests had been seen before, 0.5 % of them bad


@dataclass(frozen=True, slots=True)
class ETest:
    """`logs`: ln E of each alternative; `seen` and `bad`: of the old plan, in the seconds that both served."""

    logs: tuple[float, ...] = (0.0,) * len(TIMES_WORSE)
    seen: int = 0
    bad: int = 0

    @property
    def log_e(self) -> float:
        """ln E: 6 stands for 400 times more probable under "worse" than under "alike"."""
        highest = max(self.logs)
        return highest + math.log(sum(weight * math.exp(log - highest)
                                      for weight, log in zip(WEIGHTS, self.logs, strict=True)))

    @property
    def old_ratio(self) -> float:
        return min(max((self.bad + PRIOR_BAD) / (self.seen + PRIOR_SEEN), LEAST), MOST)

    def __repr__(self) -> str:
        return f"<ETest ln E {self.log_e:.2f}, old {self.bad} of {self.seen}>"


def step(test: ETest, old_seen: int, old_bad: int, new_seen: int, new_bad: int) -> ETest:
    """The test after one second. Raises ValueError where more are bad than there were."""
    if not (0 <= old_bad <= old_seen and 0 <= new_bad <= new_seen):
        raise ValueError(f"{old_bad} of {old_seen} and {new_bad} of {new_seen} cannot be bad")
    if old_seen == 0 or new_seen == 0:
        return test
    ta = test.old_ratio
    logs = tuple(log + _evidence(old_seen, old_bad, ta, new_seen, new_bad, min(MOST, times * ta))
                 for log, times in zip(test.logs, TIMES_WORSE, strict=True))
    return ETest(logs, test.seen + old_seen, test.bad + old_bad)


def _evidence(na: int, ya: int, ta: float, nb: int, yb: int, tb: float) -> float:
    """ln of the likelihood of one second under (ta, tb) against that under their mean."""
    t0 = (na * ta + nb * tb) / (na + nb)
    return (ya * math.log(ta / t0) + (na - ya) * math.log((1 - ta) / (1 - t0))
            + yb * math.log(tb / t0) + (nb - yb) * math.log((1 - tb) / (1 - t0)))
