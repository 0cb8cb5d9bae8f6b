"""`gateway release TARGET|NUMBER`: lift an isolation before its time is over."""

import getpass
import sys

import click

from gateway.cli import completion
from gateway.cli.asking import admin_option, ask, json_option, told


@click.command()
@click.argument("target", metavar="TARGET|NUMBER", shell_complete=completion.targets)
@click.option("--reason", default="", help="Why, for the audit.")
@json_option
@admin_option
def release(target: str, reason: str, as_json: bool, admin: str) -> None:
    """Let requests to an isolated TARGET through again; `gateway status` shows what is isolated.

    Exits 0 once it is released, 1 if it is not isolated or no gateway answers, 2 on wrong usage.
    """
    number = int(target) if target.isascii() and target.isdigit() else _number_of(target, admin)
    ended = ask(admin, f"/v1/isolations/{number}", {"reason": reason, "actor": getpass.getuser()}, method="DELETE")
    told(ended, as_json, f"{ended['target']} is released")


def _number_of(target: str, admin: str) -> int:
    listed = ask(admin, "/v1/isolations")["isolations"]
    for each in listed:
        if each["target"] == target:
            return int(each["id"])
    click.echo(f"{target} is not isolated; isolated are: {', '.join(each['target'] for each in listed) or 'none'}",
               err=True)
    sys.exit(1)
