"""Cases for the tests of this room: an incident with a life behind it, and what was measured of it."""
import dataclasses

from gateway.model import incident as incidents
from gateway.model.action import Action, ActionKind, ActionState, Sample
from gateway.model.fault import FaultClass
from gateway.model.incident import Entry, Event, Incident
from gateway.model.signal import Signal, SignalKind
from gateway.prevent.case import SECOND, Applied, Case, Clients, Promise, Series

ONSET = 1_700_000_000
"""UTC seconds, a whole ten."""


def incident(fault: FaultClass = FaultClass.MISCONFIGURATION, target: str = "route:orders") -> Incident:
    """Began at ONSET, was opened 20 s and explained 26 s later, quiet after 100 s, resolved after 160 s."""
    signal = Signal(SignalKind.ERRORS, target, (ONSET + 20) * SECOND, (ONSET + 4) * SECOND, "81 of 100 failed", "1 %",
                    9.5)
    found = incidents.opened((signal,), (ONSET + 20) * SECOND, revision=4)
    found = incidents.apply(found, Event.RELIEVED, (ONSET + 40) * SECOND)
    found = incidents.found(incidents.apply(found, Event.EXPLAINED, (ONSET + 26) * SECOND), fault, {
        "words": "revision = 4 holds the failures; revision 4 was applied, 2 s before onset", "confidence": "clear",
        "reasons": ["a config was applied 2 s before the onset"], "onset_ns": ONSET * SECOND, "share_explained": 0.97,
        "causes": [{"where": {"revision": "4"}, "excess": 810.0, "share": 0.97}], "runners_up": [],
        "changes": [{"words": "revision 4 was applied, 2 s before onset", "score": 0.9, "veto": "", "kind": "config",
                     "reference": "4"},
                    {"words": "not deploy x: it touches another upstream", "score": 0, "veto": "it touches another "
                     "upstream", "kind": "deploy", "reference": "x"}]})
    found = dataclasses.replace(found, id=7, quiet_since_ns=(ONSET + 100) * SECOND)
    return incidents.apply(found, Event.OVER, (ONSET + 160) * SECOND)


def timeline() -> tuple[Entry, ...]:
    said = ((20, "gateway", "opened", "errors on route:orders"), (22, "gateway", "alert", "trigger to ops"),
            (50, "loopback ann", "acknowledged", "by loopback ann"), (60, "loopback <b>", "comment", "see <i>a|b</i>"),
            (160, "gateway", "resolved", "no signal for 60 s"))
    return tuple(Entry((ONSET + at) * SECOND, who, kind, words) for at, who, kind, words in said)


def actions() -> tuple[Action, ...]:
    of = {"incident": 7, "value": 1, "reason": "its endpoints fail", "evidence": ("81 of 100 failed",),
          "measured": "route:orders", "by": "failures", "at_ns": (ONSET + 28) * SECOND,
          "done_ns": (ONSET + 28) * SECOND, "before": Sample((10, 10), (8, 9), (1, 1))}
    return (Action(kind=ActionKind.BREAKER, target="upstream:orders", rung=0, id=1, state=ActionState.UNDONE,
                   since_ns=(ONSET + 38) * SECOND, helped=False, verdict="17 of 20 before, 20 of 20 after", **of),
            Action(kind=ActionKind.ROLL_BACK, target="revision:4", rung=1, id=2, state=ActionState.KEPT,
                   since_ns=(ONSET + 98) * SECOND, helped=True, verdict="17 of 20 before, 0 of 20 after", **of))


def series(failing: int = 80) -> Series:
    """100 requests each ten seconds; from ONSET to 100 s after it `failing` of them fail."""
    first, count = ONSET - 600, 90
    bad = tuple(failing if ONSET <= first + 10 * index < ONSET + 100 else 0 for index in range(count))
    return Series("route:orders", first, 10, (100,) * count, bad, (0,) * count, (12.5,) * (count - 1) + (None,))


def case(fault: FaultClass = FaultClass.MISCONFIGURATION) -> Case:
    return Case(incident(fault), timeline(), actions(), (series(),), (Promise("orders", 999_000, 1_000_000),),
                Clients(31, 64, 12, 0.25),
                Applied(4, 3, "new", "old", "-port 9001\n+port 9002", "loopback ann", "", "abcdef0123456789",
                        (ONSET - 2) * SECOND))
