"""What a user writes about probation."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.model import kinds
from gateway.model.kinds import Mode, Settings, Share
from gateway.model.quantities import PERCENT, format_share

ALL = 100 * PERCENT
STEPS_MOST = 10


def _ascending(steps: tuple[int, ...]) -> tuple[int, ...]:
    listed = ", ".join(map(format_share, steps))
    if not steps or steps[-1] != ALL:
        raise ValueError(f"the last step must be 100%, not {format_share(steps[-1]) if steps else 'missing'}")
    if list(steps) != sorted(set(steps)) or len(steps) > STEPS_MOST:
        raise ValueError(f"write up to {STEPS_MOST} steps, each larger than the one before, not {listed}")
    return steps


class ProbationSettings(Settings):
    """A revision that changes routes or upstreams serves a part of the clients first; a worse one is rolled back."""

    mode: Mode = "enforce"
    """`shadow`: a revision that is worse is reported, not rolled back. `off`: a revision serves all clients at once."""
    for_: Annotated[int, kinds.duration(10_000_000_000)] = Field(default=600_000_000_000, alias="for")
    """How long a step may last; the last one, with all clients, lasts so long."""
    steps: Annotated[tuple[Share, ...], AfterValidator(_ascending)] = (10 * PERCENT, ALL)
    """Shares of the clients that have the new revision, one after the other; `[100%]`: all at once, and watched."""
