"""One tick of a series: what happened in ten seconds, or in an hour, in 24 bytes.

Durations are kept as 2048 log2(1 + µs): 16 bits for a microsecond to an hour, exact to 0.02 %. 0 = nothing measured.
"""

import numpy as np
from numpy.typing import NDArray

SECONDS = 10
TICKS_A_DAY = 86_400 // SECONDS
STEPS_AN_OCTAVE = 2048.0

COUNTS = ("requests", "errors", "client_errors", "refused")
DURATIONS = ("ttfb_p50", "ttfb_p99", "total_p50", "total_p99")
TICK = np.dtype([*((name, "<u4") for name in COUNTS), *((name, "<u2") for name in DURATIONS)])
assert TICK.itemsize == 24

Ticks = NDArray[np.void]


def coded(microseconds: NDArray[np.float64]) -> NDArray[np.uint16]:
    """NaN, for nothing measured, becomes 0."""
    steps = np.rint(STEPS_AN_OCTAVE * np.log2(1 + np.maximum(np.nan_to_num(microseconds), 0)))
    codes: NDArray[np.uint16] = np.minimum(steps, 65535).astype(np.uint16)
    return codes


def microseconds(code: NDArray[np.uint16] | NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN where nothing was measured."""
    return np.where(code > 0, np.exp2(code / STEPS_AN_OCTAVE) - 1, np.nan)


def hour_of(ticks: Ticks) -> Ticks:
    """The ticks of an hour as one: counts added up, the usual median, the worst tail."""
    hour = np.zeros(1, dtype=TICK)
    for name in COUNTS:
        hour[name] = min(int(ticks[name].sum(dtype=np.uint64)), 2**32 - 1)
    busy = ticks["requests"] > 0
    if busy.any():
        for name in DURATIONS:
            hour[name] = np.median(ticks[name][busy]) if name.endswith("p50") else ticks[name][busy].max()
    return hour
