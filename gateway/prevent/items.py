"""Action items: what is to be done so that it does not come back, by whom, until when, and how that is verified.

The gateway drafts those that follow from the kind of fault; people add theirs, and give every one an owner and a date.
"""

import datetime
from typing import Any

from gateway.model.fault import FaultClass
from gateway.prevent.case import Case

Item = dict[str, Any]
TYPES = ("prevent", "detect", "mitigate", "process")
OPEN, DONE, DECLINED = "open", "done", "declined"
STATES = (OPEN, DONE, DECLINED)
FIELDS = ("type", "text", "owner", "due", "ticket", "status", "verify_by")
ITEMS_MOST = 50
TEXT_MOST = 500
SLOW_DETECTION_S = 60.0

DRAFTS: dict[FaultClass, tuple[str, str, str]] = {
    FaultClass.MISCONFIGURATION: ("prevent", "Refuse this config: decide on the validation rule that is drafted.",
                                  "gateway check refuses the config of the incident"),
    FaultClass.CLIENT_SURGE: ("prevent", "Give the affected routes a limit for each client that holds such a surge.",
                              "gateway replay of the recording denies the surge and nobody else"),
    FaultClass.ENDPOINT_FAILURE: ("mitigate", "Let one endpoint fail without clients noticing: ejection and retries.",
                                  "a drill that fails one endpoint"),
    FaultClass.NETWORK_FAILURE: ("mitigate", "Shorten the connect time-out and give the routes a fallback.",
                                 "a drill that makes the upstream unreachable"),
    FaultClass.UPSTREAM_FAILURE: ("mitigate", "Give the affected routes a fallback that answers without the upstream.",
                                  "a drill that fails the upstream"),
    FaultClass.SLOW_UPSTREAM: ("mitigate", "Bring the time-out down to what the upstream needs, and bound its "
                                           "concurrency.", "a drill that delays the upstream"),
    FaultClass.CODE_DEFECT: ("prevent", "Repair the defect, and add the request that shows it to the tests of the "
                                        "service.", "the service's test"),
    FaultClass.GATEWAY_OVERLOAD: ("prevent", "Give the gateway more workers, or the routes limits below what it "
                                             "carries.", "a load test at the peak of the incident"),
}


def drafted(case: Case) -> list[Item]:
    """Numbered from 1, without owner and date."""
    found = [DRAFTS[case.incident.fault]] if case.incident.fault in DRAFTS else []
    if (case.incident.opened_ns - case.onset_ns) / 1e9 > SLOW_DETECTION_S or not case.incident.finding.get("words"):
        found.append(("detect", "Notice it sooner: see what would have fired earlier.",
                      "gateway drill --replay of the incident's recording"))
    return [_item(number, *each) for number, each in enumerate(found, 1)]


def _item(number: int, kind: str, text: str, verify_by: str, **more: str) -> Item:
    return {"id": number, "type": kind, "text": text, "owner": "", "due": "", "ticket": "", "status": OPEN,
            "verify_by": verify_by, "by": "gateway", **more}


def changed(now: list[Item], edits: list[Any], who: str) -> list[Item]:
    """Items with an id are changed by the fields that are given, others are added. Raises ValueError."""
    found = {each["id"]: dict(each) for each in now}
    for edit in edits:
        if not isinstance(edit, dict):
            raise ValueError("an item is an object")
        fields = {name: value for name, value in edit.items() if name != "id"}
        _check(fields)
        if "id" in edit:
            if edit["id"] not in found:
                raise ValueError(f"there is no item {str(edit['id'])[:20]}; leave `id` out to add one")
            found[edit["id"]] |= fields
        else:
            if not fields.get("text"):
                raise ValueError("a new item needs a `text`")
            number = max(found, default=0) + 1
            found[number] = _item(number, "prevent", "", "", by=who) | fields
    if len(found) > ITEMS_MOST:
        raise ValueError(f"at most {ITEMS_MOST} items; make several into one")
    return list(found.values())


def _check(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise ValueError(f"{name[:40]!r} is nothing of an item; write {', '.join(FIELDS)}")
        if not isinstance(value, str) or len(value) > TEXT_MOST or not value.isprintable():
            raise ValueError(f"`{name}` of an item must be one line of at most {TEXT_MOST} characters")
    if fields.get("type", TYPES[0]) not in TYPES:
        raise ValueError(f"the type of an item is {', '.join(TYPES)}")
    if fields.get("status", OPEN) not in STATES:
        raise ValueError(f"the status of an item is {', '.join(STATES)}")
    if fields.get("due"):
        _check_date(fields["due"])


def _check_date(text: str) -> None:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a date; write it as 2026-05-31") from None


def missing(found: list[Item]) -> list[str]:
    """What is still to be said before the post-mortem can be closed."""
    said = [f"item {each['id']} has no {name}" for each in found if each["status"] != DECLINED
            for name in ("owner", "due", "verify_by") if not each[name]]
    if not any(each["type"] in ("prevent", "detect") and each["status"] != DECLINED for each in found):
        said.append("no item prevents it or detects it sooner")
    return said
