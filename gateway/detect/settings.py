"""Settings of detection: the budget of false alarms, and what a route promises."""

from typing import Annotated

from gateway.model import kinds

Budget = Annotated[int, kinds.or_word("off", kinds.number(1, 1000))]
Promise = Annotated[int, kinds.share(least=500_000, most=999_999)]


class DetectSettings(kinds.Settings):
    """What is unusual is found by itself; how sure it must be is a budget."""

    false_alarms_per_month: Budget = 1
    """How many false alarms a route may have in a month, on average: the one knob of anomaly detection. `off`: it
    raises none, and goes on learning."""


class ObjectiveSettings(kinds.Settings):
    """What a route promises."""

    success: Promise
    """Share of requests that succeed (and are answered within `under`), over 30 days."""
    under: kinds.DurationOrOff = 0
    """Time to the first byte above which an answered request counts as bad too; `off`: slowness does not count."""
