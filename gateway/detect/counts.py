"""Request rate, up and down: tempered Shiryaev-Roberts on ten-second counts.

    l(d) = min(h/3, (n ln d - mu (d-1)) / phi)        d = 1.5, 3 up; 0.5, 0.1 down
    r_d  = softplus(r_d) + l(d)                       R = ln mean e^r over the two of a side
    alarm: R >= h, and a guard

mu: baseline.py; phi: dispersion.py, by which the likelihood ratio of Poisson counts is tempered; h: threshold.py. The
cap of h/3 makes three ticks (30 s) the fastest alarm. Guards, over the last minute: up N > 1.3 U and N - U >= 20;
down N < 0.75 U and at least 5 requests expected in ten minutes (a silent route is no outage). Source: algorithms.md
2.3.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect import baseline, dispersion, persistence, watch
from gateway.detect.baseline import Baseline
from gateway.detect.columns import Columns, Numbers
from gateway.detect.dispersion import Dispersion
from gateway.detect.watch import Watch

FACTORS = np.array([1.5, 3.0, 0.5, 0.1])[:, None]
UP, DOWN = slice(0, 2), slice(2, 4)
MINUTE = 6
LEAST_EXPECTED = 5 / 60
LEAST_MORE = 20
DOUBT = 1 / 2
"""Share of the threshold from which on the level is not learned. A third would keep it still during every wander, and
makes up to 38 false alarms a month of it."""

Flags = NDArray[np.bool_]


class Evidence(Columns):
    WIDTHS: ClassVar = {"log": 4, "count": MINUTE, "mean": MINUTE}
    START: ClassVar = {"log": persistence.LEAST}
    log: Numbers
    count: Numbers
    mean: Numbers


@dataclass(frozen=True, slots=True)
class Seen:
    """Of every series. `excess`: nats beyond the threshold, of the side `up` says."""

    alarm: Flags
    opened: Flags
    up: Flags
    excess: Numbers
    count: Numbers
    expected: Numbers
    onset: Numbers
    """Counted and expected in the last minute."""


class Counts:
    """The rate of many series, all at the same ticks."""

    def __init__(self, count: int) -> None:
        self.baseline, self.dispersion = Baseline(count), Dispersion(count)
        self.evidence, self.watch = Evidence(count), Watch(count)

    def observe(self, at: float, count: Numbers, threshold: Numbers, frozen: Flags | bool = False) -> Seen:
        """`at`: UTC seconds; `threshold`: h of each series; `frozen`: an incident is open, do not learn."""
        evidence, state = self.evidence, self.watch
        base = baseline.profile(self.baseline, at)
        mu = baseline.expected(self.baseline, base)
        noise = dispersion.factor(self.dispersion, mu)
        fits = baseline.explained(self.baseline, base, count, noise)
        more = (count * np.log(FACTORS) - mu * (FACTORS - 1)) / noise
        evidence.log[...] = persistence.accumulated(evidence.log, np.where(fits, np.minimum(more, 0),
                                                    np.minimum(more, threshold / 3)), 2 * threshold)
        up, down = persistence.mixed(evidence.log[UP]), persistence.mixed(evidence.log[DOWN])
        strongest = np.maximum(up, down)
        watch.note_onset(state, at, strongest, threshold * DOUBT)
        beyond = self._guarded(count, mu, up >= threshold, down >= threshold)
        band = 3 * np.sqrt(noise * mu) + 1
        opened, closed = watch.turn(state, beyond, (np.abs(count - mu) <= band) | fits)
        doubtful, accepted = watch.doubt(state, strongest, threshold * DOUBT, frozen)
        np.copyto(evidence.log, persistence.LEAST, where=opened | closed | accepted)
        noticing = (state.alarm == 0) & ~np.asarray(frozen)
        self._learn(at, base, count, mu, band, ~doubtful, noticing, accepted)
        return Seen(state.alarm > 0, opened, evidence.count.sum(axis=0) >= evidence.mean.sum(axis=0),
                    strongest - threshold, evidence.count.sum(axis=0), evidence.mean.sum(axis=0), state.onset.copy())

    def _guarded(self, count: Numbers, mu: Numbers, up: Flags, down: Flags) -> Flags:
        evidence = self.evidence
        for minute, last in ((evidence.count, count), (evidence.mean, mu)):
            minute[:-1] = minute[1:]
            minute[-1] = last
        seen, usual = evidence.count.sum(axis=0), evidence.mean.sum(axis=0)
        enough = (seen > 1.3 * usual) & (seen - usual >= LEAST_MORE)
        fewer = (mu >= LEAST_EXPECTED) & (seen < 0.75 * usual)
        return np.asarray((up & enough) | (down & fewer))

    def _learn(self, at: float, base: Numbers, count: Numbers, mu: Numbers, band: Numbers, learning: Flags,
               noticing: Flags, accepted: Flags) -> None:
        """The level stands still while there is doubt, the noise (`noticing`) only while there is an alarm: what is
        learned of quiet times only is too little."""
        known = self.baseline
        tame = np.where(known.age < baseline.TICKS_A_DAY, count, np.clip(count, mu - band, mu + band))
        dispersion.learn(self.dispersion, tame, mu, known.age, noticing)
        known.recent += baseline.RECENT_GAIN * (count - known.recent)
        if accepted.any():
            dispersion.beware(self.dispersion, baseline.accept(known, base, accepted))
        baseline.learn(known, at, base, tame, learning & ~accepted)
