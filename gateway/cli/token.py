"""`gateway token`: make, list and revoke the tokens of the admin API, on the gateway's own machine.

They are made beside a running gateway or before its first start, by whoever may write its state folder: that is the
root of trust. A running gateway heeds a change with the next request.
"""

import getpass
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gateway.cli import exits, printing
from gateway.cli.asking import json_option
from gateway.model import role as roles
from gateway.record import audit
from gateway.record.revision import utc_text
from gateway.record.store import NotStored, open_store
from gateway.record.tokens import TokenFile, TokensError

reason_option = click.option("--reason", default="", help="Why, for whoever reads the audit later.")


@click.group()
@click.option("--state-dir", metavar="DIR", default="./state", show_default=True, envvar="GATEWAY_STATE",
              type=click.Path(path_type=Path), help="The state folder of the gateway.")
@click.pass_context
def token(context: click.Context, state_dir: Path) -> None:
    """Tokens of the admin API. With the first one, everybody needs one."""
    context.obj = state_dir


@token.command()
@click.argument("name")
@click.option("--role", "role_name", required=True, type=click.Choice([role.name.lower() for role in roles.Role]),
              help="viewer looks, operator acts, admin changes config.")
@reason_option
@click.pass_obj
def add(state_dir: Path, name: str, role_name: str, reason: str) -> None:
    """Make the token NAME and print it, this once: only its hash is kept. Exits 0, or 1 if it cannot be made."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _refusals():
        text = TokenFile(state_dir).add(name, roles.parse(role_name), time.time_ns())
        _note(state_dir, "token.add", name, {"reason": reason} | audit.change(None, {"role": role_name}))
    click.echo(text)


@token.command("list")
@json_option
@click.pass_obj
def list_(state_dir: Path, as_json: bool) -> None:
    """The tokens that are valid: name, role, when made."""
    with _refusals():
        found = [{"name": each.name, "role": each.role.name.lower(), "made": utc_text(each.made_ns)}
                 for each in TokenFile(state_dir).tokens()]
    if as_json:
        printing.json_lines(found)
    else:
        if not found:
            click.echo("there is none: programs of this machine may do everything; `gateway token add` makes one",
                       err=True)
        for each in found:
            click.echo(f"{each['name']:24} {each['role']:10} {each['made']}")


@token.command()
@click.argument("name")
@reason_option
@click.pass_obj
def revoke(state_dir: Path, name: str, reason: str) -> None:
    """Nobody is let in by NAME any more, from the next request on. Exits 0, or 1 if there is none."""
    with _refusals():
        gone = TokenFile(state_dir).revoke(name)
        _note(state_dir, "token.revoke", name,
              {"reason": reason} | audit.change({"role": gone.role.name.lower()}, None))
    click.echo(f"{name} is revoked")


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (TokensError, ValueError) as error:
        printing.failed(error)
        sys.exit(exits.FAILED)


def _note(folder: Path, what: str, name: str, detail: dict[str, Any]) -> None:
    """Into the audit; what was done stands even where that cannot be written, which is then said."""
    try:
        store = open_store(folder, time.time_ns(), logging.getLogger("gateway"))
        store.note(time.time_ns(), f"shell:{getpass.getuser()}", what, f"token:{name}", detail)
        store.close()
    except NotStored as error:
        click.echo(f"done, but not in the audit: {error}", err=True)
