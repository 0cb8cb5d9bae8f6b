"""`gateway incidents replay FILE…`: would this version still notice an incident of the past, and how fast?"""

import sys
from pathlib import Path

import click

from gateway.control import regression


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def replay(files: tuple[Path, ...]) -> None:
    """Run regression drills: files of `drills/` beside the config that came of an accepted proposal.

    Needs no running gateway. Each takes about half a minute. Exits 0 if every incident is noticed in its time, else 1.
    """
    passed = True
    for each in files:
        try:
            verdict = regression.run(each)
        except (OSError, ValueError) as error:
            click.echo(str(error), err=True)
            passed = False
            continue
        click.echo(f"{'passed' if verdict.passed else 'FAILED'}  {verdict}")
        passed = passed and verdict.passed
    sys.exit(0 if passed else 1)


COMMANDS = (replay,)
