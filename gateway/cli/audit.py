"""`gateway audit`: who did what and when, and whether anybody has tampered with that."""

import dataclasses
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from gateway.cli import exits, printing
from gateway.cli.asking import admin_option, ask, json_option

NONE = "none"


@click.group(invoke_without_command=True)
@click.option("--limit", default=20, show_default=True)
@json_option
@admin_option
@click.pass_context
def audit(context: click.Context, limit: int, as_json: bool, admin: str) -> None:
    """The latest entries of the audit, the latest first: who, what, on what, why, and what was before and after."""
    context.obj = admin
    if context.invoked_subcommand is None:
        entries = ask(admin, f"/v1/audit?limit={limit}")["entries"]
        if as_json:
            printing.json_lines(entries)
        else:
            click.echo("\n".join(map(_line, entries)))


@audit.command()
@click.option("--noted", default="", metavar="HASH", help="The last hash of an earlier time: is it still in the chain?")
@click.option("--state-dir", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Read the store in this folder, a copy or that of a gateway that does not run, and ask nobody.")
@json_option
@click.pass_obj
def verify(admin: str, noted: str, state_dir: Path | None, as_json: bool) -> None:
    """Follow the chain of hashes from the first entry. Exits 0 if it is whole, 1 if not or if it cannot be read.

    The last hash, noted elsewhere, tells later with --noted whether entries were cut off at the end or all made anew.
    """
    found = _from_file(state_dir, noted) if state_dir else ask(admin, "/v1/audit/verify?" + urlencode({"noted": noted}))
    if as_json:
        printing.json_document(found)
    else:
        _tell(found, noted)
    if found["first_broken"] is not None or found["has_noted"] is False:
        sys.exit(exits.FAILED)


def _tell(found: dict[str, Any], noted: str) -> None:
    if found["first_broken"] is not None:
        click.echo(f"entry {found['first_broken']} of {found['entries']} does not follow from the one before", err=True)
    elif found["has_noted"] is False:
        click.echo(f"{found['entries']} entries, none with the hash {noted}: some were cut off at the end, or all "
                   "were made anew", err=True)
    else:
        click.echo(f"{found['entries']} entries, whole; the last hash is {found['last_hash']}")


def _from_file(folder: Path, noted: str) -> dict[str, Any]:
    from gateway.record import store

    try:
        return dataclasses.asdict(store.verified(folder / store.NAME, noted))
    except store.NotStored as error:
        click.echo(error, err=True)
        sys.exit(exits.FAILED)


def _line(entry: dict[str, Any]) -> str:
    detail = dict(entry["detail"])
    changed = _changed(detail.pop("before", None) or {}, detail.pop("after", None) or {})
    told = [f"{name}={value}" for name, value in detail.items() if value not in ("", None)]
    named = (entry[name] for name in ("at", "who", "what", "target"))
    return "  ".join([f"{entry['number']:>6}", *named, *told, *changed])


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [f"{name}: {before.get(name) or NONE} -> {after.get(name) or NONE}" for name in before | after]
