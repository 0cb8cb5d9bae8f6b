"""E-mail: one plain-text message for each alert, threaded by the incident (RFC 5322 References), so that a mail program
shows one conversation. The standard library's message class encodes and refuses line breaks in headers.
"""

import email.policy
import email.utils
from email.message import EmailMessage
from typing import Any


def message(sender: str, to: tuple[str, ...], kind: str, document: dict[str, Any], title: str, text: str,
            number: int, now: int) -> EmailMessage:
    """`number`: of the alert in the outbox, so that a repeated delivery has the same Message-ID."""
    host = email.utils.parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    thread = f"<{document['key']}@{host}>"
    found = EmailMessage(policy=email.policy.SMTP)
    found["From"], found["To"] = sender, ", ".join(to)
    found["Subject"] = " ".join(f"{title}{' is over' if kind == 'resolve' else ''}".split())
    found["Date"] = email.utils.formatdate(now // 10**9)
    found["Message-ID"] = f"<{document['key']}.{number}@{host}>"
    found["In-Reply-To"] = found["References"] = thread
    found["Auto-Submitted"] = "auto-generated"
    found["X-Gateway-Key"] = document["key"]
    found.set_content(f"{text}\n\nincident {document['id']}, {document['severity']}, {document['state']}\n")
    return found
