"""`gateway replay NEW`: what a new config would have decided differently about recorded traffic."""

import os
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from gateway.cli import exits
from gateway.config import load
from gateway.config import replay as replaying
from gateway.config.problems import ConfigError
from gateway.config.replay import Report
from gateway.model.quantities import parse_duration
from gateway.routing.plan import Plan

NICENESS = 10
SHOWN = 10


@click.command()
@click.argument("new", metavar="NEW", type=click.Path(path_type=Path))
@click.option("--access-log", "log", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Requests in the combined log format, with the virtual host first or without.")
@click.option("--old", required=True, type=click.Path(path_type=Path), help="The config to compare with.")
@click.option("--host", default="", help="The host that was asked, where the log does not name it.")
@click.option("--since", default="", metavar="DURATION", help="Only requests of the last DURATION, such as 1h.")
@click.option("--approve", is_flag=True, help="Exit with 0 although the policy asks for a person's approval.")
def replay(new: Path, log: Path, old: Path, host: str, since: str, approve: bool) -> None:
    """Replay recorded requests under the config NEW and the one before it.

    Exits 0 if the new config may be applied, 4 if a person has to approve it, 1 if nothing could be replayed.
    """
    os.nice(NICENESS)
    try:
        plans = load.load(old), load.load(new)
        since_ns = time.time_ns() - parse_duration(since) if since else 0
        report, seconds = run(*plans, log, host, since_ns)
    except ConfigError as error:
        _fail("\n".join(map(str, error.problems)))
    except (OSError, ValueError) as error:
        _fail(str(error))
    click.echo("\n".join(lines(report)))
    rate = report.requests / max(seconds, 1e-9)
    click.echo(f"{rate:,.0f} requests a second of CPU, each under both configs", err=True)
    sys.exit(exits.NEEDS_APPROVAL if report.objections() and not approve else exits.DONE)


def run(old: Plan, new: Plan, log: Path, host: str = "", since_ns: int = 0) -> tuple[Report, float]:
    """The report and the seconds of CPU it took; progress is drawn on a terminal only."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("replaying", total=log.stat().st_size)
        started = time.process_time()
        report = replaying.replay_log(old, new, log, host, since_ns, lambda size: progress.advance(task, size))
        return report, time.process_time() - started


def lines(report: Report) -> list[str]:
    """The report for people."""
    said = [f"{report.requests} requests of {report.seconds:.0f} s replayed",
            f"denied: {report.denied_before} before, {report.denied_now} now; newly denied {report.newly_denied}, "
            f"newly passed {report.newly_passed}"]
    said += [f"  newly denied by {limit or 'the router'} on {route}: {count}"
             for route, limit, count in replaying.by_safeguard(report)[:SHOWN]]
    said += [f"  {each.requests} requests, {each.old} -> {each.new}" for each in report.changes[:SHOWN]]
    said += [f"  client {each.name}: {each.newly_denied} of {each.requests} newly denied"
             for each in report.clients[:SHOWN] if each.newly_denied]
    said += [f"{words}: {count}" for words, count in (
        ("not decidable from the record", report.undecided), ("lines that are no request", report.unread),
        ("requests out of order", report.late), ("clients forgotten by a full table", report.evicted)) if count]
    objections = report.objections()
    said += [f"needs approval: {each}" for each in objections[:SHOWN]] or ["may be applied"]
    return said + [f"… and {len(objections) - SHOWN} more reasons"] * (len(objections) > SHOWN)


def _fail(text: str) -> None:
    click.echo(text, err=True)
    sys.exit(1)
