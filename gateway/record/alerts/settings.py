"""What a user writes about who is told of incidents. A secret is named by where it is, never written."""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gateway.model import alerting, kinds
from gateway.model.safeguards import SECOND

KINDS = (alerting.WEBHOOK, alerting.SLACK, alerting.PAGERDUTY, alerting.ALERTMANAGER, alerting.EMAIL)
PLACE = re.compile(r"\{([a-z_]+)\}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAILBOX = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")


def web_address(value: str) -> str:
    return _url(value, ("http", "https"), "https://alerts.example.com/hook")


def mail_server(value: str) -> str:
    return _url(value, ("smtp", "smtps"), "smtps://mail.example.com:465")


def _url(value: str, schemes: tuple[str, ...], example: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname or not value.isprintable() or " " in value:
        raise ValueError(f"must be {' or '.join(f'{scheme}://…' for scheme in schemes)}, such as {example}")
    if parts.username or parts.password:
        raise ValueError("must not hold a name or password; a secret is given by env: or file:")
    return value


def template(value: str) -> str:
    """Known names in braces only, as any other would stay as it is in the alert."""
    for name in PLACE.findall(value):
        if name not in alerting.FIELDS:
            raise ValueError(f"{{{name}}} is nothing that can be told{kinds.suggestion(name, alerting.FIELDS)}")
    return value


def variable(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise ValueError("must be the name of an environment variable, such as SLACK_URL")
    return value


def mailbox(value: str) -> str:
    if not MAILBOX.fullmatch(value):
        raise ValueError("must be a mail address, such as ops@example.com")
    return value


WebAddress = Annotated[str, kinds.words(web_address, examples=["https://alerts.example.com/hook"])]
MailServer = Annotated[str, kinds.words(mail_server, examples=["smtps://mail.example.com:465"])]
Template = Annotated[str, kinds.words(template)]
Variable = Annotated[str, kinds.words(variable, examples=["SLACK_URL"])]
Mailbox = Annotated[str, kinds.words(mailbox, examples=["ops@example.com"])]


class SecretSettings(kinds.Settings):
    """Where a secret is: exactly one of env and file."""

    env: Variable = ""
    """An environment variable of the gateway."""
    file: kinds.FilePath = ""
    """A file; read at each use, so that it can be replaced."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.env) == bool(self.file):
            raise ValueError("write exactly one of env and file")
        return self


class WebhookSettings(kinds.Settings):
    """The incident as JSON, to any program."""

    url: WebAddress
    """Where to."""
    secret: SecretSettings | None = None
    """Signs each delivery: HMAC-SHA256 over time and body."""


class SlackSettings(kinds.Settings):
    """A Slack channel."""

    url: SecretSettings
    """The incoming webhook's URL, which is a secret."""


class PagerDutySettings(kinds.Settings):
    """PagerDuty, Events API v2."""

    routing_key: SecretSettings
    """The integration key."""
    url: WebAddress = "https://events.pagerduty.com/v2/enqueue"
    """Another region's address, or a proxy's."""


class AlertmanagerSettings(kinds.Settings):
    """Prometheus Alertmanager, API v2."""

    url: WebAddress
    """Its address, without /api/v2."""


class EmailSettings(kinds.Settings):
    """E-mail by SMTP."""

    server: MailServer
    """`smtps://` is encrypted from the start, `smtp://` where the server offers it."""
    sender: Mailbox
    """The From address."""
    to: Annotated[tuple[Mailbox, ...], Field(min_length=1)]
    """Who gets it."""
    user: kinds.Text = ""
    """The name to log in with."""
    password: SecretSettings | None = None
    """Its password."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together; write both or none")
        return self


class ReceiverSettings(kinds.Settings):
    """One receiver: exactly one of webhook, slack, pagerduty, alertmanager and email."""

    webhook: WebhookSettings | None = None
    """The incident as JSON, to any program."""
    slack: SlackSettings | None = None
    """A Slack channel."""
    pagerduty: PagerDutySettings | None = None
    """PagerDuty, Events API v2."""
    alertmanager: AlertmanagerSettings | None = None
    """Prometheus Alertmanager, API v2."""
    email: EmailSettings | None = None
    """E-mail by SMTP."""
    severity: Annotated[str, kinds.choice("critical", "major", "minor", "notice")] = "notice"
    """The least severity it hears of."""
    title: Template = alerting.TITLE
    """The subject; parts of the incident in braces."""
    text: Template = alerting.TEXT
    """The message; parts of the incident in braces."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'nothing'} is given; write exactly one of {', '.join(KINDS)}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind))


class AlertsSettings(kinds.Settings):
    """Who is told about incidents."""

    wait: kinds.DurationOrZero = 10 * SECOND
    """An incident that is over sooner is not told."""
    update_every: kinds.Duration = 300 * SECOND
    """What is new about it is told at most so often; that it is worse, at once."""
    repeat_every: kinds.Duration = 4 * 3600 * SECOND
    """What is not new is told again so often, until somebody acknowledges it."""
    receivers: dict[kinds.Name, ReceiverSettings] = Field(default_factory=dict)
    """Who, by name."""
