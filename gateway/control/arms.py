"""What came of the requests under each of two revisions that serve side by side, read off the flight records.

Every record names its revision, so that outcomes divide by arm without a counter on the request path. Tries are
counted, not requests: what a retry hid from the client is against the revision that needed it. A slow answer is one
beyond the 95th percentile of the older revision's, fixed before it is compared with (etest.py asks for that).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.model.decisions import Decision
from gateway.record.flight import NO_ROW, SHADOW, Records
from gateway.resolve.probation import Counts

DENIED = (Decision.ISOLATED, Decision.LIMITED, Decision.SHED, Decision.SATURATED, Decision.OPEN, Decision.REFUSED)
FAILED = (Decision.ERROR, Decision.TIMEOUT)
NOT_FAILURES = (501, 505)
"""As the data plane has it: accounting.pyx."""
NEVER_A_REQUEST = 255
"""The method of what was turned away before it had one: it says nothing of any plan."""
SAMPLE, SAMPLE_LEAST = 2048, 100
SLOW = 0.95
Sums = NDArray[np.int64]


class Arms:
    """Mutable state: the two revisions that are compared, their sums since the last look, and how slow is usual."""

    def __init__(self) -> None:
        self._arms: tuple[int, ...] = ()
        self._sums = np.zeros((2, 5), np.int64)
        self._times = np.zeros(SAMPLE, np.uint32)
        self._timed = 0
        self.slow_us = 0

    def compare(self, old: int, new: int, slow_us: int) -> None:
        """From now on these two. `slow_us`: as it was fixed before; 0: now, if enough is known."""
        self._arms, self._sums = (old, new), np.zeros((2, 5), np.int64)
        self.slow_us = slow_us or self._usual()

    def rest(self) -> None:
        """Compare nothing."""
        self._arms = ()

    def take(self, records: Records, worker: int) -> None:
        """Records of a worker, in their order."""
        records = records[records["method"] != NEVER_A_REQUEST]
        generations = records["generation"]
        timed = records if not self._arms else records[generations == self._arms[0]]
        self._remember(timed["ttfb_us"][timed["ttfb_us"] != NO_ROW])
        for arm, revision in enumerate(self._arms):
            self._sums[arm] += sums(records[generations == revision], self.slow_us)

    def _remember(self, times: NDArray[np.uint32]) -> None:
        times = times[-SAMPLE:]
        self._times[np.arange(self._timed, self._timed + len(times)) % SAMPLE] = times
        self._timed += len(times)

    def _usual(self) -> int:
        if self._timed < SAMPLE_LEAST:
            return 0
        return int(np.quantile(self._times[: min(self._timed, SAMPLE)], SLOW)) + 1

    def since_last(self) -> tuple[Counts, Counts]:
        """Of the older and of the newer revision, since the last call."""
        found, self._sums = self._sums, np.zeros((2, 5), np.int64)
        self.slow_us = self.slow_us or self._usual()
        return _counts(found[0].tolist()), _counts(found[1].tolist())

    def __repr__(self) -> str:
        return f"<Arms {self._arms}, slow from {self.slow_us} us>"


def sums(records: Records, slow_us: int) -> Sums:
    """In the order of `Counts`. A try may be bad in several ways, but not both `failed` and `connect_failed`."""
    decision = np.where(records["flags"] & SHADOW, Decision.NONE, records["decision"])
    status, unreached = records["status"], records["unreached"].astype(np.int64)
    broken = (status >= 500) & ~np.isin(status, NOT_FAILURES) & (decision == Decision.NONE)
    failed = np.isin(decision, FAILED) | broken
    timed = records["ttfb_us"] != NO_ROW
    last_unreached = failed & (unreached > 0) & ~timed
    tries = 1 + np.maximum(records["attempts"].astype(np.int64), unreached - last_unreached)
    slow = timed & (records["ttfb_us"] >= slow_us) if slow_us else np.zeros(len(records), bool)
    return np.array([tries.sum(), np.maximum(tries - unreached - ~failed, 0).sum(), np.isin(decision, DENIED).sum(),
                     slow.sum(), unreached.sum()], np.int64)


def _counts(found: Sequence[int]) -> Counts:
    return Counts(*found)
