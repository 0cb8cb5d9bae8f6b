"""Traffic for the detectors, told in words: so many requests per tick, from here to there."""
import numpy as np

from gateway.detect.counts import Counts, Seen

TICK = 10
HOUR = 360
DAY = 8640
MONDAY = 4 * 86_400
H = 14.3


def settled(mean: list[float], spread: float = 0.0) -> Counts:
    """Routes that have lived a week at a steady rate, in requests per tick; `spread`: their s2."""
    found, rates = Counts(len(mean)), np.array(mean, dtype=float)
    found.watch.age[:] = found.baseline.age[:] = 7 * DAY
    found.watch.onset[:] = MONDAY
    found.baseline.week[:] = rates
    found.baseline.level[:] = found.baseline.trusted[:] = 1
    found.baseline.recent[:] = rates
    found.dispersion.spread[:] = spread
    return found


class Told:
    """One or more routes at a fake clock; what was said of them is kept."""

    def __init__(self, detector: Counts, routes: int = 1, seed: int = 1) -> None:
        self.detector, self.routes = detector, routes
        self.draw = np.random.default_rng(seed)
        self.at = float(MONDAY)
        self.openings: list[float] = []
        self.seen: Seen | None = None

    def ticks(self, count: int, mean: float | list[float], frozen: bool = False) -> int:
        """How many alarms opened in these ticks."""
        before = len(self.openings)
        for _ in range(count):
            requests = self.draw.poisson(mean, self.routes).astype(float)
            self.seen = self.detector.observe(self.at, requests, np.full(self.routes, H), frozen)
            self.openings += [self.at] * int(self.seen.opened.sum())
            self.at += TICK
        return len(self.openings) - before

    @property
    def in_alarm(self) -> bool:
        assert self.seen is not None
        return bool(self.seen.alarm.any())

    @property
    def expected(self) -> float:
        """Per minute."""
        assert self.seen is not None
        return float(self.seen.expected[0])
