"""What was learned, where the next reader looks: a change log, and a runbook for each route. Markdown that only grows,
so that people may write into it too.
"""

import re
from collections.abc import Iterator, Sequence

from gateway.model.proposal import Proposal

CHANGES = "CHANGES.md"
FOLDER = "runbook"
HEAD = "# What was changed because of incidents\n\n"
ROUTE_HEAD = "# Runbook of the route {route}\n\nWhat its incidents have taught. Write below what to do, too.\n\n"
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def entries(accepted: Proposal, routes: Sequence[str], at: str) -> Iterator[tuple[str, str, str]]:
    """(file, how it begins, what is added) for the change log and each route."""
    yield CHANGES, HEAD, _line(accepted, at)
    for route in routes:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", route)[:80]
        yield f"{FOLDER}/{name}.md", ROUTE_HEAD.format(route=_text(route)), _line(accepted, at)


def _line(accepted: Proposal, at: str) -> str:
    because = f" Because: {_text(accepted.reason)}." if accepted.reason else ""
    return (f"- {at[:10]}, incident {accepted.incident}: {_text(str(accepted))} ({_text(accepted.name)}), accepted by "
            f"{_text(accepted.who)}. {_text(accepted.why)}.{because}\n")


def _text(text: str) -> str:
    """On one line, its markup escaped."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
