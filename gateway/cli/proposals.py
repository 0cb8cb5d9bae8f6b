"""`gateway incidents proposals|accept|decline`: what would put an incident right, or keep it from coming back."""

import getpass
from typing import Any

import click

from gateway.cli import printing
from gateway.cli.asking import ask, json_option


@click.command()
@click.argument("number", type=int)
@click.argument("proposal", type=int, required=False)
@json_option
@click.pass_obj
def proposals(admin: str, number: int, proposal: int | None, as_json: bool) -> None:
    """What is proposed about incident NUMBER; PROPOSAL in full."""
    found = ask(admin, f"/v1/incidents/{number}/proposals")["proposals"]
    found = [each for each in found if proposal in (None, each["id"])]
    if as_json:
        printing.json_lines(found)
        return
    for each in found:
        click.echo(_row(each) if proposal is None else _whole(each))
    if not found:
        click.echo("nothing is proposed")


@click.command()
@click.argument("number", type=int)
@click.argument("proposal", type=int)
@click.argument("reason", default="")
@click.pass_obj
def accept(admin: str, number: int, proposal: int, reason: str) -> None:
    """Take PROPOSAL: write it beside the config, or apply it and write it into the config."""
    _decide(admin, number, proposal, "accept", reason)


@click.command()
@click.argument("number", type=int)
@click.argument("proposal", type=int)
@click.argument("reason")
@click.pass_obj
def decline(admin: str, number: int, proposal: int, reason: str) -> None:
    """Do not take PROPOSAL, and say why."""
    _decide(admin, number, proposal, "decline", reason)


COMMANDS = (proposals, accept, decline)


def _decide(admin: str, number: int, proposal: int, verb: str, reason: str) -> None:
    body = {"reason": reason, "actor": getpass.getuser()}
    decided = ask(admin, f"/v1/incidents/{number}/proposals/{proposal}/{verb}", body)
    click.echo("\n".join(filter(None, (_row(decided), decided["done"]))))


def _row(each: dict[str, Any]) -> str:
    return f"{each['id']:>5}  {each['state']:<8}  {each['kind']:<9}  {each['title']}"


def _whole(each: dict[str, Any]) -> str:
    proof = "\n".join(f"  {line}" for line in each["proof"])
    replay = "\n".join(f"  {line}" for line in each["replay"])
    replayed = f"\nreplayed on recorded requests:\n{replay}" if replay else ""
    return f"{_row(each)}\n{each['why']}\n{proof}{replayed}\n\n{each['diff'] or each['body']}"
