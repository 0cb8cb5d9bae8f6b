"""`gateway run`: load the config, or make one for a single upstream, and be the supervisor until told to end."""

import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gateway.record.active import Active

DEFAULT_CONFIG = "config/gateway.yaml"
DEFAULT_LISTEN = "127.0.0.1:8080"


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--upstream", metavar="URL", help="Forward everything to this server; no config file is needed.")
@click.option("--listen", metavar="ADDRESS", help=f"Listen here alone; {DEFAULT_LISTEN} with --upstream.")
@click.option("--state-dir", metavar="DIR", help="Where this instance keeps its state.")
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes; the default is one per core.")
@click.option("--admin", metavar="ADDRESS", help="The admin API's address, on this machine alone.")
def run(config: Path | None, upstream: str | None, listen: str | None, state_dir: str | None, workers: int | None,
        admin: str | None) -> None:
    """Run the gateway on CONFIG (default: config/gateway.yaml), or in front of one --upstream."""
    if config and upstream:
        raise click.UsageError("give a CONFIG or --upstream, not both")
    options = {"listen": listen, "state_dir": state_dir, "workers": workers, "admin": admin}
    if upstream:
        sys.exit(_serve(_in_front_of(upstream, options), "", options))
    path = (config or Path(DEFAULT_CONFIG)).absolute()
    sys.exit(_serve(_from_file(config or Path(DEFAULT_CONFIG), options), str(path), options))


def _in_front_of(upstream: str, options: dict[str, Any]) -> "Active":
    from gateway.config import boot, revisions, single
    from gateway.config.problems import ConfigError

    try:
        plan = single.for_upstream(upstream, options["listen"] or DEFAULT_LISTEN)
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(1)
    plan = boot.overridden(plan, options)
    return boot.first(revisions.Candidate("", plan), boot.read_last(Path(plan.state_dir)), time.time_ns())


def _from_file(path: Path, options: dict[str, Any]) -> "Active":
    """What the file says, or what was served last. Ends the process where there is neither."""
    from gateway.config import boot, revisions
    from gateway.config.problems import ConfigError

    try:
        found = revisions.from_disk(path)
    except ConfigError as error:
        click.echo(error, err=True)
        if not path.exists():
            click.echo(f"write one: gateway init http://127.0.0.1:3000 -o {path}\n"
                       "or do without: gateway run --upstream http://127.0.0.1:3000", err=True)
        return _last_good(Path(options["state_dir"] or boot.state_folder(path)), options)
    plan = boot.overridden(found.plan, options)
    last = boot.read_last(Path(plan.state_dir))
    return boot.first(dataclasses.replace(found, plan=plan), last, time.time_ns())


def _last_good(folder: Path, options: dict[str, Any]) -> "Active":
    from gateway.config import boot

    last = boot.read_last(folder)
    if last is None:
        sys.exit(1)
    click.echo(f"THE CONFIG IS REFUSED; serving the last good one, revision {last.revision.number} of {folder}",
               err=True)
    return boot.last_good(last, options)


def _serve(active: "Active", config: str, options: dict[str, Any]) -> int:
    from gateway.board import BoardFullError
    from gateway.processes import sockets, state_folder, supervisor
    from gateway.record import logs
    from gateway.record.tokens import TokensError

    log = logs.start("supervisor")
    try:
        return supervisor.start(active, log, config, options)
    except (sockets.ListenError, state_folder.InUseError, BoardFullError, TokensError, OSError) as error:
        log.error("cannot start: %s", error)            # the message says it all; a traceback would hide it
        return 1
    finally:
        logs.stop()
