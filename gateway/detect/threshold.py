"""From a budget of false alarms to a threshold, and how people's reports lower it.

    h = ln( ticks per month * families / budget )

An e-detector of threshold h has a false alarm every e^h ticks or less often. `families`: how many statistics of a
route share its budget. A fleet-wide budget over N routes is the same with budget / N. Ten-second ticks, six families
and one a month: h = 14.3.

Every independent report about a route ("looks wrong", from a person) is worth a factor of ten of prior odds: its h is
lower by ln 10 for 30 minutes, three of them at most: weak evidence and two or three reports make an alarm.
"""

import math
from collections.abc import Iterable

import numpy as np

from gateway.detect.columns import Numbers

MONTH = 30 * 86_400
FAMILIES = 6
"""Rate up, rate down, errors, slow by ten seconds; rate and latency by the minute."""
REPORT_LASTS = 30 * 60
MOST_LOWERED = 6.9


def threshold(budget: Numbers | float, seconds: float, families: int = FAMILIES) -> Numbers:
    """Nats. `budget`: false alarms a month of a route, or of each; `seconds`: of a tick."""
    return np.asarray(np.log(MONTH / seconds * families / np.asarray(budget, dtype=np.float64)))


def lowered(reports: Iterable[tuple[float, str]], now: float) -> float:
    """Nats. `reports`: when (same clock as `now`, seconds) and by whom; one reporter counts once."""
    reporters = {who for at, who in reports if 0 <= now - at < REPORT_LASTS}
    return min(math.log(10) * len(reporters), MOST_LOWERED)
