"""From the stored windows to detectors that know what is usual: what watching these weeks would have led to.

Weeks of hours give the profile (`detect.priming`), then two days of ticks are watched one after the other. A state
that was kept goes on from its last tick instead. That takes half a minute for a few routes, minutes for a thousand, so
it is done in a child: see processes/learner.py.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.control import observing
from gateway.detect import priming
from gateway.detect.watched import Watch, Watched
from gateway.record.ticks import SECONDS, TICK, TICKS_A_DAY, Ticks
from gateway.record.window_store import WindowStore

HOUR = 3600
REPLAYED = 2 * TICKS_A_DAY + 360
"""Ticks: enough to be done with warming up."""
OLDEST = 35 * 86_400


def kept(state: bytes, watches: Sequence[Watch], now: int) -> Watched | None:
    """What a predecessor left, where it can be read and is no older than the replay reaches."""
    try:
        found = Watched.from_bytes(state)
    except ValueError:
        return None
    return found.arranged(watches) if 0 <= now - found.at < REPLAYED * SECONDS else None


def learned(store: WindowStore, watches: Sequence[Watch], now: int, left: Watched | None = None) -> Watched:
    """`left`: what was kept. Raises sqlite3.Error."""
    now -= now % SECONDS
    if left is not None:
        _replay(store, left, int(left.at) + SECONDS, now)
        return left
    watched, names = Watched(watches), [f"route:{watch.name}" for watch in watches]
    oldest = now - now % HOUR - OLDEST
    ran = store.up(oldest, now)
    first = _first(ran, oldest, now)
    hours = (first - oldest) // HOUR
    told = np.stack([store.read_hours(name, oldest, oldest + hours * HOUR) for name in names], axis=1) if names else (
        np.zeros((hours, 0), TICK))
    ticks = ran[:hours * HOUR // SECONDS].reshape(hours, -1).sum(axis=1)
    priming.prime(watched, oldest // HOUR, told["requests"].astype(float), told["errors"].astype(float), ticks)
    _replay(store, watched, first, now)
    return watched


def _first(ran: NDArray[np.bool_], oldest: int, now: int) -> int:
    """The whole hour from which on REPLAYED ticks ran; the first in which any did, where there are less."""
    places = np.flatnonzero(ran)
    if not len(places):
        return now - now % HOUR
    at = oldest + int(places[max(len(places) - REPLAYED, 0)]) * SECONDS
    return at - at % HOUR


def _replay(store: WindowStore, watched: Watched, first: int, now: int) -> None:
    names = [f"route:{name}" for name in watched.names]
    for begin in range(first, now, HOUR):
        end = min(begin + HOUR, now)
        ran = store.up(begin, end)
        if ran.any():
            _watch(watched, begin, ran, np.stack([store.read(name, begin, end) for name in names], axis=1)
                   if names else np.zeros((len(ran), 0), TICK))
    watched.finish()


def _watch(watched: Watched, begin: int, ran: NDArray[np.bool_], ticks: Ticks) -> None:
    for index in np.flatnonzero(ran):
        watched.tick(begin + int(index) * SECONDS, observing.stored(ticks[index]))
