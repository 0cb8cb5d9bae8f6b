"""Which flight records are kept: all that were refused or failed, and of the rest as many as the rate allows.

What is left out is not lost: a record that is kept carries as its weight how many it stands for, so that sums over
weights are right on average. Above ten times the rate those that were refused or failed are sampled too: a flood of
refusals must not push everything else out of the folder.
"""

import numpy as np
import numpy.typing as npt

from gateway.record.flight import SHADOW, Records

REMARKABLE_TIMES = 10
FAILED_FROM = 500


def remarkable(records: Records) -> npt.NDArray[np.bool_]:
    """Refused by us (in shadow, too), failed, or never answered."""
    found: npt.NDArray[np.bool_] = ((records["status"] >= FAILED_FROM) | (records["status"] == 0)
                                    | (records["decision"] != 0) | ((records["flags"] & SHADOW) != 0))
    return found


def chosen(records: Records, most: int, random: np.random.Generator) -> tuple[npt.NDArray[np.intp],
                                                                             npt.NDArray[np.float32]]:
    """Indexes, ascending, and weights of the records to keep; of ordinary ones at most `most`."""
    marked = remarkable(records)
    parts = [_some(np.flatnonzero(marked), most * REMARKABLE_TIMES, random),
             _some(np.flatnonzero(~marked), most, random)]
    indexes = np.concatenate([each for each, _ in parts])
    weights = np.concatenate([np.full(len(each), weight, np.float32) for each, weight in parts])
    order = np.argsort(indexes, kind="stable")
    return indexes[order], weights[order]


def _some(indexes: npt.NDArray[np.intp], most: int, random: np.random.Generator) -> tuple[npt.NDArray[np.intp], float]:
    if len(indexes) <= most:
        return indexes, 1.0
    if most <= 0:
        return indexes[:0], 1.0
    return random.choice(indexes, most, replace=False), len(indexes) / most
