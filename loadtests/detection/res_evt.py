"""`res-EVT` of the study on labelled series: the same forecast, its residual untransformed, and a plain Pareto tail.

Never tuned; nothing is learned from alarming samples. Kept here to be compared with, not to be used.
"""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from gateway.detect import experts
from gateway.detect.columns import EVERY, Columns, Numbers, Rows, half_life
from gateway.detect.experts import DAY, Experts, Pace
from loadtests.detection.scoring import MONTH, WARM_UP

BEYOND = 0.02


class State(Columns):
    WIDTHS: ClassVar = {"edge": 2, "index": 2, "by_hour": 24, "hour_seen": 24}
    START: ClassVar = {"edge": 3.0, "index": 0.3}
    samples: Numbers
    scale: Numbers
    magnitude: Numbers
    doubtful: Numbers
    edge: Numbers
    index: Numbers
    by_hour: Numbers
    hour_seen: Numbers


class ResidualTail:
    def __init__(self, spacing: Numbers, budget: Numbers) -> None:
        self.spacing = spacing
        self.state, self.experts = State(len(spacing)), Experts(len(spacing))
        self.pace = Pace.of(spacing, 1)
        self.threshold = np.log(budget / (2 * MONTH / spacing))
        self.patience = np.maximum(3600 / spacing, 12)

    def observe(self, at: Numbers, value: Numbers, rows: Rows = EVERY) -> SimpleNamespace:
        state, known, pace = self.state.part(rows), self.experts.part(rows), self.pace.take(rows)
        experts.roll(known, at, pace)
        told = experts.forecast(known, state.scale * 0.1, 6)
        usual = np.where(state.samples > 0, told.mixed, value)
        hour, series = (at % DAY // 3600).astype(np.intp), np.arange(len(state))
        by_hour = state.by_hour[hour, series]
        enough = state.hour_seen[hour, series] >= np.maximum(2 * 3600 / self.spacing[rows], 5)
        scale = np.where(enough, np.maximum(0.5 * state.scale, by_hour), state.scale)
        unit = np.maximum(1.25 * scale, 0.01 * state.magnitude) + 1e-9
        sides = np.stack([(value - usual) / unit, (usual - value) / unit])
        beyond = sides > state.edge
        excess = np.log(np.where(beyond, np.maximum(sides, 1e-9) / np.maximum(state.edge, 1e-9), 1.0))
        log_p = np.where(beyond, np.log(BEYOND) - excess / state.index, 0.0)
        alarm = (log_p < self.threshold[rows]).any(axis=0)
        learning = ~alarm | (state.samples < DAY / self.spacing[rows])
        self._learn_tail(state, beyond, excess, learning)
        self._learn(state, known, told, pace, value, usual, unit, learning, hour, rows)
        self._accept(state, known, told, value, usual, alarm, rows)
        warm = state.samples >= WARM_UP / self.spacing[rows]
        state.samples += 1
        return SimpleNamespace(alarm=alarm & warm)

    def _learn_tail(self, state: State, beyond: Numbers, excess: Numbers, learning: Numbers) -> None:
        state.index[...] = np.where(beyond & learning, np.clip(state.index + 0.02 * (excess - state.index), 0.05, 1),
                                    state.index)
        gain = 2 * np.maximum(0.002, 1 / (state.samples * BEYOND + 10)) * np.maximum(state.edge, 0.2)
        state.edge += np.where(learning, gain * np.where(beyond, 1 - BEYOND, -BEYOND), 0.0)

    def _learn(self, state: State, known: Experts, told: experts.Forecast, pace: Pace, value: Numbers, usual: Numbers,
               unit: Numbers, learning: Numbers, hour: Numbers, rows: Rows) -> None:
        first, first_day = state.samples == 0, state.samples < DAY / self.spacing[rows]
        tame = np.where(first_day, value, np.clip(value, usual - 4 * unit, usual + 4 * unit))
        experts.score(known, told, value, np.where(first, 0.0, 8 * unit), pace, learning)
        experts.learn(known, told, tame, usual, pace, learning)
        gain = np.where(learning, np.maximum(pace.day, 1 / (state.samples + 1)), 0.0)
        state.scale += gain * (np.abs(tame - usual) - state.scale)
        state.magnitude += gain * (np.abs(tame) - state.magnitude)
        series = np.arange(len(state))
        state.hour_seen[hour, series] += learning
        week = half_life(7 * 3600 / self.spacing[rows])
        gain = np.where(learning, np.maximum(week, 1 / np.maximum(state.hour_seen[hour, series], 1)), 0.0)
        state.by_hour[hour, series] += gain * (np.abs(tame - usual) - state.by_hour[hour, series])

    def _accept(self, state: State, known: Experts, told: experts.Forecast, value: Numbers, usual: Numbers,
                alarm: Numbers, rows: Rows) -> None:
        state.doubtful[...] = np.maximum(state.doubtful + np.where(alarm, 1, -1), 0)
        accepted = state.doubtful >= self.patience[rows]
        if accepted.any():
            experts.accept(known, told, value, accepted)
            state.scale[...] = np.where(accepted, np.maximum(state.scale, 0.2 * np.abs(value - usual)), state.scale)
            np.copyto(state.doubtful, 0.0, where=accepted)
