"""`gateway drill`: put a fault into a running gateway, and see whether it is found, contained and cured in time."""

import json
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli import regression
from gateway.cli.asking import admin_option, ask, json_option
from gateway.cli.drills import conduct, places, scenarios
from gateway.cli.drills.conduct import Conductor, Run
from gateway.cli.drills.followed import patiently
from gateway.cli.drills.showing import Showing, listed, past, table
from gateway.cli.drills.traffic import Traffic, crowd

CLIENTS = 8


@click.command()
@click.argument("scenario", required=False)
@click.option("--folder", type=click.Path(path_type=Path), default=scenarios.FOLDER, show_default=True,
              help="Where scenarios are.")
@click.option("--route", default="", help="Where it takes place; the first that fits by default.")
@click.option("--upstream", default="")
@click.option("--endpoint", default="", metavar="ADDRESS")
@click.option("--client", default="", metavar="ADDRESS", help="Who surges.")
@click.option("--listener", default="", metavar="URL", help="What --traffic and a surge ask for, with its path.")
@click.option("--traffic", "rate", type=click.FloatRange(1, 1000), help="Send so many requests/s meanwhile.")
@click.option("--settle", type=click.FloatRange(0, 600), default=20.0, show_default=True, metavar="SECONDS",
              help="Of that traffic before the fault, so that there is something usual.")
@click.option("--replay", "recordings", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
              metavar="FILE", help="Would this version notice a recorded incident, and how fast? Needs no gateway.")
@click.option("--runs", is_flag=True, help="Show the drills that were run, and do nothing.")
@admin_option
@json_option
def drill(scenario: str | None, folder: Path, route: str, upstream: str, endpoint: str, client: str, listener: str,
          rate: float | None, settle: float, recordings: tuple[Path, ...], runs: bool, admin: str,
          as_json: bool) -> None:
    """Run SCENARIO (a name in --folder, or a YAML file) on a gateway whose config says `drills: enabled`.

    Exit code: 0 passed, 1 failed or not begun, 130 interrupted. The fault is taken away in any case.
    """
    if recordings:
        sys.exit(0 if regression.all_noticed(recordings) else 1)
    if runs:
        _told(past(ask(admin, "/v1/drills")["drills"]), ask(admin, "/v1/drills"), as_json)
        return
    try:
        if scenario is None:
            _told(listed(scenarios.all_in(folder)), [each.name for each in scenarios.all_in(folder)], as_json)
            return
        found = scenarios.load(scenario, folder)
        place = places.find(admin, str(found.settings.place), route, upstream, endpoint, client)
        if rate and not listener:
            raise conduct.Refused("traffic is asked of a listener; name it with --listener, with the path to ask for")
        run = _conducted(admin, Run(found, place), listener, rate, settle, as_json)
    except (scenarios.ScenarioError, places.NoPlaceError, conduct.Refused) as error:
        _end(str(error), 1)
    except KeyboardInterrupt:
        _end("interrupted; the fault is taken away", 130)
    _told(table(run), run.snapshot(), as_json)
    patiently(admin, "/v1/drills", run.snapshot())
    sys.exit(0 if run.judgement().passed else 1)


def _conducted(admin: str, run: Run, listener: str, rate: float | None, settle: float, as_json: bool) -> Run:
    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):        # a shell's job in the background ignores the first
        signal.signal(each, end)
    base, path = _split(listener)
    flows = crowd(base, {path: rate}, CLIENTS) if rate else []
    with Traffic() as traffic, Showing(run, as_json) as showing:
        return Conductor(admin, run, traffic, flows, settle, listener, showing.look).conduct()


def _split(url: str) -> tuple[str, str]:
    """http://host:port and the path of a URL."""
    scheme, mark, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}{mark}{host}", f"/{path}"


def _told(words: object, answer: object, as_json: bool) -> None:
    from rich.console import Console

    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        Console().print(words)


def _end(words: str, code: int) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(code)
