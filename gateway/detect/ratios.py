"""The share of errors, or of slow answers: the same statistic for binomial counts.

    p0 = p^ + 2 standard errors, within 0.1 % and 50 %          p^: half-life of a day, five minutes behind
    p1 = max(3 p0, 2 %), max(10 p0, 10 %), 50 %
    l  = min(h/3, (y ln(p1/p0) + (n-y) ln((1-p1)/(1-p0))) / phi)
    phi = 1.3 max(1, variance over binomial, of single ticks and of 30)

At least three errors since the onset. What is accepted after an hour is forgotten within hours, not days: an outage
is not the new normal. Source: algorithms.md 2.3. No real labelled ratios were at hand: measured on simulated months
only.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect import persistence, watch
from gateway.detect.columns import Columns, Numbers, half_life
from gateway.detect.watch import Watch

LAG = 30
MINUTE = 6
LEAST_ERRORS = 3
DAY_GAIN = float(half_life(8640.0))
RECENT_GAIN = float(half_life(30.0))
MARGIN = 1.3
BLOCKS = np.array([1.0, 30.0])[:, None]
HOUR_TICKS = 360
DOUBT = 1 / 3

Flags = NDArray[np.bool_]


class State(Columns):
    WIDTHS: ClassVar = {"log": 3, "late_bad": LAG, "late_count": LAG, "minute": MINUTE, "minute_count": MINUTE,
                        "run_bad": 2, "run_mean": 2, "run_variance": 2, "run_ticks": 2, "spread": 2}
    START: ClassVar = {"log": persistence.LEAST, "spread": 1.0}
    log: Numbers
    since_onset: Numbers
    bad: Numbers
    count: Numbers
    late_bad: Numbers
    late_count: Numbers
    minute: Numbers
    minute_count: Numbers
    recent_bad: Numbers
    recent_count: Numbers
    run_bad: Numbers
    run_mean: Numbers
    run_variance: Numbers
    run_ticks: Numbers
    spread: Numbers


@dataclass(frozen=True, slots=True)
class Seen:
    """Of every series. `share`: in the last minute; `usual`: p^; `excess`: nats beyond the threshold."""

    alarm: Flags
    opened: Flags
    excess: Numbers
    share: Numbers
    usual: Numbers
    onset: Numbers


class Ratios:
    """One ratio of many series, all at the same ticks."""

    def __init__(self, count: int) -> None:
        self.state, self.watch = State(count), Watch(count)

    def observe(self, at: float, bad: Numbers, count: Numbers, threshold: Numbers,
                frozen: Flags | bool = False) -> Seen:
        """`bad` of `count` requests; `threshold`: h of each series; `frozen`: an incident is open, do not learn."""
        state = self.state
        usual = (state.bad + 0.5) / (state.count + 1)
        base = np.clip(usual + 2 * np.sqrt(usual * (1 - usual) / (state.count + 1)), 0.001, 0.5)
        noise = MARGIN * np.maximum(1, state.spread.max(axis=0))
        state.log[...] = persistence.accumulated(state.log, np.minimum(_evidence(bad, count, base) / noise,
                                                                       threshold / 3), 2 * threshold)
        mixed = persistence.mixed(state.log)
        watch.note_onset(self.watch, at, mixed, threshold * DOUBT)
        self._remember(bad, count)
        state.since_onset[...] = np.where(mixed > 0, state.since_onset + bad, 0)
        band = count * base + 3 * np.sqrt(noise * count * base * (1 - base)) + 1
        beyond = (mixed >= threshold) & (state.since_onset >= LEAST_ERRORS)
        opened, closed = watch.turn(self.watch, beyond, (bad <= band) & (count > 0))
        doubtful, accepted = watch.doubt(self.watch, mixed, threshold * DOUBT, frozen)
        np.copyto(state.log, persistence.LEAST, where=opened | closed | accepted)
        self._learn(at, np.minimum(bad, band), count, usual, ~doubtful, accepted)
        share = state.minute.sum(axis=0) / np.maximum(state.minute_count.sum(axis=0), 1)
        return Seen(self.watch.alarm > 0, opened, mixed - threshold, share, usual, self.watch.onset.copy())

    def rebase(self, rows: NDArray[np.intp], share: Numbers) -> None:
        """What counts as bad has changed for these series: `share` of the requests is usual from now on."""
        state = self.state
        state.bad[rows] = state.count[rows] * share
        state.late_bad[:, rows] = state.late_count[:, rows] * share
        state.log[:, rows] = persistence.LEAST
        self.watch.alarm[rows] = 0

    def _remember(self, bad: Numbers, count: Numbers) -> None:
        state = self.state
        for minute, last in ((state.minute, bad), (state.minute_count, count)):
            minute[:-1] = minute[1:]
            minute[-1] = last
        state.recent_bad += RECENT_GAIN * (bad - state.recent_bad)
        state.recent_count += RECENT_GAIN * (count - state.recent_count)

    def _learn(self, at: float, tame: Numbers, count: Numbers, usual: Numbers, learning: Flags,
               accepted: Flags) -> None:
        """What is learned now happened five minutes ago, when nobody doubted yet."""
        state, place = self.state, int(at // 10) % LAG
        gain = np.where(learning, DAY_GAIN, 0.0)
        state.bad += gain * (state.late_bad[place] / DAY_GAIN - state.bad)
        state.count += gain * (state.late_count[place] / DAY_GAIN - state.count)
        state.late_bad[place], state.late_count[place] = tame, count
        self._learn_spread(tame, count, usual, learning)
        if accepted.any():
            self._accept(accepted)

    def _learn_spread(self, tame: Numbers, count: Numbers, usual: Numbers, learning: Flags) -> None:
        state = self.state
        known = learning & (self.watch.age > HOUR_TICKS)
        state.run_bad += np.where(known, tame, 0.0)
        state.run_mean += np.where(known, count * usual, 0.0)
        state.run_variance += np.where(known, count * usual * (1 - usual), 0.0)
        state.run_ticks += known
        full = state.run_ticks >= BLOCKS
        found = (state.run_bad - state.run_mean) ** 2 / (state.run_variance + 0.25)
        found = np.minimum(found, 9 * np.maximum(state.spread, 1))
        gain = np.minimum(half_life(8640 / BLOCKS) * np.where(self.watch.age < 3 * 8640, 4, 1), 0.5)
        state.spread += np.where(full, gain * (found - state.spread), 0.0)
        for run in (state.run_bad, state.run_mean, state.run_variance, state.run_ticks):
            np.copyto(run, 0.0, where=full)

    def _accept(self, accepted: Flags) -> None:
        state = self.state
        share = state.recent_bad / np.maximum(state.recent_count, 1e-9)
        weight = np.minimum(state.count, state.recent_count * HOUR_TICKS)
        state.bad[...] = np.where(accepted, share * weight, state.bad)
        state.count[...] = np.where(accepted, weight, state.count)


def _evidence(bad: Numbers, count: Numbers, base: Numbers) -> Numbers:
    worse = np.stack([np.maximum(3 * base, 0.02), np.maximum(10 * base, 0.1), np.maximum(0.5, base)])
    worse = np.minimum(worse, 0.95)
    return np.asarray(bad * np.log(worse / base) + (count - bad) * np.log((1 - worse) / (1 - base)))
