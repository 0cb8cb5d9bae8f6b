"""Shiryaev-Roberts in the log domain: evidence that something has been going on for some time.

    r = softplus(r) + l = ln((1 + e^r) e^l)

l is the log likelihood ratio of one tick, r that of all possible onsets added up: an e-detector, whose average run
length to a false alarm is at least e^h for a threshold h, however often one looks (Shin, Ramdas, Rinaldo,
"E-detectors"). Bounded below, so that a long quiet time is no debt, and above, so that an alarm can end.
"""

import numpy as np

from gateway.detect.columns import Numbers

LEAST = -30.0


def softplus(value: Numbers) -> Numbers:
    return np.logaddexp(0.0, value)


def accumulated(evidence: Numbers, more: Numbers, most: Numbers | float) -> Numbers:
    return np.clip(softplus(evidence) + more, LEAST, most)


def mixed(evidence: Numbers) -> Numbers:
    """ln of the mean over alternatives (axis 0): a mixture of e-detectors is one."""
    top = evidence.max(axis=0)
    return np.asarray(top + np.log(np.exp(evidence - top).mean(axis=0)))
