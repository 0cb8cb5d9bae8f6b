"""PagerDuty's Events API v2 (developer.pagerduty.com): trigger, acknowledge and resolve under one `dedup_key`."""

from typing import Any

from gateway.record.alerts.outgoing import Post, as_json

URL = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_MAX = 1024
SEVERITIES = {"critical": "critical", "major": "error", "minor": "warning", "notice": "info"}


def post(url: str, routing_key: str, kind: str, document: dict[str, Any], title: str, text: str) -> Post:
    """A repeated trigger of the same key changes the alert that is there. `resolve` needs no payload."""
    event: dict[str, Any] = {"routing_key": routing_key, "dedup_key": document["key"], "event_action": "resolve"}
    if kind != "resolve":
        event |= {
            "event_action": "acknowledge" if document["acknowledged_by"] and kind == "update" else "trigger",
            "client": "Safeguard Gateway",
            "payload": {
                "summary": title[:SUMMARY_MAX], "source": (document["scope"] or ["gateway"])[0],
                "severity": SEVERITIES[document["severity"]], "timestamp": document["onset"],
                "component": "gateway", "class": document["fault"],
                "custom_details": {"incident": document["id"], "text": text, "signals": document["signals"]},
            },
        }
    return Post(url or URL, as_json(event))
