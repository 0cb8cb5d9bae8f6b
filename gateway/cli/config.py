"""`gateway config …`: what was applied, what would change, apply and roll back; all through the admin API."""

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from gateway.cli import exits, printing
from gateway.cli.asking import admin_option, ask, json_option, told

reason_option = click.option("--reason", default="", help="Why, for whoever reads the audit later.")


@click.group()
@admin_option
@click.pass_context
def config(context: click.Context, admin: str) -> None:
    """Revisions of the config that a running gateway serves."""
    context.obj = admin


@config.command()
@click.option("--limit", default=20, show_default=True)
@json_option
@click.pass_obj
def log(admin: str, limit: int, as_json: bool) -> None:
    """The revisions that were applied, the latest first."""
    found = ask(admin, f"/v1/revisions?limit={limit}")["revisions"]
    if as_json:
        printing.json_lines(found)
    else:
        click.echo("\n".join(map(_line, found)))


@config.command()
@click.argument("number", type=int, required=False)
@json_option
@click.pass_obj
def show(admin: str, number: int | None, as_json: bool) -> None:
    """One revision with its text; the one that is served if no NUMBER is given."""
    if number is None:
        number = ask(admin, "/v1/config")["revision"]["number"]
    found = ask(admin, f"/v1/revisions/{number}")
    told(found, as_json, f"# {_line(found)}\n{found['text']}")


@config.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@json_option
@click.pass_obj
def diff(admin: str, file: Path, as_json: bool) -> None:
    """What applying FILE would change, by route, upstream and key."""
    answer = ask(admin, "/v1/config/diff", {"documents": _documents(file)})
    told(answer, as_json, "\n".join(answer["changes"] or [f"nothing: revision {answer['revision']} does the same"]))


@config.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@reason_option
@click.option("--since", default="1h", show_default=True, help="Replay the requests of the last so long first.")
@click.option("--approve", is_flag=True, help="Apply it although the replay asks for a person's approval.")
@click.option("--no-probation", is_flag=True, help="To all clients at once, and never rolled back by itself.")
@json_option
@click.pass_obj
def apply(admin: str, file: Path, reason: str, since: str, approve: bool, no_probation: bool, as_json: bool) -> None:
    """Check FILE, or a folder of files, replay recorded requests, and serve it: on probation first.

    Exits 4 if the replay asks for approval: more than 0.1 % of the requests newly denied, or 5 % of a top client's.
    """
    documents = _documents(file)
    with printing.busy(f"replaying the requests of the last {since}"):
        report = ask(admin, "/v1/config/replay", {"documents": documents, "since": since})
    _replayed(report, approve)
    sent = {"documents": documents, "actor": getpass.getuser(), "reason": reason}
    made = ask(admin, "/v1/config", sent | ({"probation": False} if no_probation else {}))
    told(made, as_json, _line(made))


@config.command()
@click.argument("number", type=int, required=False)
@reason_option
@json_option
@click.pass_obj
def rollback(admin: str, number: int | None, reason: str, as_json: bool) -> None:
    """Serve an earlier revision again: NUMBER, or the one before."""
    made = ask(admin, "/v1/config/rollback", {"to": number, "actor": getpass.getuser(), "reason": reason})
    told(made, as_json, _line(made))


def _replayed(report: dict[str, Any], approve: bool) -> None:
    """Show it; end the command where a person has to approve."""
    if not report.get("requests") and "fault" not in report:
        click.echo("no recorded requests to replay", err=True)
        return
    for line in report.get("lines", [f"not replayed: {report.get('fault')}"]):
        click.echo(line, err=True)
    if (report.get("objections") or "fault" in report) and not approve:
        click.echo("not applied: look at what is above, then say --approve", err=True)
        sys.exit(exits.NEEDS_APPROVAL)


def _line(revision: dict[str, Any]) -> str:
    state = f"  {revision['state']}" if "state" in revision else ""
    reason = f"  {revision['reason']}" if revision["reason"] else ""
    base = f" to {revision['base']}" if revision["base"] else ""
    commit = f"  {revision['commit'][:12]}{'+' if revision['dirty'] else ''} {revision['author']}"
    who = f"{revision['who']} {revision['note']}".strip()
    watched = revision.get("probation")
    proven = ", not proven" if watched and not watched["proven"] else ""
    probation = f"  {watched['state']}{proven}: {watched['verdict']}" if watched else ""
    return (f"{revision['number']:>5}  {revision['at']}  {revision['content'][:12]}  {revision['how']}{base}  {who}"
            f"{commit if revision['commit'] else ''}{state}{probation}{reason}")


def _documents(path: Path) -> dict[str, str]:
    from gateway.config import files
    from gateway.config.problems import ConfigError

    try:
        return {name: data.decode() for name, data in files.gather(path).items()}
    except (ConfigError, UnicodeDecodeError) as error:
        printing.failed(error)
        sys.exit(exits.FAILED)
