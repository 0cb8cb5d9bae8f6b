"""Fourteen days of the site's past, in a state folder: simulated ticks, written by the production store, learned from
by the production learner. What a scenario starts from is a copy of it.

The simulator: `world.py` says what is usual. Every tick of ten seconds and route draws Poisson requests, binomial
errors, and the median and 99th percentile of so many log-normal answers, by the beta law of order statistics.
"""

import logging
import math
import shutil
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.control.learning_child import LearningChild
from gateway.detect.watched import Watch
from gateway.record.detector_state import NAME as STATE
from gateway.record.ticks import COUNTS, SECONDS, TICK, Ticks, coded
from gateway.record.window_store import GATEWAY, NAME, WindowStore
from loadtests.errors import LoadTestError
from loadtests.injections import world

DAYS = 14
DAY = 86_400
OVERHEAD_US = 500.0
"""What the way through the gateway adds to an answer, about."""
LEARN_SECONDS = 600.0

Numbers = NDArray[np.float64]


def write(folder: Path, load: int, now: int, seed: int = 1) -> None:
    """The windows of the last DAYS until `now` (UTC seconds)."""
    store = WindowStore(folder / NAME, 2**31)
    draw = np.random.default_rng(seed)
    begin = now // SECONDS * SECONDS - DAYS * DAY
    try:
        for day in range(DAYS):
            first = begin + day * DAY
            ticks = {f"route:{road.name}": _simulated(draw, load * road.share) for road in world.ROADS}
            _append(store, first, ticks | {GATEWAY: _together(ticks)})
    finally:
        store.close()


def _append(store: WindowStore, first: int, series: Mapping[str, Ticks]) -> None:
    for index in range(DAY // SECONDS):
        at = first + index * SECONDS
        store.append(at, {name: ticks[index:index + 1] for name, ticks in series.items()})
        if at % 3600 == 0:
            store.fold(at)


def _simulated(draw: np.random.Generator, rate: float) -> Ticks:
    """A day of a route."""
    ticks = np.zeros(DAY // SECONDS, TICK)
    ticks["requests"] = draw.poisson(rate * SECONDS * _wandering(draw, len(ticks)))
    ticks["errors"] = draw.binomial(ticks["requests"], world.ERRORS)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        found = _quantile(draw, ticks["requests"].astype(np.float64), share)
        ticks[f"ttfb_{name}"] = ticks[f"total_{name}"] = coded(found)
    return ticks


def _wandering(draw: np.random.Generator, count: int) -> Numbers:
    keep = math.exp(-SECONDS / world.MEMORY_S)
    noise, found, drift = draw.standard_normal(count), np.zeros(count), 0.0
    for index in range(count):
        drift = keep * drift + math.sqrt(1 - keep * keep) * world.WANDER * noise[index]
        found[index] = drift
    return np.maximum(1 + found, 0.05)


def _quantile(draw: np.random.Generator, count: Numbers, share: float) -> Numbers:
    """Of so many answers, in µs: the rank's share of a uniform law is Beta(rank, count - rank + 1). NaN of none."""
    some = np.maximum(count, 1)
    rank = np.ceil(share * some)
    place = np.interp(draw.beta(rank, some - rank + 1), *_NORMAL)
    found = OVERHEAD_US + 1000 * world.MEDIAN_MS * np.exp(world.SIGMA * place)
    return np.where(count > 0, found, np.nan)


_SHARES = np.concatenate([np.geomspace(1e-6, 0.01, 200), np.linspace(0.011, 0.989, 400),
                          1 - np.geomspace(0.01, 1e-6, 200)])
_NORMAL = _SHARES, np.array([statistics.NormalDist().inv_cdf(share) for share in _SHARES])


def _together(series: Mapping[str, Ticks]) -> Ticks:
    whole = np.zeros(DAY // SECONDS, TICK)
    for name in COUNTS:
        whole[name] = sum(ticks[name] for ticks in series.values())
    whole["total_p50"] = whole["total_p99"] = 1
    return whole


def learn(folder: Path) -> float:
    """Let the production learner leave the state of the detectors. Returns the seconds it took."""
    child, began = LearningChild(folder, logging.getLogger("loadtests")), time.monotonic()
    child.begin([Watch(road.name) for road in world.ROADS])
    while not child.is_done():
        if time.monotonic() - began > LEARN_SECONDS:
            raise LoadTestError("the learner does not end")
        time.sleep(0.2)
    if not (folder / STATE).exists():
        raise LoadTestError("the learner left no state")
    return time.monotonic() - began


def copy(source: Path, target: Path) -> None:
    """What a scenario starts from."""
    target.mkdir(mode=0o700)
    for name in (NAME, STATE):
        shutil.copy2(source / name, target / name)
