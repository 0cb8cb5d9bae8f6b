"""`gateway breaker UPSTREAM open|closed|auto`: force a circuit breaker by hand for a time, or leave it to itself."""

import getpass
from urllib.parse import quote

import click

from gateway.cli.asking import admin_option, ask, json_option, told


@click.command()
@click.argument("upstream")
@click.argument("state", type=click.Choice(["open", "closed", "auto"]))
@click.option("--for", "ttl", metavar="TIME", default="30m", show_default=True, help="How long, such as 90s or 2h.")
@click.option("--reason", default="", help="Why; needed for open and closed.")
@json_option
@admin_option
def breaker(upstream: str, state: str, ttl: str, reason: str, as_json: bool, admin: str) -> None:
    """Force the breaker of UPSTREAM open (no request gets through) or closed (all do); `auto` lifts that.

    The breaker goes on underneath and takes over when the time is over. Exits 0 once it is in force, 1 if it was
    refused or no gateway answers, 2 on wrong usage.
    """
    body = {"state": state, "reason": reason, "actor": getpass.getuser()}
    made = ask(admin, f"/v1/breakers/{quote(upstream, safe='')}", body if state == "auto" else body | {"ttl": ttl})
    now = "left to itself" if state == "auto" else f"forced {state} until {made['expires']}"
    told(made, as_json, f"the breaker of {made['target']} is {now}")
