"""Flap damping: an incident that comes and goes must stay away longer before it is called over.

It is over after `BASE_NS` without any signal; each relapse doubles that, up to an hour. What stays away for an hour
after it was resolved is another incident when it comes again.
"""

from gateway.model.incident import Incident
from gateway.model.safeguards import SECOND

BASE_NS = 60 * SECOND
LONGEST_NS = 3600 * SECOND
RELAPSE_WITHIN_NS = 3600 * SECOND


def calm_needed(incident: Incident) -> int:
    """Nanoseconds without a signal after which it is over."""
    return int(min(BASE_NS << min(incident.relapses, 12), LONGEST_NS))


def is_over(incident: Incident, now: int) -> bool:
    return bool(incident.quiet_since_ns) and now - incident.quiet_since_ns >= calm_needed(incident)


def may_relapse(incident: Incident, now: int) -> bool:
    """Resolved, but so lately that the same trouble is the same incident."""
    resolved = incident.times.get("resolved", 0)
    return not incident.is_open and not incident.merged_into and 0 <= now - resolved <= RELAPSE_WITHIN_NS
