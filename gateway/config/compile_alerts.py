"""The settings of alerts -> their place in the plan. Nothing can fail here."""

from typing import Any

from gateway.model import alerting
from gateway.model.incident import Severity
from gateway.record.alerts.settings import AlertsSettings, ReceiverSettings, SecretSettings

NOWHERE = alerting.Secret()


def alerts(settings: AlertsSettings) -> alerting.Alerts:
    receivers = tuple(receiver(name, each) for name, each in settings.receivers.items())
    return alerting.Alerts(receivers, settings.wait, settings.update_every, settings.repeat_every)


def receiver(name: str, given: ReceiverSettings) -> alerting.Receiver:
    return alerting.Receiver(name, given.kind, **_target(given), severity=Severity[given.severity.upper()].value,
                             title=given.title, text=given.text)


def _target(given: ReceiverSettings) -> dict[str, Any]:
    if given.webhook:
        return {"url": given.webhook.url, "secret": _secret(given.webhook.secret)}
    if given.slack:
        return {"secret": _secret(given.slack.url)}
    if given.pagerduty:
        return {"url": given.pagerduty.url, "secret": _secret(given.pagerduty.routing_key)}
    if given.alertmanager:
        return {"url": given.alertmanager.url}
    assert given.email is not None
    mail = given.email
    return {"url": mail.server, "sender": mail.sender, "to": mail.to, "user": mail.user,
            "secret": _secret(mail.password)}


def _secret(given: SecretSettings | None) -> alerting.Secret:
    return alerting.Secret(given.env, given.file) if given else NOWHERE
