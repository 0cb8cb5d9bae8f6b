"""Who is told about incidents, as frozen plain values: what the config's `alerts` compiles to."""

from dataclasses import dataclass

from gateway.model.safeguards import SECOND

WEBHOOK, SLACK, PAGERDUTY, ALERTMANAGER, EMAIL = "webhook", "slack", "pagerduty", "alertmanager", "email"
TITLE = "[{severity}] {title}"
TEXT = "{state}: {cause}\nsince {onset}\n{signals}"
FIELDS = ("id", "key", "title", "state", "severity", "fault", "scope", "signals", "cause", "onset", "opened",
          "resolved", "acknowledged_by")
"""What a template may name in braces."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is: an environment variable or a file; never the secret itself."""

    env: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Receiver:
    """`kind` says which of the fields count: webhook: `url`, `secret` (signs); slack: `secret` (its URL); pagerduty:
    `secret` (the routing key), `url`; alertmanager: `url`; email: `url` (smtp://host:port), `sender`, `to`, `user`,
    `secret` (the password). `severity`: 1 (critical) to 4 (notice), the least it wants to hear of.
    """

    name: str
    kind: str
    url: str = ""
    secret: Secret = Secret()
    severity: int = 4
    sender: str = ""
    to: tuple[str, ...] = ()
    user: str = ""
    title: str = TITLE
    text: str = TEXT


@dataclass(frozen=True, slots=True)
class Alerts:
    receivers: tuple[Receiver, ...] = ()
    wait: int = 10 * SECOND
    update_every: int = 300 * SECOND
    repeat_every: int = 4 * 3600 * SECOND
