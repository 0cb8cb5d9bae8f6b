"""Prometheus Alertmanager, API v2: POST /api/v2/alerts with one alert, known by its labels.

The labels are the same in every delivery of an incident (its key, not its severity, which may change); what changes
is in the annotations. An alert ends by itself after `lasts`: longer than the gateway is silent about it.
"""

import datetime
from typing import Any

from gateway.record.alerts.outgoing import Post, as_json


def post(url: str, kind: str, document: dict[str, Any], title: str, text: str, now: int, lasts: int) -> Post:
    """`now` and `lasts` in ns."""
    ends = document["resolved"] if kind == "resolve" else _time(now + lasts)
    return Post(f"{url.rstrip('/')}/api/v2/alerts", as_json([{
        "labels": {"alertname": "GatewayIncident", "incident": str(document["id"]), "key": document["key"]},
        "annotations": {"summary": title, "description": text, "severity": document["severity"],
                        "fault": document["fault"], "scope": ", ".join(document["scope"]), "cause": document["cause"]},
        "startsAt": document["onset"],
        "endsAt": ends,
    }]))


def _time(at_ns: int) -> str:
    return datetime.datetime.fromtimestamp(at_ns // 10**9, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
