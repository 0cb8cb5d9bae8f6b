"""What an incident cost: requests, failures, clients and error budget, from what was counted while it went on."""

from collections.abc import Iterator
from typing import Any

from gateway.prevent.case import SECOND, Case, Promise, Series

WHOLE = 1_000_000


def impact(case: Case) -> dict[str, Any]:
    """As the record keeps it. Of the affected routes: all requests; those answered with a 5xx or not at all; and those
    that a safeguard refused, which are among the failed where that was answered with a 5xx."""
    during = tuple(_during(case))
    clients = case.clients
    return {
        "requests": sum(sum(each.requests) for each in during),
        "failed": sum(sum(each.errors) for each in during),
        "refused": sum(sum(each.refused) for each in during),
        "fallback": clients.fallback if clients else None,
        "clients_failed": clients.failed if clients else None,
        "clients_seen": clients.seen if clients else None,
        "share_recorded": round(clients.share_kept, 4) if clients else None,
        "seconds": max(0, (case.over_ns - case.onset_ns) // SECOND),
        "budgets": [_budget(promise, during) for promise in case.promises],
    }


def _during(case: Case) -> Iterator[Series]:
    """Whole ticks: the one in which it began and the one in which it ended count."""
    for each in case.series:
        first = case.onset_ns // SECOND
        yield each.between(first - (first - each.first) % each.step, case.over_ns // SECOND + 1)


def _budget(promise: Promise, during: tuple[Series, ...]) -> dict[str, Any]:
    """The share of thirty days' error budget, 0.5 for half of it; None where there was no request."""
    failed = sum(sum(each.errors) for each in during if each.target == f"route:{promise.route}")
    allowed = promise.month * (WHOLE - promise.success) / WHOLE
    return {"route": promise.route, "success": promise.success / WHOLE, "failed": failed,
            "allowed_in_30_days": round(allowed, 1), "used": round(failed / allowed, 4) if allowed > 0 else None}


def words(found: dict[str, Any]) -> str:
    """One sentence."""
    share = f" ({found['failed'] / found['requests']:.1%})" if found["requests"] else ""
    said = f"{found['failed']} of {found['requests']} requests failed{share} in {found['seconds']} s"
    if found["refused"]:
        said += f", {found['refused']} were refused by safeguards"
    if found["clients_failed"] is not None:
        said += f"; {found['clients_failed']} of {found['clients_seen']} clients noticed"
    used = [each for each in found["budgets"] if each["used"] is not None]
    if used:
        worst = max(used, key=lambda each: float(each["used"]))
        said += f"; {worst['used']:.1%} of the month's error budget of {worst['route']}"
    return said
