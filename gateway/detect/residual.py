"""The learned-tail form, for one sample a minute or slower: counts per minute, latency percentiles.

    y = 2 sqrt(n + 3/8) of a count, sqrt |v| of a gauge        variance-stable: a busy hour is not noisier
    z = (y - forecast) / scale                                 experts.py
    p = the learned tail of z                                  tail.py: no Gaussian, no Poisson
    alarm at once    ln p < -(h0 + d)
    alarm by lasting R >= hs + d                               tail-rank Shiryaev-Roberts over both sides, eps .5 and
    .2,
                                                               tempered by how much longer runs of z vary than single
                                                               ones

Suspicious samples are winsorised and do not move baselines, but never for ever: after an hour (six samples) the present
level is accepted. `d` (gauges) rises by one nat with each alarm and halves in a week: what is alarming again and again
is how the series behaves. No alarm in the first 48 hours.
Source: the detector G of the project's study on labelled series (detectors.md 2.1), but for the nat, which was half of
one there: a series that spikes every eight hours was a false alarm each time. 1, 1.5 and 2 are alike on the labelled
gauges, and better than 0.5 in each group.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gateway.detect import experts, persistence, tail
from gateway.detect.columns import EVERY, Columns, Numbers, Rows, half_life
from gateway.detect.experts import DAY, Experts, Pace
from gateway.detect.tail import BEYOND, Tail, TailKind

MONTH = 30 * DAY
WARM_UP = 2 * DAY
POWERS = np.array([0.5, 0.2]).reshape(1, 2, 1)
BETS = 4
"""Two sides with two powers each."""
BLOCKS_OF_MINUTES, BLOCKS_OF_HOURS = (1, 5, 30), (1, 3, 12)


@dataclass(frozen=True, slots=True)
class Kind:
    """One fixed setting for all series of a kind. `slowness`, `sharpness`: see experts; `floor`: least scale,
    absolute and by level; `run_noise`: weight of the variance of runs; `suspicion`: share of hs from which on nothing
    is learned; `control`: nats that an alarm adds to d."""

    counts: bool
    slowness: float
    sharpness: float
    floor: tuple[float, float]
    run_noise: float
    suspicion: float
    control: float
    tail: TailKind


COUNT = Kind(True, 4, 6, (2.0, 0.02), 4, 0.5, 0.0, TailKind(5, 50, 0.3))
GAUGE = Kind(False, 2, 4, (0.0, 0.2), 1, 1.0, 1.0, TailKind(3, 100, 0.2))


class State(Columns):
    WIDTHS: ClassVar = {"evidence": BETS, "run": 3, "run_length": 3, "run_variance": 3}
    START: ClassVar = {"evidence": persistence.LEAST}
    samples: Numbers
    scale: Numbers
    magnitude: Numbers
    evidence: Numbers
    run: Numbers
    run_length: Numbers
    run_variance: Numbers
    raised: Numbers
    """d: by how much both thresholds stand higher, after alarms."""
    alarmed: Numbers
    doubtful: Numbers
    """Suspicious samples less unsuspicious ones, at least 0."""
    onset: Numbers
    """When nothing was suspicious last, seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of each series that had a sample. `excess` >= 0 is an alarm: nats beyond the threshold; `up`: on which side."""

    alarm: NDArray[np.bool_]
    excess: Numbers
    up: NDArray[np.bool_]
    expected: Numbers
    suspicious: NDArray[np.bool_]
    onset: Numbers


class Residuals:
    """Many series of one kind. `spacing`: seconds between samples; `budget`: false alarms a month, of each series."""

    def __init__(self, kind: Kind, spacing: Numbers, budget: Numbers) -> None:
        self.kind, self.spacing, self.budget = kind, spacing, budget
        count = len(spacing)
        self.state, self.experts, self.tail = State(count), Experts(count), Tail(count)
        self.pace = Pace.of(spacing, kind.slowness)
        per_month = MONTH / spacing
        self.at_once = np.log(2 * per_month / (budget / 2))
        self.lasting = np.log(per_month / (budget / 2))
        self.run_gain = half_life(3 * DAY / spacing)
        minutes = spacing <= 600
        self.block = np.where(minutes, np.array(BLOCKS_OF_MINUTES)[:, None], np.array(BLOCKS_OF_HOURS)[:, None])
        self.patience = np.maximum(3600 / spacing, 6)
        self.fading = half_life(7 * DAY / spacing)
        self.steepest = np.where(spacing < 60, 3.0, 1.0)

    def __len__(self) -> int:
        return len(self.state)

    def observe(self, at: Numbers | float, value: Numbers, rows: Rows = EVERY, lowered: Numbers | float = 0.0,
                frozen: NDArray[np.bool_] | bool = False) -> Seen:
        """One sample of each of `rows`. `at`: UTC seconds; `lowered`: thresholds lowered by people's reports, nats;
        `frozen`: do not learn (an incident is open)."""
        state, known, tails = self.state.part(rows), self.experts.part(rows), self.tail.part(rows)
        step = _Step(self, rows, state, known, tails)
        seen = step.run(np.broadcast_to(np.asarray(at, dtype=np.float64), value.shape), value, lowered, frozen)
        self.state.put(rows, state)
        self.experts.put(rows, known)
        self.tail.put(rows, tails)
        return seen

    def to_bytes(self) -> tuple[bytes, bytes, bytes]:
        return self.state.to_bytes(), self.experts.to_bytes(), self.tail.to_bytes()

    def restore(self, kept: tuple[bytes, bytes, bytes]) -> Self:
        """Raises ValueError where it does not fit; nothing is changed then."""
        found = State.from_bytes(kept[0]), Experts.from_bytes(kept[1]), Tail.from_bytes(kept[2])
        if {len(each) for each in found} != {len(self)}:
            raise ValueError("kept for another number of series")
        self.state, self.experts, self.tail = found
        return self


class _Step:
    """One sample of some series, in the order in which it is thought about."""

    def __init__(self, bank: Residuals, rows: Rows, state: State, known: Experts, tails: Tail) -> None:
        self.bank, self.rows, self.kind = bank, rows, bank.kind
        self.state, self.experts, self.tail = state, known, tails
        self.pace = bank.pace.take(rows)

    def run(self, at: Numbers, value: Numbers, lowered: Numbers | float, frozen: NDArray[np.bool_] | bool) -> Seen:
        state, kind = self.state, self.kind
        y = transformed(value, kind)
        experts.roll(self.experts, at, self.pace)
        told = experts.forecast(self.experts, state.scale, kind.sharpness)
        usual = np.where(state.samples > 0, told.mixed, y)
        unit = np.maximum(1.25 * state.scale, kind.floor[0] + kind.floor[1] * state.magnitude) + 1e-9
        z = (y - usual) / unit
        sides = np.stack([z, -z])
        log_p = tail.log_p(self.tail, sides)
        warm = state.samples >= WARM_UP / self.bank.spacing[self.rows]
        at_once = log_p + self._threshold(self.bank.at_once, lowered) < 0
        evidence = self._lasting(sides, log_p)
        excess = np.maximum(-log_p.min(axis=0) - self._threshold(self.bank.at_once, lowered),
                            evidence - self._threshold(self.bank.lasting, lowered))
        tail.learn(self.tail, sides, at_once, state.samples, kind.tail)
        suspicious = at_once.any(axis=0) | (evidence > kind.suspicion * self.bank.lasting[self.rows]) | frozen
        self._learn(told, y, usual, unit, z, suspicious)
        self._controlled(warm & (excess >= 0))
        state.onset[...] = np.where((state.onset == 0) | ~suspicious, at, state.onset)
        state.samples += 1
        return Seen(warm & (excess >= 0), excess, z > 0, restored(usual, kind), suspicious, state.onset.copy())

    def _threshold(self, whole: Numbers, lowered: Numbers | float) -> Numbers:
        return whole[self.rows] + self.state.raised - lowered

    def _lasting(self, sides: Numbers, log_p: Numbers) -> Numbers:
        """R; what a tick adds is at most hs / steepest."""
        state, most = self.state, self.bank.lasting[self.rows]
        beyond = (log_p < 0)[:, None]
        gained = np.log(POWERS) + (POWERS - 1) * log_p[:, None]
        tempered = np.where(gained > 0, gained / self._run_noise(), gained)
        lost = np.log((1 - BEYOND ** POWERS) / (1 - BEYOND))
        step = np.minimum(np.where(beyond, tempered, lost), most / self.bank.steepest[self.rows])
        state.evidence[...] = persistence.accumulated(state.evidence, step.reshape(BETS, -1), 2 * most)
        return np.asarray(state.evidence.max(axis=0) - math.log(BETS))

    def _run_noise(self) -> Numbers:
        return np.asarray(np.maximum(1.0, self.kind.run_noise * self.state.run_variance.max(axis=0)))

    def _learn(self, told: experts.Forecast, y: Numbers, usual: Numbers, unit: Numbers, z: Numbers,
               suspicious: NDArray[np.bool_]) -> None:
        state, pace = self.state, self.pace
        first_day = state.samples < DAY / self.bank.spacing[self.rows]
        learning = ~suspicious | first_day
        tame = np.where(first_day, y, np.clip(y, usual - 6 * unit, usual + 6 * unit))
        most = np.where(state.samples == 0, 0.0, np.where(first_day, np.inf, 8 * unit))
        experts.score(self.experts, told, y, most, pace, learning)
        experts.learn(self.experts, told, tame, usual, pace, learning)
        gain = np.where(learning, np.maximum(pace.day, 1 / (state.samples + 1)), 0.0)
        state.scale += gain * (np.abs(tame - usual) - state.scale)
        state.magnitude += gain * (np.abs(tame) - state.magnitude)
        self._learn_runs(z, learning)
        self._accept(told, y, usual, suspicious)

    def _learn_runs(self, z: Numbers, learning: NDArray[np.bool_]) -> None:
        state = self.state
        state.run += np.where(learning, np.clip(z, -4, 4), 0.0)
        state.run_length += learning
        block = self.bank.block[:, self.rows]
        full = state.run_length >= block
        spread = np.minimum(state.run ** 2 / block, 9 * np.maximum(state.run_variance, 1))
        blocks_seen = np.maximum((state.samples + 1) / block, 1)
        gain = np.maximum(np.minimum(self.bank.run_gain[self.rows] * block, 1), 1 / blocks_seen)
        state.run_variance[...] += np.where(full, gain * (spread - state.run_variance), 0.0)
        np.copyto(state.run, 0.0, where=full)
        np.copyto(state.run_length, 0.0, where=full)

    def _accept(self, told: experts.Forecast, y: Numbers, usual: Numbers, suspicious: NDArray[np.bool_]) -> None:
        state = self.state
        state.doubtful[...] = np.maximum(state.doubtful + np.where(suspicious, 1, -1), 0)
        accepted = state.doubtful >= self.bank.patience[self.rows]
        if accepted.any():
            experts.accept(self.experts, told, y, accepted)
            np.maximum(state.scale, 0.2 * np.abs(y - usual), out=state.scale, where=accepted)
            np.copyto(state.evidence, persistence.LEAST, where=accepted)
            np.copyto(state.doubtful, 0.0, where=accepted)

    def _controlled(self, alarm: NDArray[np.bool_]) -> None:
        state = self.state
        opened = alarm & (state.alarmed == 0)
        state.raised *= 1 - self.bank.fading[self.rows]
        state.raised += self.kind.control * opened
        state.alarmed[...] = alarm


def transformed(value: Numbers, kind: Kind) -> Numbers:
    if kind.counts:
        return np.asarray(2 * np.sqrt(np.maximum(value, 0) + 0.375))
    return np.asarray(np.sign(value) * np.sqrt(np.abs(value)))


def restored(y: Numbers, kind: Kind) -> Numbers:
    """The value whose transform this is."""
    if kind.counts:
        return np.asarray(np.maximum((y / 2) ** 2 - 0.375, 0))
    return np.asarray(np.sign(y) * y ** 2)
