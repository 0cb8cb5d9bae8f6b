"""`gateway init`: a first config, of a URL, an OpenAPI document or an nginx config."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli import exits, printing


@click.command()
@click.argument("source", metavar="URL|openapi.yaml|nginx.conf")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="Where the gateway is to listen.")
@click.option("--upstream", metavar="URL", help="The server, where an OpenAPI document names none or another.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write it there; to stdout by default.")
def init(source: str, listen: str, upstream: str | None, output: Path | None) -> None:
    """Write a first config that `gateway check` accepts.

    Of a URL: one route to that server. Of an OpenAPI document (.yaml, .json): a route for each path, to its first
    server. Of an nginx config: a route for each location with a proxy_pass. What is not taken over is said in comments.
    """
    from gateway.config import beginning, load
    from gateway.config.problems import ConfigError

    if upstream and source.startswith(beginning.SCHEMES):
        raise click.UsageError("give a URL or --upstream, not both")
    try:
        text = beginning.config_of(source, listen, upstream)
        load.plan_of({"gateway.yaml": text.encode()})
        if output is not None:
            with output.open("x") as file:
                file.write(text)
    except FileExistsError:
        _fail(f"{output} is there already; choose another --output, or move it away")
    except ConfigError as error:
        _fail(f"no config that can be run comes of {source}: {error}")
    except OSError as error:
        _fail(f"{source}: {error.strerror or error}; give an http:// or https:// URL, an OpenAPI document or an "
              "nginx config")
    except ValueError as error:
        _fail(f"{source}: {error}")
    if output is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"{output} is written; next: gateway check {output} && gateway run {output}", err=True)


def _fail(words: str) -> NoReturn:
    printing.failed(words)
    sys.exit(exits.FAILED)
