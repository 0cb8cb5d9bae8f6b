"""A report of a replay in words."""

from typing import Any

from gateway.config import replay as replaying
from gateway.config.replay import Report

SHOWN = 10


def lines(report: Report) -> list[str]:
    """For people: what would be decided differently, what could not be decided, and whether that needs approval."""
    said = [f"{report.requests} requests of {report.seconds:.0f} s replayed",
            f"denied: {report.denied_before} before, {report.denied_now} now; newly denied {report.newly_denied}, "
            f"newly passed {report.newly_passed}"]
    said += [f"  newly denied by {limit or 'the router'} on {route}: {count}"
             for route, limit, count in replaying.by_safeguard(report)[:SHOWN]]
    said += [f"  {each.requests} requests, {each.old} -> {each.new}" for each in report.changes[:SHOWN]]
    said += [f"  client {each.name}: {each.newly_denied} of {each.requests} newly denied"
             for each in report.clients[:SHOWN] if each.newly_denied]
    said += [f"{words}: {count}" for words, count in _unknown(report) if count]
    objections = report.objections()
    said += [f"needs approval: {each}" for each in objections[:SHOWN]] or ["may be applied"]
    return said + [f"… and {len(objections) - SHOWN} more reasons"] * (len(objections) > SHOWN)


def _unknown(report: Report) -> list[tuple[str, int]]:
    return [("not decidable from the record", report.undecided),
            ("lines and records that are no request", report.unread),
            ("requests whose route was taken from another of the same client", report.imputed),
            ("requests that were not kept", report.unkept), ("torn files", report.torn),
            ("requests out of order", report.late), ("clients forgotten by a full table", report.evicted)]


def document(report: Report) -> dict[str, Any]:
    """For scripts and the admin API."""
    return {
        "requests": report.requests, "seconds": round(report.seconds, 3), "undecided": report.undecided,
        "imputed": report.imputed, "unkept": report.unkept, "newly_denied": report.newly_denied,
        "newly_passed": report.newly_passed, "objections": list(report.objections()), "lines": lines(report),
    }
