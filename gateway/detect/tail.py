"""A learned tail: how unlikely is a value so far out, for this series, as it has really behaved?

Above a moving quantile u (1 % of the samples are beyond) the tail is Pareto, with a moving index xi:

    ln p(q) = ln 1% - ln(q / u) / xi          for q > u

One side at a time: q is a residual in units of its scale. A Gaussian or Poisson quantile does not hold a budget of
false alarms on real series (6 to 46 a month where 1 was allowed); this does (0.5 to 2.5). Always learned, from
alarming samples too, but from those slowly: a tail that never learns them stays in alarm, one that learns them fully
goes blind.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Columns, Numbers

BEYOND = 0.01
LEAST_EDGE = 0.5
LEAST_INDEX, MOST_INDEX = 0.08, 1.2


@dataclass(frozen=True, slots=True)
class TailKind:
    """`clip`: one excess counts at most so many times the index; `memory`: excesses; `alarming`: weight of an alarm."""

    clip: float
    memory: float
    alarming: float


class Tail(Columns):
    WIDTHS: ClassVar = {"edge": 2, "index": 2, "excesses": 2}
    START: ClassVar = {"edge": 2.5, "index": 0.2, "excesses": 10.0}
    edge: Numbers
    index: Numbers
    excesses: Numbers


def log_p(tail: Tail, side: Numbers) -> Numbers:
    """`side`: z and -z. 0 where it is not beyond the edge (so nothing is known but p > 1 %)."""
    beyond = side > tail.edge
    ratio = np.where(beyond, side / tail.edge, 1.0)
    return np.where(beyond, np.log(BEYOND) - np.log(ratio) / tail.index, 0.0)


def learn(tail: Tail, side: Numbers, alarming: NDArray[np.bool_], samples: Numbers, kind: TailKind) -> None:
    """`alarming`: true per side and series; `samples`: how many each series has had."""
    beyond = side > tail.edge
    weight = np.where(alarming, kind.alarming, 1.0)
    excess = np.minimum(np.log(np.where(beyond, side / tail.edge, 1.0)), kind.clip * np.maximum(tail.index, 0.1))
    tail.excesses[...] = np.where(beyond, np.minimum(tail.excesses + 1, kind.memory), tail.excesses)
    moved = np.where(beyond, weight * (excess - tail.index) / tail.excesses, 0.0)
    tail.index[...] = np.clip(tail.index + moved, LEAST_INDEX, MOST_INDEX)
    gain = weight * np.maximum(0.05, 0.5 / np.sqrt(1 + samples * BEYOND))
    tail.edge[...] = np.maximum(tail.edge * np.exp(gain * np.where(beyond, 1 - BEYOND, -BEYOND)), LEAST_EDGE)
