"""Would this version still notice an incident of the past, and how fast? `gateway incidents replay FILE…`, or
`gateway drill --replay FILE`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.control import regression


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def replay(files: tuple[Path, ...]) -> None:
    """Run regression drills: files of `drills/` beside the config that came of an accepted proposal.

    Needs no running gateway. Each takes about half a minute. Exits 0 if every incident is noticed in its time, else 1.
    """
    sys.exit(0 if all_noticed(files) else 1)


def all_noticed(files: Sequence[Path]) -> bool:
    """Tells of each; what is no regression drill is a failure."""
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
    return passed


COMMANDS = (replay,)
