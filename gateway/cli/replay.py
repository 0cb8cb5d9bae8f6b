"""`gateway replay NEW`: what a new config would have decided differently about recorded traffic."""

import os
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from gateway.cli import exits
from gateway.cli.asking import json_option, told
from gateway.config import load, recorded
from gateway.config import replay as replaying
from gateway.config.problems import ConfigError
from gateway.config.replay import Report
from gateway.config.replay_lines import document, lines
from gateway.model.quantities import parse_duration
from gateway.record.active import ActiveFile
from gateway.record.segments import FLIGHT
from gateway.record.spool import FOLDER
from gateway.routing.plan import Plan

NICENESS = 10


@click.command()
@click.argument("new", metavar="NEW", type=click.Path(path_type=Path))
@click.option("--since", default="", metavar="DURATION", help="Only requests of the last DURATION, such as 1h.")
@click.option("--recording", type=click.Path(path_type=Path, exists=True),
              help="Flight records: a folder of segments, or one .flight file. The default: the state folder's.")
@click.option("--access-log", "log", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Requests in the combined log format instead, with the virtual host first or without.")
@click.option("--host", default="", help="The host that was asked, where the log does not name it.")
@click.option("--old", type=click.Path(path_type=Path, exists=True),
              help="The config to compare with. The default: what the state folder of NEW serves.")
@click.option("--approve", is_flag=True, help="Exit with 0 although the policy asks for a person's approval.")
@json_option
def replay(new: Path, since: str, recording: Path | None, log: Path | None, host: str, old: Path | None,
           approve: bool, as_json: bool) -> None:
    """Replay recorded requests under the config NEW and the one before it.

    Exits 0 if the new config may be applied, 4 if a person has to approve it, 1 if nothing could be replayed.
    """
    os.nice(NICENESS)
    try:
        plan = load.load(new)
        report, seconds = run(before(plan, old), plan, recording or log, since, host)
    except ConfigError as error:
        _fail("\n".join(map(str, error.problems)))
    except (OSError, ValueError) as error:
        _fail(str(error))
    told(document(report), as_json, "\n".join(lines(report)))
    rate = report.requests / max(seconds, 1e-9)
    click.echo(f"{rate:,.0f} requests a second of CPU, each under both configs", err=True)
    sys.exit(exits.NEEDS_APPROVAL if report.objections() and not approve else exits.DONE)


def before(plan: Plan, old: Path | None) -> Plan:
    """The config to compare with. Raises ConfigError, OSError or ValueError."""
    if old is not None:
        return load.load(old)
    try:
        return ActiveFile(Path(plan.state_dir)).read().plan
    except FileNotFoundError:
        raise ValueError(f"no gateway has served from {plan.state_dir}: name the config to compare with, --old FILE"
                         ) from None


def run(old: Plan, new: Plan, source: Path | None, since: str = "", host: str = "") -> tuple[Report, float]:
    """The report and the seconds of CPU it took; progress is drawn on a terminal only. `source`: an access log, or
    flight records; the state folder's if there is none. Raises OSError or ValueError."""
    since_ns = time.time_ns() - parse_duration(since) if since else 0
    source = source or Path(new.state_dir) / FOLDER
    flight = source.is_dir() or source.suffix == FLIGHT
    sizes = [path.stat().st_size for path in (recorded.flight_files(source, since_ns) if flight else [source])]
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("replaying", total=sum(sizes))
        started = time.process_time()
        if flight:
            report = replaying.replay_recording(old, new, source, since_ns, lambda size: progress.advance(task, size))
        else:
            report = replaying.replay_log(old, new, source, host, since_ns, lambda size: progress.advance(task, size))
        return report, time.process_time() - started


def _fail(text: str) -> None:
    click.echo(text, err=True)
    sys.exit(1)
