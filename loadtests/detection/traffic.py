"""Simulated traffic of many routes, ten seconds at a time: a day with a fivefold swing, a quieter weekend, wandering
noise.

Noise is an AR(1) of five minutes' memory. Mild: 8 %, bursts of x1.5 for 20 s; harsh: 20 %, x3 for 30 s; four bursts a
day each. 0.3 % errors, and once a day ten seconds with 20 %.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Numbers

SECONDS = 10
DAY, WEEK = 86_400, 7 * 86_400
MEMORY = math.exp(-SECONDS / 300)
ERRORS = 0.003
BLIP = 0.2
BURSTS_A_DAY = 4


@dataclass(frozen=True, slots=True)
class Noise:
    name: str
    wander: float
    burst: float
    burst_ticks: int


MILD = Noise("mild", 0.08, 1.5, 2)
HARSH = Noise("harsh", 0.20, 3.0, 3)


@dataclass(frozen=True, slots=True)
class Change:
    """What an incident does to the traffic: the rate times `rate`, and a share `errors` of failures on top."""

    name: str
    rate: float = 1.0
    errors: float = 0.0


class Traffic:
    """A column per route; `rate`: requests per second, the week's mean of a weekday."""

    def __init__(self, rate: Numbers, noises: list[Noise], seed: int) -> None:
        self.rate = rate
        self.draw = np.random.default_rng(seed)
        self.wander = np.array([noise.wander for noise in noises])
        self.burst = np.array([noise.burst for noise in noises])
        self.burst_ticks = np.array([noise.burst_ticks for noise in noises])
        self.phase = self.draw.uniform(0, DAY, len(rate))
        self.drift = np.zeros(len(rate))
        self.bursting = np.zeros(len(rate), dtype=int)

    def copies(self, times: int, seed: int) -> "Traffic":
        """Each route `times` over, in the same place, with dice of its own."""
        found = object.__new__(Traffic)
        for name in ("rate", "wander", "burst", "burst_ticks", "phase", "drift", "bursting"):
            setattr(found, name, np.tile(getattr(self, name), times))
        found.draw = np.random.default_rng(seed)
        return found

    def tick(self, at: float, rate: Numbers | float = 1.0, errors: Numbers | float = 0.0
             ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Requests and errors of the ten seconds from `at` on."""
        draw, size = self.draw, len(self.rate)
        self.drift = MEMORY * self.drift + math.sqrt(1 - MEMORY ** 2) * self.wander * draw.standard_normal(size)
        begun = draw.random(size) < BURSTS_A_DAY * SECONDS / DAY
        self.bursting = np.where(begun, self.burst_ticks, np.maximum(self.bursting - 1, 0))
        shape = 1 + 2 / 3 * np.sin(2 * math.pi * (at + self.phase) / DAY)
        shape *= 0.7 if at % WEEK >= 5 * DAY else 1.0
        mean = self.rate * SECONDS * shape * np.maximum(1 + self.drift, 0.05)
        mean *= np.where(self.bursting > 0, self.burst, 1.0) * rate
        requests = draw.poisson(mean)
        blip = draw.random(size) < SECONDS / DAY
        failing = 1 - (1 - np.where(blip, BLIP, ERRORS)) * (1 - np.asarray(errors))
        return requests, draw.binomial(requests, failing)
