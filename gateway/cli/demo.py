"""`gateway demo`: the life of three incidents; `--api` and `--with-gateway CONFIG` only serve the demo API."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from aiohttp import web

from gateway.cli import demo_api
from gateway.cli.readiness import becomes_ready
from gateway.processes import parent

READY_SECONDS = 15.0


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Where config, state and post-mortems are left.")
@click.option("--api", is_flag=True, help="Only serve the demo API: /orders, /search/{words}, /customers/{id}, /slow.")
@click.option("--port", type=int, help="The same, on this port of 127.0.0.1 instead of 3000.")
@click.option("--with-gateway", "config", type=click.Path(path_type=Path),
              help="Serve the demo API, and start the gateway on this config.")
def demo(folder: Path | None, api: bool, port: int | None, config: Path | None) -> None:
    """See three faults found, contained, cured and written up: real servers, real traffic, about two minutes."""
    serves = api or config is not None or port is not None
    sys.exit(asyncio.run(_serve(port or 3000, config)) if serves else _play(folder))


def _play(folder: Path | None) -> int:
    from rich.console import Console

    from gateway.cli.story.play import play

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    place = folder or Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    try:
        return play(place.absolute(), Console())
    except KeyboardInterrupt:
        click.echo("ended before the end", err=True)
        return 130
    except RuntimeError as error:
        click.echo(error, err=True)
        return 1


async def _serve(port: int, config: Path | None) -> int:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    app = demo_api.make_app()
    loop.add_signal_handler(signal.SIGUSR1, demo_api.break_orders, app)
    loop.add_signal_handler(signal.SIGUSR2, demo_api.repair_orders, app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        click.echo(f"demo API   http://127.0.0.1:{port}   /orders  /customers/{{id}}  /slow")
        return await (_beside_gateway(config, ended) if config else _until(ended))
    except OSError as error:
        click.echo(f"cannot serve the demo API on 127.0.0.1:{port}: {error.strerror}; choose another --port", err=True)
        return 1
    finally:
        await runner.cleanup()


async def _until(ended: asyncio.Event) -> int:
    await ended.wait()
    return 0


async def _beside_gateway(config: Path, ended: asyncio.Event) -> int:
    """Run the gateway until told to end, or until it ends by itself; returns its exit code."""
    with _gateway(config) as process:
        exited = asyncio.create_task(asyncio.to_thread(process.wait))
        told = asyncio.create_task(ended.wait())
        announced = asyncio.create_task(asyncio.to_thread(_announce, config, process))
        await asyncio.wait([exited, told], return_when=asyncio.FIRST_COMPLETED)
        if process.poll() is None:
            process.terminate()
        told.cancel()
        await announced
        return await exited


@contextlib.contextmanager
def _gateway(config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The gateway in a process group of its own, so that Ctrl-C reaches only us, and we end it once."""
    ours = os.getpid()
    process = subprocess.Popen(  # noqa: S603  our own interpreter and module
        [sys.executable, "-m", "gateway", "run", str(config)], process_group=0,
        preexec_fn=lambda: parent.die_with(ours),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _announce(config: Path, process: "subprocess.Popen[bytes]") -> None:
    """Once the gateway is ready, say where, and what to type."""
    from gateway.config.load import load

    plan = load(config)
    address = plan.listeners[0].address
    if becomes_ready(plan.admin, "/readyz", process, READY_SECONDS):
        click.echo(f"gateway    http://{address}")
        click.echo(f"admin      http://{plan.admin}   /healthz  /readyz  /metrics  /v1/status")
        click.echo(f"\ntry        curl -i http://{address}/orders\nend        Ctrl-C")
