"""`gateway check FILE`: everything wrong with a config, without touching anything live."""

import json
import sys
from pathlib import Path

import click

from gateway.cli import exits
from gateway.cli import replay as replaying
from gateway.config import load, rules
from gateway.config.problems import ConfigError, Problem
from gateway.config.replay import Report
from gateway.config.replay_lines import document, lines
from gateway.routing.plan import Plan


@click.command()
@click.argument("config", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")
@click.option("--replay", "source", type=click.Path(path_type=Path, exists=True),
              help="Replay these requests too: flight records (a folder, or a .flight file) or an access log.")
@click.option("--since", default="", metavar="DURATION",
              help="Replay the requests of the last DURATION; without --replay those of the state folder.")
@click.option("--old", type=click.Path(path_type=Path, exists=True), help="The config that the replay compares with.")
@click.option("--host", default="", help="The host that was asked, where the log does not name it.")
@click.option("--approve", is_flag=True, help="Exit with 0 although the replay asks for a person's approval.")
def check(config: Path, as_json: bool, source: Path | None, since: str, old: Path | None, host: str,
          approve: bool) -> None:
    """Check a config FILE, or a folder of files, and the rules beside it; with --replay or --since also what it would
    deny.

    Exits 0 if it can be run, 1 if not, with every mistake listed; 4 if a person has to approve what it denies.
    """
    try:
        plan, obeyed = load.load(config), len(rules.beside(config))
    except ConfigError as error:
        click.echo(_machine_form(error.problems) if as_json else _text(error.problems))
        sys.exit(1)
    report = _replayed(plan, source, since, old, host) if source or since else None
    told = {"ok": True, "digest": plan.digest, "rules": obeyed, "problems": []}
    told |= {"replay": document(report)} if report else {}
    words = [_summary(config, plan, obeyed), *(lines(report) if report else [])]
    click.echo(json.dumps(told) if as_json else "\n".join(words))
    if report and report.objections() and not approve:
        sys.exit(exits.NEEDS_APPROVAL)


def _replayed(plan: Plan, source: Path | None, since: str, old: Path | None, host: str) -> Report:
    """Ends the command where nothing can be replayed."""
    try:
        return replaying.run(replaying.before(plan, old), plan, source, since, host)[0]
    except (ConfigError, OSError, ValueError) as error:
        click.echo(error, err=True)
        sys.exit(1)


def _summary(config: Path, plan: Plan, obeyed: int) -> str:
    under = f"; {_counted(obeyed, 'rule')} obeyed" if obeyed else ""
    routes = _counted(len(plan.watched), "route")
    upstreams = _counted(len(plan.users_upstreams), "upstream")
    return f"{config}: ok ({routes}, {upstreams}, plan {plan.digest[:12]}){under}"


def _text(problems: tuple[Problem, ...]) -> str:
    return "\n".join((*(str(problem) for problem in problems), _counted(len(problems), "problem")))


def _machine_form(problems: tuple[Problem, ...]) -> str:
    return json.dumps({"ok": False, "problems": [problem.snapshot() for problem in problems]}, indent=2)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
