"""`gateway requests … --flag WORDS`: whoever reviews the log says that what is found looks wrong."""

import getpass
import sys
from collections import Counter
from typing import Any

import click

from gateway.cli.asking import ask

ROUTES_MOST = 5


def flag(admin: str, found: list[dict[str, Any]], words: str) -> None:
    """A report for each route among them; exits 1 where there is none, or too many to mean anything."""
    routes = Counter(each["route"] for each in found if each["route"])
    if not 0 < len(routes) <= ROUTES_MOST:
        why = f"these are of {len(routes)} routes; narrow it down, such as by --route" if routes else (
            "no request of a route matches")
        click.echo(f"nothing was flagged: {why}", err=True)
        sys.exit(1)
    for route, count in routes.items():
        first = next(each for each in found if each["route"] == route)
        said = f"{words} ({count} requests, such as {first['method']} {first['path'][:80]}: {first['status']})"
        ask(admin, "/v1/reports", {"target": f"route:{route}", "kind": "log review", "words": said,
                                   "actor": getpass.getuser()})
        click.echo(f"flagged route:{route}: {count} requests")
