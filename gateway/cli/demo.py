"""`gateway demo`: an API of three endpoints to try the gateway on; `--with-gateway CONFIG` starts both together."""

import asyncio
import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
from aiohttp import web

from gateway.cli import demo_api
from gateway.processes import parent

READY_SECONDS = 15.0


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the demo API on 127.0.0.1.")
@click.option("--with-gateway", "config", type=click.Path(path_type=Path), help="Start the gateway on this config too.")
def demo(port: int, config: Path | None) -> None:
    """Serve a demo API: /orders, /customers/{id}, /slow."""
    sys.exit(asyncio.run(_serve(port, config)))


async def _serve(port: int, config: Path | None) -> int:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = web.AppRunner(demo_api.make_app(), access_log=None, shutdown_timeout=1.0)
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
    if _becomes_ready(plan.admin, process):
        click.echo(f"gateway    http://{address}")
        click.echo(f"admin      http://{plan.admin}   /healthz  /readyz  /metrics  /v1/status")
        click.echo(f"\ntry        curl -i http://{address}/orders\nend        Ctrl-C")


def _becomes_ready(admin: str, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if _status(admin, "/readyz") == 200:
                return True
        time.sleep(0.02)
    return False


def _status(address: str, path: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
