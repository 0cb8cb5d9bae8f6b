"""The generic webhook: the document itself as JSON, signed, so that its receiver knows from whom and when it is.

    X-Gateway-Timestamp: seconds since 1970
    X-Gateway-Signature: sha256=HMAC-SHA256(secret, timestamp "." body), in hex
    X-Gateway-Key: the incident's key; the same in every delivery, so that repeats can be told

A receiver compares in constant time, and refuses timestamps older than five minutes: that stops replays.
"""

import hashlib
import hmac
from typing import Any

from gateway.record.alerts.outgoing import JSON, Post, as_json


def signature(secret: str, timestamp: int, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def post(url: str, secret: str, kind: str, document: dict[str, Any], title: str, text: str, now: int) -> Post:
    """`now`: UTC ns of this attempt. Without a secret it is not signed."""
    body = as_json(document | {"event": kind, "subject": title, "text": text})
    timestamp = now // 10**9
    headers = [("Content-Type", JSON), ("X-Gateway-Timestamp", str(timestamp)), ("X-Gateway-Key", document["key"])]
    if secret:
        headers.append(("X-Gateway-Signature", signature(secret, timestamp, body)))
    return Post(url, body, tuple(headers))
