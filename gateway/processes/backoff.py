"""When a dead child is started again: at once the first time, later and later while it keeps dying young.

A child that lived STEADY_NS has earned a fresh start. Jitter keeps several children, or several gateways after the same
fault, from starting in step.
"""

from dataclasses import dataclass

SECOND = 1_000_000_000
STEADY_NS = 10 * SECOND
FIRST_NS = SECOND // 10
LONGEST_NS = 30 * SECOND
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Backoff:
    """`early_deaths`: how often in a row the child died before it was steady."""

    early_deaths: int = 0

    def after_death(self, lived_ns: int) -> "Backoff":
        """The back-off once a child has died that lived so long."""
        return Backoff(1 if lived_ns >= STEADY_NS else self.early_deaths + 1)

    def delay_ns(self, chance: float) -> int:
        """How long to wait before the next start; `chance` is uniform in [0, 1)."""
        if self.early_deaths <= 1:
            return 0
        doubled = FIRST_NS << min(self.early_deaths - 2, 16)
        return int(min(doubled, LONGEST_NS) * (1 - JITTER + 2 * JITTER * chance))
