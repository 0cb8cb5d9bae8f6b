"""Clients that send far more than they ever did lately, and so much that the whole feels it. Levels, without memory.

The last windows of ten seconds in which a client sends much are its *run*; what is before is its history. It surges
where the run has LATEST windows or more, and in each of the last ones
- it sent LEAST requests or more, and TIMES as many as in any window of its history, noise added;
- what it sent above that is SHARE of all requests or more, and all together are GROWN times their median before it.
So a client that is always heavy (a proxy, a batch job) does not surge, nor does one that takes another's place. Where
there are less than two minutes of history nothing is said: a surge is the usual after a quarter of an hour.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model.safeguards import SECOND
from gateway.model.signal import Signal, SignalKind

SPAN = 10
"""Seconds: of a window."""
HISTORY_LEAST = 12
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
    return [_signal(each, now) for each in clients if _surges(each, total)]


def run(client: Heard) -> int:
    """How many windows without a break are about as the last ones, or much at all."""
    much, back = max(LEAST, min(client.windows[-LATEST:], default=0) / 2), 0
    for sent in reversed(client.windows):
        if sent < much:
            break
        back += 1
    return back


def most(client: Heard) -> float:
    """What of a window is still like before its run."""
    before = max(client.windows[:-run(client)], default=0)
    return TIMES * before + 4 * math.sqrt(before)


def _surges(client: Heard, total: Sequence[int]) -> bool:
    back = run(client)
    history = total[:-back] if back else ()
    if back < LATEST or len(history) < HISTORY_LEAST:
        return False
    usual = max(statistics.median(history), 1.0)
    return all(every >= GROWN * usual and sent - most(client) >= SHARE * every
               for sent, every in zip(client.windows[-LATEST:], total[-LATEST:], strict=True))


def _signal(client: Heard, now: int) -> Signal:
    """Its onset: where its run begins."""
    bound = max(most(client), LEAST)
    return Signal(SignalKind.RATE_UP, f"client:{client.address}", now, now - run(client) * SPAN * SECOND,
                  f"{client.windows[-1] / SPAN:.0f} requests/s", f"{bound / SPAN:.0f}")
