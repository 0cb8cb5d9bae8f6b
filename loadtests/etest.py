"""How often does probation roll a harmless revision back, and how soon a harmful one? docs/probation.md

Synthetic traffic of two plans, 600 seconds, Poisson arrivals at the stated rates, 0.3 % errors under the old plan,
through the production code of `gateway/resolve`. "One metric" is the e-test alone at alpha = 0.01; "probation" is the
whole judgement of the first step, four metrics at a quarter of alpha each, of which the 5xx answers turn bad and the
others stay at 0.3 %.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gateway.model.safeguards import SECOND
from gateway.resolve import etest, probation
from gateway.resolve.etest import ETest
from gateway.resolve.probation import Counts, Params, Probation

SECONDS = 600
BASE = 0.003
ALPHA = 0.01
ONE_METRIC = math.log(1 / ALPHA)
FALSE_AT_MOST = 0.01


@dataclass(frozen=True, slots=True)
class Case:
    """`new_rate` of `rate` requests/s are under the new plan. Aims: runs rejected and median s (algorithms.md 7.3)."""

    name: str
    rate: float
    new_rate: float
    bad: float
    runs: int
    aim_rejected: float
    aim_seconds: float = math.inf

    @property
    def is_harmless(self) -> bool:
        return self.bad == BASE


CASES = (
    Case("alike, 1 of 20/s", 20, 1, BASE, 400, FALSE_AT_MOST),
    Case("alike, 10 of 200/s", 200, 10, BASE, 400, FALSE_AT_MOST),
    Case("100 % errors, 1 of 20/s", 20, 1, 1.0, 400, 1.0, 3.5),
    Case("20 %, 1 of 20/s", 20, 1, 0.20, 400, 1.0, 16),
    Case("5 %, 1 of 20/s", 20, 1, 0.05, 400, 1.0, 62),
    Case("5 %, 10 of 200/s", 200, 10, 0.05, 400, 1.0, 7),
    Case("2 %, 10 of 200/s", 200, 10, 0.02, 400, 1.0, 32),
    Case("1 %, 10 of 200/s", 200, 10, 0.01, 400, 1.0, 101),
)


@dataclass(frozen=True, slots=True)
class Result:
    """The second of each rejection."""

    runs: int
    at: tuple[int, ...]

    @property
    def rejected(self) -> float:
        return len(self.at) / self.runs

    @property
    def seconds(self) -> float:
        return statistics.median(self.at) if self.at else math.nan

    def __str__(self) -> str:
        return f"{self.rejected:7.2%} {self.seconds:8.1f} s" if self.at else f"{self.rejected:7.2%}         - "


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="of the traffic (default: 1)")


def main(options: argparse.Namespace) -> int:
    """0: all aims are met."""
    met = True
    sys.stdout.write(f"{'case':24} {'runs':>5}  {'one metric':>18}  {'probation':>18}  {'aim':>16}\n")
    for number, case in enumerate(CASES):
        random = np.random.default_rng((options.seed, number))
        seconds = [list(traffic(case, random)) for _ in range(case.runs)]
        alone = Result(case.runs, tuple(filter(None, (first_rejection(run) for run in seconds))))
        whole = Result(case.runs, tuple(filter(None, (first_roll_back(run) for run in seconds))))
        fine = meets(case, alone) and (whole.rejected <= FALSE_AT_MOST if case.is_harmless else whole.rejected == 1)
        met = met and fine
        sys.stdout.write(f"{case.name:24} {case.runs:5}  {alone}  {whole}  {aim(case)} {'' if fine else ' MISSED'}\n")
        sys.stdout.flush()
    return 0 if met else 1


def traffic(case: Case, random: np.random.Generator) -> Iterator[tuple[Counts, Counts]]:
    """(old, new) of each second."""
    old = random.poisson(case.rate - case.new_rate, SECONDS)
    new = random.poisson(case.new_rate, SECONDS)
    old_bad = [random.binomial(old, BASE) for _ in probation.METRICS]
    new_bad = [random.binomial(new, case.bad if metric == "failed" else BASE) for metric in probation.METRICS]
    for at in range(SECONDS):
        yield (Counts(int(old[at]), *(int(each[at]) for each in old_bad)),
               Counts(int(new[at]), *(int(each[at]) for each in new_bad)))


def first_rejection(seconds: list[tuple[Counts, Counts]]) -> int:
    """The second in which one metric's e-test rejects; 0: never."""
    test = ETest()
    for at, (old, new) in enumerate(seconds, 1):
        test = etest.step(test, old.requests, old.failed, new.requests, new.failed)
        if test.log_e >= ONE_METRIC:
            return at
    return 0


def first_roll_back(seconds: list[tuple[Counts, Counts]]) -> int:
    """The second in which probation rolls back; 0: never. The step is held open, as if it could not be promoted."""
    state, params = Probation(since=0), Params()
    for at, (old, new) in enumerate(seconds, 1):
        state = probation.watch(state, old, new)
        if probation.judge(state, params, at * SECOND).decision == probation.ROLL_BACK:
            return at
    return 0


def meets(case: Case, result: Result) -> bool:
    """A delay counts as met up to a tenth, and half a second, beyond the aim: it is a median of random runs."""
    if case.is_harmless:
        return result.rejected <= case.aim_rejected
    return result.rejected >= case.aim_rejected and result.seconds <= case.aim_seconds * 1.1 + 0.5


def aim(case: Case) -> str:
    return f"<= {case.aim_rejected:.0%}" if case.is_harmless else f"{case.aim_rejected:.0%} {case.aim_seconds:6.1f} s"
