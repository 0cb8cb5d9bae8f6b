"""Slack's incoming webhooks (api.slack.com/messaging/webhooks): one message for each alert, with a plain-text fallback.

The URL is the secret. `&`, `<` and `>` are escaped, so that what a client sent cannot make a link or call a channel.
"""

from typing import Any

from gateway.record.alerts.outgoing import Post, as_json

SECTION_MAX = 3000                      # Slack's bounds of a section's and of a header's text
HEADER_MAX = 150
MARKS = {"trigger": ":rotating_light:", "update": ":warning:", "resolve": ":white_check_mark:"}


def post(url: str, kind: str, document: dict[str, Any], title: str, text: str) -> Post:
    heading = f"{title} is over" if kind == "resolve" else title
    return Post(url, as_json({
        "text": escaped(f"{MARKS[kind]} {heading}"),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": heading[:HEADER_MAX]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": escaped(text or heading)[:SECTION_MAX]}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(
                f"{MARKS[kind]} {document['severity']} · incident {document['id']} · {document['key']}")}]},
        ],
    }))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
