"""Who attacks the admin side, in a process of its own: `python -m loadtests.proofs.attackers PORT`, until SIGTERM.

Slow connections send a byte of a head each second; senders of large bodies write as fast as they are read; listeners to
the events read all that they get. Whoever is cut off comes back. Then it prints what happened to them, as JSON.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

SLOW, LISTENERS, SENDERS = 1000, 200, 8
BACK_SECONDS = 0.5
BODY = 64 * 2**20
PIECE = b"x" * 65536
HEAD = (b"POST /v1/reports HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % BODY)
LISTEN = b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n"
Deed = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Attack:
    """Mutable: what happened so far, by kind."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seen: Counter[str] = Counter()

    async def last(self) -> None:
        """Until it is cancelled."""
        await asyncio.gather(*(self._again(self._slow) for _ in range(SLOW)),
                             *(self._again(self._listen) for _ in range(LISTENERS)),
                             *(self._again(self._send) for _ in range(SENDERS)))

    async def _again(self, deed: Deed) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.seen["not connected"] += 1
            else:
                with contextlib.suppress(OSError):
                    await deed(reader, writer)
                writer.transport.abort()
            await asyncio.sleep(BACK_SECONDS)

    async def _slow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen["slow connections"] += 1
        writer.write(b"GET /v1/status HTTP/1.1\r\nx: ")
        while not reader.at_eof():
            writer.write(b"a")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1024), 1.0)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(LISTEN)
        status = (await reader.readline())[9:12].decode()
        self.seen[f"event streams answered {status or 'with nothing'}"] += 1
        if status == "200":
            while await reader.read(65536):
                self.seen["pieces of events"] += 1

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen["large bodies"] += 1
        writer.write(HEAD)
        for _ in range(BODY // len(PIECE)):
            writer.write(PIECE)
            self.seen["MiB of bodies, in 16ths"] += 1
            await writer.drain()


async def main(port: int) -> None:
    attack = Attack(port)
    lasting = asyncio.create_task(attack.last())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lasting.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await lasting
    print(json.dumps(attack.seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
