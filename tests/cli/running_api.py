"""The whole admin API on a real socket, in a thread, for commands that ask it as they would ask a running gateway."""
import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from admin.whole_api import make_app
from aiohttp import web
from click.testing import CliRunner, Result

from gateway.cli import main


@contextlib.contextmanager
def running_api(folder: Path) -> Iterator[str]:
    """Its address, until the block ends."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), [""]

    async def start() -> web.AppRunner:
        runner = web.AppRunner(make_app(folder), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found[0] = f"127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def run(admin: str, *words: str) -> Result:
    """A command, asking there."""
    return CliRunner().invoke(main, [*words], env={"GATEWAY_ADMIN": admin, "GATEWAY_TOKEN": ""})
