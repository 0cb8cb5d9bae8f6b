"""Alerts on their way out: what is due in the outbox is sent, all at once, and never waited for by anything else.

A receiver that hangs is given SEND_SECONDS; what failed waits in the outbox, longer each time. Nothing of a secret
reaches a log: a fault is told by its kind and the receiver's name, never by its URL.
"""

import asyncio
import json
import logging
import os
import smtplib
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from gateway.model import alerting
from gateway.model.alerting import Alerts, Receiver, Secret
from gateway.record.alerts import alertmanager, mail, pagerduty, slack, webhook
from gateway.record.alerts.outgoing import Post, fill
from gateway.record.outbox import Waiting
from gateway.record.store import NotStored, Store

SEND_SECONDS = 10.0
LOOK_SECONDS = 0.5
SECRET_MAX = 4096


class NotSent(Exception):
    """The message says why, without anything secret."""


class Delivery:
    """`alerts`: what the plan says now."""

    def __init__(self, store: Callable[[], Store], alerts: Callable[[], Alerts], log: logging.Logger) -> None:
        self._store = store
        self._alerts = alerts
        self._log = log

    async def watch(self) -> None:
        """For ever: send what is due."""
        timeout = aiohttp.ClientTimeout(total=SEND_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                try:
                    await self.turn(session, time.time_ns())
                except NotStored as error:
                    self._log.error("the outbox cannot be read: %s", error)
                await asyncio.sleep(LOOK_SECONDS)

    async def turn(self, session: aiohttp.ClientSession, now: int) -> None:
        """Raises NotStored."""
        due = self._store().due_alerts(now)
        await asyncio.gather(*(self._deliver(session, each, now) for each in due))

    async def _deliver(self, session: aiohttp.ClientSession, waiting: Waiting, now: int) -> None:
        try:
            await self._send(session, waiting, now)
        except NotSent as error:
            if not self._store().alert_failed(waiting, str(error), now):
                self._log.error("an alert on incident %d to %s is given up: %s", waiting.incident,
                                waiting.alert.receiver, error)
            elif waiting.attempts == 0:
                self._log.warning("an alert on incident %d did not reach %s yet: %s", waiting.incident,
                                  waiting.alert.receiver, error)
        else:
            self._store().alert_delivered(waiting.number)

    async def _send(self, session: aiohttp.ClientSession, waiting: Waiting, now: int) -> None:
        alerts = self._alerts()
        receiver = next((each for each in alerts.receivers if each.name == waiting.alert.receiver), None)
        if receiver is None:
            raise NotSent("there is no such receiver in the config any more")
        if receiver.kind == alerting.EMAIL:
            await _mail(receiver, _message(receiver, waiting, now))
        else:
            await _post(session, compose(receiver, waiting, now, 2 * max(alerts.repeat_every, alerts.update_every)))


def compose(receiver: Receiver, waiting: Waiting, now: int, lasts: int) -> Post:
    """Raises NotSent where its secret cannot be read."""
    document, kind = json.loads(waiting.alert.document), waiting.alert.kind
    title, text = fill(receiver.title, document), fill(receiver.text, document)
    hidden = secret(receiver.secret)
    if receiver.kind == alerting.WEBHOOK:
        return webhook.post(receiver.url, hidden, kind, document, title, text, now)
    if receiver.kind == alerting.SLACK:
        return slack.post(hidden, kind, document, title, text)
    if receiver.kind == alerting.PAGERDUTY:
        return pagerduty.post(receiver.url, hidden, kind, document, title, text)
    return alertmanager.post(receiver.url, kind, document, title, text, now, lasts)


def secret(where: Secret) -> str:
    """The secret, "" where there is none to read. Raises NotSent."""
    if where.env:
        found = os.environ.get(where.env, "")
        if not found:
            raise NotSent(f"the environment variable {where.env} is not set")
        return found
    if not where.file:
        return ""
    try:
        with Path(where.file).open() as file:
            return file.read(SECRET_MAX).strip()
    except (OSError, ValueError) as error:
        raise NotSent(f"{where.file} cannot be read: {type(error).__name__}") from None


async def _post(session: aiohttp.ClientSession, post: Post) -> None:
    try:
        async with session.post(post.url, data=post.body, headers=dict(post.headers), allow_redirects=False) as answer:
            if not 200 <= answer.status < 300:
                raise NotSent(f"it answered {answer.status}")
    except TimeoutError:
        raise NotSent(f"no answer within {SEND_SECONDS:.0f} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotSent(f"it cannot be reached: {type(error).__name__}") from None


def _message(receiver: Receiver, waiting: Waiting, now: int) -> EmailMessage:
    document = json.loads(waiting.alert.document)
    return mail.message(receiver.sender, receiver.to, waiting.alert.kind, document, fill(receiver.title, document),
                        fill(receiver.text, document), waiting.number, now)


async def _mail(receiver: Receiver, message: EmailMessage) -> None:
    try:
        await asyncio.wait_for(asyncio.to_thread(_submit, receiver, message), SEND_SECONDS)
    except TimeoutError:
        raise NotSent(f"no answer within {SEND_SECONDS:.0f} s") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"the mail was not taken: {type(error).__name__}") from None


def _submit(receiver: Receiver, message: EmailMessage) -> None:
    """smtps:// is encrypted from the start; smtp:// is encrypted where the server offers it, and always before a
    password is sent."""
    parts = urlsplit(receiver.url)
    host, port, tls = parts.hostname or "localhost", parts.port or 0, ssl.create_default_context()
    connected = (smtplib.SMTP_SSL(host, port, timeout=SEND_SECONDS, context=tls) if parts.scheme == "smtps" else
                 smtplib.SMTP(host, port, timeout=SEND_SECONDS))
    with connected as server:
        server.ehlo()
        if parts.scheme == "smtp" and (receiver.user or server.has_extn("starttls")):
            server.starttls(context=tls)
        if receiver.user:
            server.login(receiver.user, secret(receiver.secret))
        server.send_message(message)
