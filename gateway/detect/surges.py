"""Clients that send far more than they ever did lately, and so much that the whole feels it. Levels, without memory.

A client surges where, in each of the last two ten seconds, all of this is so:
- it sent LEAST requests or more, and TIMES as many as in any ten seconds before the last minute, noise added;
- what it sent above that is SHARE of all requests or more, and all together are GROWN times the usual.
So a client that is always heavy (a proxy, a batch job) does not surge, nor does one that takes another's place. Nothing
is said in the first minutes: nobody knows then what is usual.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model.safeguards import SECOND
from gateway.model.signal import Signal, SignalKind

SPAN = 10
"""Seconds: of a window."""
RECENT = 6
"""Windows that are not yet history: the last minute."""
HISTORY_LEAST = 12
"""Windows before these, without which nothing is said: two minutes."""
LATEST = 2
LEAST = 100
TIMES = 3.0
SHARE = 0.3
GROWN = 1.3


@dataclass(frozen=True, slots=True)
class Heard:
    """Requests of one client by windows of SPAN seconds, the oldest first."""

    address: str
    windows: Sequence[int]


def surges(clients: Iterable[Heard], total: Sequence[int], now: int) -> list[Signal]:
    """`total`: of all clients, by the same windows; `now`: UTC ns."""
    history = total[:-RECENT]
    if len(history) < HISTORY_LEAST:
        return []
    usual = max(statistics.median(history), 1.0)
    if any(each < GROWN * usual for each in total[-LATEST:]):
        return []
    return [_signal(each, now) for each in clients if _surges(each, total)]


def most(client: Heard) -> float:
    """What of a window is still like before."""
    before = max(client.windows[:-RECENT], default=0)
    return TIMES * before + 4 * math.sqrt(before)


def _surges(client: Heard, total: Sequence[int]) -> bool:
    return all(sent >= LEAST and sent - most(client) >= SHARE * every
               for sent, every in zip(client.windows[-LATEST:], total[-LATEST:], strict=True))


def _signal(client: Heard, now: int) -> Signal:
    """Its onset: the first of the windows without a break that are above."""
    bound, back = max(most(client), LEAST), 0
    for sent in reversed(client.windows):
        if sent < bound:
            break
        back += 1
    return Signal(SignalKind.RATE_UP, f"client:{client.address}", now, now - back * SPAN * SECOND,
                  f"{client.windows[-1] / SPAN:.0f} requests/s", f"{bound / SPAN:.0f}")
