"""Who is told about an incident, and when: pure, so that its rules can be read and tested.

    trigger   once it is open for `wait`; what is over sooner is never told
    update    it is worse: at once; anything else about it is new: at most each `update_every`; nothing new: each
              `repeat_every`, until somebody has acknowledged it
    resolve   it is over

What was told is kept in the incident itself (`told`, `told_ns`), in the same transaction as the alerts.
A receiver hears of incidents that are at least as bad as its `severity`; who heard of one hears of its end.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.incident import Incident, Severity
from gateway.model.safeguards import SECOND
from gateway.record.outbox import Alert
from gateway.record.revision import utc_text

TRIGGER, UPDATE, RESOLVE = "trigger", "update", "resolve"
RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Telling:
    """`receivers`: name -> the least severity it wants to hear of."""

    receivers: Mapping[str, Severity] = dataclasses.field(default_factory=dict)
    wait: int = 10 * SECOND
    update_every: int = 300 * SECOND
    repeat_every: int = 4 * 3600 * SECOND

    def due(self, incident: Incident, installation: str, now: int) -> tuple[Incident, list[Alert]]:
        """The incident as it was told now, and the alerts; the same incident and none where nothing is to be told."""
        kind = self._kind(incident, now)
        hearing = [name for name, least in self.receivers.items() if incident.severity <= least]
        if not kind or not hearing:
            return incident, []
        told = dataclasses.replace(incident, told=_state(incident), told_ns=now)
        text = json.dumps(document(incident, installation, now), sort_keys=True)
        return told, [Alert(name, kind, text, now, now) for name in hearing]

    def _kind(self, incident: Incident, now: int) -> str:
        told, state = incident.told, _state(incident)
        if not incident.is_open:
            return RESOLVE if told not in ("", RESOLVED) else ""
        if told in ("", RESOLVED):
            return TRIGGER if now - incident.times.get("detected", now) >= self.wait else ""
        if told != state and (_severity(state) < _severity(told) or now - incident.told_ns >= self.update_every):
            return UPDATE
        repeats = not incident.acknowledged_by and now - incident.told_ns >= self.repeat_every
        return UPDATE if repeats else ""

    def owes(self, incident: Incident) -> bool:
        """Somebody heard of it, and does not know yet that it is over."""
        return bool(self.receivers) and not incident.is_open and incident.told not in ("", RESOLVED)


def _state(incident: Incident) -> str:
    if not incident.is_open:
        return RESOLVED
    return f"{incident.severity.value} {incident.fault} {len(incident.scope)} {incident.acknowledged_by}"


def _severity(told: str) -> int:
    return int(told.partition(" ")[0])


def key(incident: Incident, installation: str) -> str:
    """The same in every alert on an incident, and of no other one anywhere."""
    return f"gateway-{installation}-{incident.id}"


def document(incident: Incident, installation: str, now: int) -> dict[str, Any]:
    """What receivers are told; every format is made of this."""
    return {
        "key": key(incident, installation), "id": incident.id, "title": incident.title, "state": incident.state.value,
        "severity": incident.severity.word, "fault": incident.fault.value, "scope": list(incident.scope),
        "signals": [str(each) for each in incident.signals[:10]], "cause": str(incident.finding.get("words", "")),
        "onset": utc_text(incident.onset_ns), "opened": utc_text(incident.opened_ns), "told": utc_text(now),
        "resolved": utc_text(incident.times["resolved"]) if "resolved" in incident.times else "",
        "acknowledged_by": incident.acknowledged_by, "relapses": incident.relapses,
    }
