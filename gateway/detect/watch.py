"""What all ten-second detectors share: when an alarm opens and closes, and for how long nothing is learned.

- It opens at the threshold, and closes after 30 ticks in a row (5 minutes) within the band; the evidence starts anew
  both times.
- While there is evidence (above a third of the threshold), an alarm or an open incident, nothing is learned; for an
  hour at most: then the caller accepts the present level. A doubtful tick counts one up, any other one down.
- No alarm in the first 48 hours.
- The onset is the last tick without doubt. (Evidence of noisy counts is hardly ever nothing: an onset that waits for
  that may lie hours back.)
"""


import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Columns, Numbers

WARM_UP_TICKS = 17_280
CALM_TICKS = 30
PATIENCE_TICKS = 360

Flags = NDArray[np.bool_]


class Watch(Columns):
    age: Numbers
    alarm: Numbers
    calm: Numbers
    doubtful: Numbers
    onset: Numbers


def note_onset(watch: Watch, at: float, evidence: Numbers, doubtful_from: Numbers) -> None:
    quiet = ((evidence <= doubtful_from) & (watch.alarm == 0)) | (watch.onset == 0)
    np.copyto(watch.onset, at, where=quiet)


def turn(watch: Watch, beyond: Flags, in_band: Flags) -> tuple[Flags, Flags]:
    """Where an alarm opens, and where one closes."""
    watch.age += 1
    opened = beyond & (watch.alarm == 0) & (watch.age > WARM_UP_TICKS)
    watch.calm[...] = np.where(in_band, watch.calm + 1, 0)
    closed = (watch.alarm > 0) & (watch.calm >= CALM_TICKS)
    watch.alarm[...] = np.where(opened, 1, np.where(closed, 0, watch.alarm))
    return opened, closed


def doubt(watch: Watch, evidence: Numbers, doubtful_from: Numbers, frozen: Flags | bool) -> tuple[Flags, Flags]:
    """Where nothing is to be learned, and where the present is to be accepted."""
    doubtful = (evidence > doubtful_from) | (watch.alarm > 0) | frozen
    watch.doubtful[...] = np.maximum(watch.doubtful + np.where(doubtful, 1, -1), 0)
    accepted = watch.doubtful >= PATIENCE_TICKS
    np.copyto(watch.doubtful, 0.0, where=accepted)
    np.copyto(watch.alarm, 0.0, where=accepted)
    return doubtful & ~accepted, accepted
