"""Flap damping: an incident that comes and goes must stay away longer before it is called over.

It is over after twice `respond.calm` (a minute by default) without any signal, so that what is undone in stages has
shown itself; each relapse doubles that, up to an hour. What stays away for an hour after it was resolved is another
incident when it comes again.
"""

from gateway.model.incident import Incident
from gateway.model.safeguards import SECOND

BASE_NS = 60 * SECOND
LONGEST_NS = 3600 * SECOND
RELAPSE_WITHIN_NS = 3600 * SECOND


def calm_needed(incident: Incident, base: int = BASE_NS) -> int:
    """Nanoseconds without a signal after which it is over; `base`: for one that never relapsed."""
    return int(min(base << min(incident.relapses, 12), max(LONGEST_NS, base)))


def is_over(incident: Incident, now: int, base: int = BASE_NS) -> bool:
    return bool(incident.quiet_since_ns) and now - incident.quiet_since_ns >= calm_needed(incident, base)


def may_relapse(incident: Incident, now: int) -> bool:
    """Resolved, but so lately that the same trouble is the same incident."""
    resolved = incident.times.get("resolved", 0)
    return not incident.is_open and not incident.merged_into and 0 <= now - resolved <= RELAPSE_WITHIN_NS
