"""`gateway isolate TARGET`: take a route, an upstream, an endpoint or a client out of service for a time."""

import getpass
from typing import Any

import click

from gateway.cli import completion
from gateway.cli.asking import admin_option, ask, json_option, told


@click.command()
@click.argument("target", shell_complete=completion.targets)
@click.option("--for", "ttl", metavar="TIME", default="30m", show_default=True, help="How long, such as 90s or 2h.")
@click.option("--reason", required=True, help="Why; whoever looks at it next must know.")
@click.option("--keep-open", is_flag=True, help="Leave the target's open tunnels alone.")
@json_option
@admin_option
def isolate(target: str, ttl: str, reason: str, keep_open: bool, as_json: bool, admin: str) -> None:
    """Refuse all requests to TARGET, in every worker, until its time is over or `gateway release`.

    TARGET is route:NAME, upstream:NAME, endpoint:ADDRESS, endpoint:UPSTREAM/ADDRESS or client:ADDRESS. Exits 0 once it
    is in force, 1 if it was refused or no gateway answers, 2 on wrong usage.
    """
    made = ask(admin, "/v1/isolations", {"target": target, "ttl": ttl, "reason": reason, "keep_open": keep_open,
                                         "actor": getpass.getuser()})
    told(made, as_json, f"{made['target']} is isolated until {made['expires']} (number {made['id']})\n"
                        f"{touched(made['touches'])}")


def touched(reach: dict[str, Any]) -> str:
    """How much of the traffic that is, in words."""
    if reach["requests"] is None:
        return "how many requests that touches is not known"
    share = "" if reach["share"] is None else f", {100 * reach['share']:.4g} % of all"
    return f"in the last minute it had {reach['requests']} of {reach['total']} requests{share}"
