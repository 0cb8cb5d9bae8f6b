"""`gateway incidents`: what goes wrong, what went wrong, and what people say and do about it."""

import getpass
from typing import Any

import click

from gateway.cli import incident_actions, printing, proposals, regression, reports
from gateway.cli.asking import admin_option, ask, json_option


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Those that are over too, the latest first.")
@click.option("--limit", default=20, show_default=True)
@json_option
@admin_option
@click.pass_context
def incidents(context: click.Context, everything: bool, limit: int, as_json: bool, admin: str) -> None:
    """Incidents that are open, the worst first."""
    context.obj = admin
    if context.invoked_subcommand is not None:
        return
    found = ask(admin, f"/v1/incidents?all=true&limit={limit}" if everything else "/v1/incidents")["incidents"]
    if as_json:
        printing.json_lines(found)
        return
    for each in found:
        click.echo(_row(each))
    if not found:
        click.echo("no incident is open" if not everything else "there was none")


@incidents.command()
@click.argument("number", type=int)
@json_option
@click.pass_obj
def show(admin: str, number: int, as_json: bool) -> None:
    """One incident with its signals and its timeline."""
    found = ask(admin, f"/v1/incidents/{number}")
    if as_json:
        printing.json_document(found)
    else:
        _tell(found)


def _tell(found: dict[str, Any]) -> None:
    click.echo(_row(found))
    click.echo(f"onset {found['onset']}  opened {found['opened']}  relapses {found['relapses']}")
    if found["cause"]:
        click.echo(f"cause: {found['cause']}")
    for name in ("acknowledged_by", "assignee", "merged_into"):
        if found[name]:
            click.echo(f"{name.replace('_', ' ')}: {found[name]}")
    for each in found["signals"]:
        against = f", threshold {each['threshold']}" if each["threshold"] else ""
        click.echo(f"  {each['kind']} on {each['target']} since {each['onset']}: {each['observed']}{against}")
    for each in found["actions"]:
        click.echo(incident_actions.line(each))
    for each in found["timeline"]:
        click.echo(f"{each['at']}  {each['who']}  {each['kind']}  {each['words']}")


@incidents.command()
@click.argument("number", type=int)
@click.pass_obj
def ack(admin: str, number: int) -> None:
    """Say that somebody looks at it: repeated alerts end."""
    _did(admin, number, "ack")


@incidents.command()
@click.argument("number", type=int)
@click.argument("to")
@click.pass_obj
def assign(admin: str, number: int, to: str) -> None:
    """Give it to somebody."""
    _did(admin, number, "assign", to=to)


@incidents.command()
@click.argument("number", type=int)
@click.argument("words")
@click.pass_obj
def comment(admin: str, number: int, words: str) -> None:
    """Add a line to its timeline."""
    _did(admin, number, "comment", words=words)


@incidents.command()
@click.argument("number", type=int)
@click.argument("into", type=int)
@click.pass_obj
def merge(admin: str, number: int, into: int) -> None:
    """Let it go on as incident INTO."""
    _did(admin, number, "merge", into=into)


@incidents.command()
@click.argument("number", type=int)
@click.argument("targets", nargs=-1, required=True)
@click.pass_obj
def split(admin: str, number: int, targets: tuple[str, ...]) -> None:
    """Let TARGETS of it go on as an incident of their own."""
    _did(admin, number, "split", targets=list(targets))


@incidents.command()
@click.argument("number", type=int)
@click.argument("words")
@click.pass_obj
def resolve(admin: str, number: int, words: str) -> None:
    """Say that it is over, and why; what is still wrong opens it again."""
    _did(admin, number, "resolve", words=words)


@incidents.command()
@click.argument("number", type=int)
@click.argument("words")
@click.pass_obj
def reopen(admin: str, number: int, words: str) -> None:
    """Say that it is not over, and why."""
    _did(admin, number, "reopen", words=words)


@incidents.command()
@click.argument("number", type=int)
@click.pass_obj
def review(admin: str, number: int) -> None:
    """Say that its post-mortem is done."""
    _did(admin, number, "review")


for each in (*incident_actions.COMMANDS, *reports.COMMANDS, *proposals.COMMANDS, *regression.COMMANDS):
    incidents.add_command(each)


def _did(admin: str, number: int, deed: str, **body: Any) -> None:
    click.echo(_row(ask(admin, f"/v1/incidents/{number}/{deed}", {**body, "actor": getpass.getuser()})))


def _row(each: dict[str, Any]) -> str:
    return f"{each['id']:>5}  {each['state']:<9}  {each['severity']:<8}  {each['onset']}  {each['title']}"
