"""`gateway incidents hold|force|skip|undo`: what the gateway does by itself, overruled by a person who says why."""

import getpass
from typing import Any

import click

from gateway.cli.asking import ask


def _order(name: str, words: str, lasts: bool) -> click.Command:
    options: list[click.Parameter] = [click.Argument(["number"], type=int), click.Argument(["action"], type=int),
                                      click.Argument(["reason"])]
    if lasts:
        options.append(click.Option(["--ttl"], default="30m", show_default=True, help="For how long."))

    @click.pass_obj
    def order(admin: str, /, number: int, action: int, reason: str, **ttl: str) -> None:
        body = {"reason": reason, "actor": getpass.getuser(), **ttl}
        click.echo(line(ask(admin, f"/v1/incidents/{number}/actions/{action}/{name}", body)))

    return click.Command(name, callback=order, params=options, help=words)


COMMANDS = (
    _order("hold", "Let ACTION of incident NUMBER stand, whatever is measured.", lasts=True),
    _order("force", "Do ACTION now, whatever `respond` says.", lasts=True),
    _order("skip", "Leave ACTION out.", lasts=False),
    _order("undo", "Undo ACTION at once.", lasts=False),
)


def line(each: dict[str, Any]) -> str:
    share = "" if each["touches"] is None else f"  touches {each['touches']:.0%}"
    ends = f"  until {each['expires']}" if each["expires"] else ""
    verdict = f"  {each['verdict']}" if each["verdict"] else ""
    return f"{each['id']:>5}  {each['state']:<9}  {each['kind']} {each['target']}{share}{ends}{verdict}"
