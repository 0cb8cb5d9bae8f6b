"""`gateway check FILE`: everything wrong with a config, without touching anything live."""

import json
import sys
from pathlib import Path

import click

from gateway.config import load, rules
from gateway.config.problems import ConfigError, Problem
from gateway.routing.plan import Plan, is_own


@click.command()
@click.argument("config", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")
def check(config: Path, as_json: bool) -> None:
    """Check a config FILE, or a folder of files, and the rules beside it.

    Exits 0 if it can be run, 1 if not, with every mistake listed.
    """
    try:
        plan, obeyed = load.load(config), len(rules.beside(config))
    except ConfigError as error:
        click.echo(_machine_form(error.problems) if as_json else _text(error.problems))
        sys.exit(1)
    click.echo(json.dumps({"ok": True, "digest": plan.digest, "rules": obeyed, "problems": []}) if as_json
               else _summary(config, plan, obeyed))


def _summary(config: Path, plan: Plan, obeyed: int) -> str:
    under = f"; {_counted(obeyed, 'rule')} obeyed" if obeyed else ""
    routes = _counted(len(plan.watched), "route")
    upstreams = _counted(sum(not is_own(each.name) for each in plan.upstreams), "upstream")
    return f"{config}: ok ({routes}, {upstreams}, plan {plan.digest[:12]}){under}"


def _text(problems: tuple[Problem, ...]) -> str:
    return "\n".join((*(str(problem) for problem in problems), _counted(len(problems), "problem")))


def _machine_form(problems: tuple[Problem, ...]) -> str:
    return json.dumps({"ok": False, "problems": [problem.snapshot() for problem in problems]}, indent=2)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
