"""`gateway incidents report|lesson|item|items|sign`: post-mortems, and what people write into them."""

import getpass
import time
from typing import Any

import click

from gateway.cli import printing
from gateway.cli.asking import ask, json_option, peek
from gateway.prevent import files

PATIENCE_S = 120.0
"""An incident is resolved after a minute without a signal, and its post-mortem is drafted within another."""


@click.command()
@click.argument("number", type=int)
@click.option("--format", "form", type=click.Choice(files.FORMATS), default="md", show_default=True)
@click.option("--wait", is_flag=True, help="Until it is drafted, two minutes at most.")
@click.pass_obj
def report(admin: str, number: int, form: str, wait: bool) -> None:
    """The post-mortem of incident NUMBER."""
    path = f"/v1/incidents/{number}/report"
    if wait:
        ask(admin, f"/v1/incidents/{number}")
        _await(admin, path)
    click.echo(files.text(ask(admin, path), form), nl=False)


def _await(admin: str, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with printing.busy("waiting for the post-mortem"):
        while peek(admin, path) is None and time.monotonic() < deadline:
            time.sleep(1.0)


@click.command()
@click.argument("number", type=int)
@click.argument("kind", metavar="well|wrong|lucky", type=click.Choice(["well", "wrong", "lucky"]))
@click.argument("words")
@click.pass_obj
def lesson(admin: str, number: int, kind: str, words: str) -> None:
    """Add a lesson: what went well, what went wrong, where we were lucky."""
    path = f"/v1/incidents/{number}/report"
    said = ask(admin, path)["lessons"][kind]
    _told(ask(admin, path, {"lessons": {kind: [*said, words]}, "actor": getpass.getuser()}, "PATCH"))


@click.command()
@click.argument("number", type=int)
@click.argument("item", type=int, required=False)
@click.option("--text", help="What is to be done.")
@click.option("--type", "type", type=click.Choice(["prevent", "detect", "mitigate", "process"]))
@click.option("--owner", help="Who does it.")
@click.option("--due", metavar="YYYY-MM-DD")
@click.option("--ticket")
@click.option("--verify-by", metavar="WORDS", help="How it will be shown that it is done.")
@click.option("--status", type=click.Choice(["open", "done", "declined"]))
@click.pass_obj
def item(admin: str, /, number: int, item: int | None, **fields: str | None) -> None:
    """Change action item ITEM of incident NUMBER, or add one."""
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if item is not None:
        given["id"] = item
    _told(ask(admin, f"/v1/incidents/{number}/report", {"items": [given], "actor": getpass.getuser()}, "PATCH"))


@click.command()
@click.argument("number", type=int)
@click.argument("function")
@click.pass_obj
def sign(admin: str, number: int, function: str) -> None:
    """Say that you have reviewed it for FUNCTION, such as operations or development."""
    _told(ask(admin, f"/v1/incidents/{number}/report/sign", {"function": function, "actor": getpass.getuser()}))


@click.command()
@json_option
@click.pass_obj
def items(admin: str, as_json: bool) -> None:
    """Action items of all incidents that are not done."""
    found = ask(admin, "/v1/action-items")["items"]
    if as_json:
        printing.json_lines(found)
        return
    for each in found:
        click.echo(f"{each['incident']:>5}.{each['id']:<3} {each['type']:<9} {each['due'] or 'no date':<10}  "
                   f"{each['owner'] or 'nobody':<12}  {each['text']}")
    if not found:
        click.echo("nothing is left to be done")


COMMANDS = (report, lesson, item, items, sign)


def _told(record: dict[str, Any]) -> None:
    click.echo(f"{record['id']:>5}  {record['status']}  version {record['version']}")
    for each in record["missing"]:
        click.echo(f"       {each}")
