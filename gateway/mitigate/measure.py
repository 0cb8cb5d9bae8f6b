"""Did it help? One look at the seconds after an action against those before it, when the time that was set is over.

    failures    Fisher's exact test, one-sided: fewer of the requests fail than before
    latency     Mann and Whitney's U, one-sided: the means of the seconds are lower
    load        the same of the requests per second

It helped if that could come by chance in 1 of 100 cases at most, and the number fell to 70 % or less: a difference that
is certain and too small to matter is no help. A test of one look is valid because there is one look; what is watched
second by second is for the e-test of `resolve`. Before and after are different seconds, so that a fault which ends by
itself meanwhile looks like help: then it is undone soon, and in stages.

Whatever it is for: what lets more of its clients' requests fail than before does harm, and is undone at once.

Sources: Fisher, "The Design of Experiments" (hypergeometric tail); Mann and Whitney 1947, normal approximation with
correction for ties and continuity. Algorithms.md 7.3 says why U is wrong for sparse ratios and right for means.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.action import Action, Sample

FAILURES, LATENCY, LOAD = "failures", "latency", "load"
CHANCE = 0.01
FALLS_TO = 0.7
HARM_CHANCE, HARM_LEAST = 0.001, 0.02
REQUESTS_LEAST = 20
SECONDS_LEAST = 5
PATIENCE = 3
"""With too little to judge by, the time is stretched up to so many times; then it is not proven, and undone."""
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    helped: bool
    words: str


def judge(action: Action, after: Sample, span: int) -> Verdict | None:
    """None as long as there is too little to say; `span`: how long is measured, ns."""
    if after.seconds * SECOND < span:
        return None
    found = _TESTS[action.by](action.before, after)
    if found is None and after.seconds * SECOND < PATIENCE * span:
        return None
    return found or Verdict(False, f"not proven in {after.seconds} s: too few requests")


def can_tell(by: str, before: Sample) -> bool:
    """Is there enough trouble now that to be rid of all of it would be proof, ten times over? Only failures can be too
    few: a reflex may have cut them off for the moment."""
    bad, n = sum(before.failed), sum(before.requests)
    return by != FAILURES or (n > 0 and fisher(bad, n, 0, n) <= CHANCE / 10)


def harmed(before: Sample, after: Sample) -> str:
    """How many more requests fail since an action, in words; empty where that is not certain or too little to matter.
    Fisher's exact test, one-sided the other way; asked in each second of a trial, so it must be ten times as sure."""
    n, m, bad, more = sum(before.requests), sum(after.requests), sum(before.failed), sum(after.failed)
    if m < REQUESTS_LEAST or n == 0 or more / m - bad / n < HARM_LEAST:
        return ""
    chance = fisher(n - bad, n, m - more, m)
    return f"it does harm: {bad} of {n} failed before, {more} of {m} since; Fisher p = {chance:.2g}" \
        if chance <= HARM_CHANCE else ""


def failures(before: Sample, after: Sample) -> Verdict | None:
    n, m, bad, still = sum(before.requests), sum(after.requests), sum(before.failed), sum(after.failed)
    if m < REQUESTS_LEAST or n == 0:
        return None
    chance = fisher(bad, n, still, m)
    fell = still / m <= FALLS_TO * bad / n
    return Verdict(chance <= CHANCE and fell,
                   f"{bad} of {n} failed before, {still} of {m} after; Fisher p = {chance:.2g}")


def latency(before: Sample, after: Sample) -> Verdict | None:
    return _lower(before.latencies, after.latencies, "ms")


def load(before: Sample, after: Sample) -> Verdict | None:
    return _lower(before.requests, after.requests, "requests/s")


def _lower(before: Sequence[float], after: Sequence[float], unit: str) -> Verdict | None:
    if len(before) < SECONDS_LEAST or len(after) < SECONDS_LEAST:
        return None
    chance = mann_whitney(before, after)
    was, now = sum(before) / len(before), sum(after) / len(after)
    return Verdict(chance <= CHANCE and now <= FALLS_TO * was,
                   f"{was:.1f} {unit} before, {now:.1f} after; Mann-Whitney p = {chance:.2g}")


_TESTS = {FAILURES: failures, LATENCY: latency, LOAD: load}


def fisher(bad: int, n: int, still: int, m: int) -> float:
    """The probability of at most `still` of the `bad + still` failures among the m after, if both were alike."""
    failed = bad + still
    whole = _log_choose(n + m, failed)
    least = max(0, failed - n)
    return min(1.0, sum(math.exp(_log_choose(m, k) + _log_choose(n, failed - k) - whole)
                        for k in range(least, still + 1)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def mann_whitney(before: Sequence[float], after: Sequence[float]) -> float:
    """The probability that `after` lies so far below `before` by chance."""
    n, m = len(before), len(after)
    above = sum((each > other) + 0.5 * (each == other) for each in before for other in after)
    ties = sum(many**3 - many for many in Counter((*before, *after)).values())
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    return 0.5 * math.erfc((above - n * m / 2 - 0.5) / math.sqrt(2 * variance))
