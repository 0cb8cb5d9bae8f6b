"""`gateway audit`: who did what and when, and whether anybody has tampered with that."""

import sys
from typing import Any

import click

from gateway.cli.asking import admin_option, ask


@click.group(invoke_without_command=True)
@click.option("--limit", default=20, show_default=True)
@admin_option
@click.pass_context
def audit(context: click.Context, limit: int, admin: str) -> None:
    """The latest entries of the audit, the latest first."""
    context.obj = admin
    if context.invoked_subcommand is None:
        for each in ask(admin, f"/v1/audit?limit={limit}")["entries"]:
            click.echo(_line(each))


@audit.command()
@click.pass_obj
def verify(admin: str) -> None:
    """Follow the chain of hashes from the first entry. Exits 0 if it is whole, 1 if not or if no gateway answers.

    The last hash, noted elsewhere, tells later whether entries were cut off at the end.
    """
    found = ask(admin, "/v1/audit/verify")
    if found["whole"]:
        click.echo(f"{found['entries']} entries, whole; the last hash is {found['last_hash']}")
        return
    click.echo(f"entry {found['first_broken']} of {found['entries']} does not follow from the one before", err=True)
    sys.exit(1)


def _line(entry: dict[str, Any]) -> str:
    detail = "  ".join(f"{name}={value}" for name, value in entry["detail"].items() if value not in ("", None))
    return f"{entry['number']:>6}  {entry['at']}  {entry['who']}  {entry['what']}  {entry['target']}  {detail}"
