"""Was the drill passed? What was seen, held against what the scenario expects.

A step that is reached later than it should be, or not at all, fails; one that nobody asks for is told, and judges
nothing.
Containing may be left out where relief comes at once: what is mitigated was isolated by then at the latest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.prevent.settings import ExpectSettings

SECOND = 10**9
STEPS = {"detect": "detected", "isolate": "isolated", "mitigate": "mitigated", "recover": "resolved"}
"""Step -> the state of the incident that ends it."""


@dataclass(frozen=True, slots=True)
class Check:
    """`took`, `limit` in seconds; None: not reached, not asked for."""

    step: str
    took: float | None
    limit: float | None

    @property
    def passed(self) -> bool:
        return self.limit is None or (self.took is not None and self.took <= self.limit)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`found`: the fault class of the analysis, `wanted`: that of the scenario, empty where any is right."""

    checks: tuple[Check, ...]
    found: str = ""
    wanted: str = ""

    @property
    def class_passed(self) -> bool:
        return not self.wanted or self.found == self.wanted

    @property
    def passed(self) -> bool:
        return self.class_passed and all(each.passed for each in self.checks)


def judge(expect: ExpectSettings, seconds: Mapping[str, float | None], found: str) -> Judgement:
    """`seconds`: step -> how long it took. A negative one is a clock's rounding."""
    took = dict(seconds)
    if took.get("isolate") is None:
        took["isolate"] = took.get("mitigate")
    checks = tuple(Check(step, _seconds(took.get(step)), limit_of(expect, step)) for step in STEPS)
    return Judgement(checks, found, expect.fault)


def limit_of(expect: ExpectSettings, step: str) -> float | None:
    limit: int | None = getattr(expect, step)
    return None if limit is None else limit / SECOND


def _seconds(took: float | None) -> float | None:
    return None if took is None else max(0.0, round(took, 2))
