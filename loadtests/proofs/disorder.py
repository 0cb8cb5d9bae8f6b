"""A crowd of clients that misbehave in turn, at full speed, beside one that does not: is anything left behind?

In turn each is slow to send, slow to read, half-closes, resets in its request or its answer, sends what is malformed,
asks for an upgrade, and now and then behaves. Permits, connections and memory must be back where they were, and the
client that behaves must have had each of its answers.
"""

import argparse
import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from gateway.board import Board
from loadtests import accounting, processes, site
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Gateway
from loadtests.proofs.stage import Stage, get
from loadtests.proofs.verdict import Verdict
from loadtests.scenarios import KIB, MIB

CLIENTS = 64
BODY = 256 * KIB
PATIENCE = 20.0
HEAD = b"GET /large HTTP/1.1\r\nhost: proof\r\n"
POST = b"POST / HTTP/1.1\r\nhost: proof\r\ncontent-length: 100000\r\n\r\n"
MALFORMED = (
    b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    b"GET  / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nx y: z\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="of disorder (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    verdict = Verdict()
    processes.raise_open_files()
    with site.temporary_site(options.first_port) as where:
        prove(verdict, where, options.seconds)
    return verdict.exit_code()


def prove(verdict: Verdict, where: site.Site, seconds: float) -> None:
    verdict.title(f"{seconds:g} s of {CLIENTS} clients that misbehave in turn, two workers")
    port, small, large = where.port(), where.port(), where.port()
    with Stage() as stage:
        stage.endpoint(small)
        stage.endpoint(large).answers(200, bytes(BODY))
        with gateways.running(config(port, small, large), where, cores=frozenset(site.available_cores())) as gateway:
            board = gateway.board()
            disorder(port, min(10.0, seconds / 3))          # whatever is taken once and kept has been taken then
            gateways.wait_until(lambda: at_rest(gateway, board), PATIENCE, lambda: left_behind(gateway, board))
            before = [accounting.private_memory(pid) for pid in gateway.workers()]
            good = stage.crowd(port, get("/"), connections=8)
            turns = disorder(port, seconds)
            answers = stage.leave(good)
            settled = gateways.wait_until(lambda: at_rest(gateway, board), PATIENCE,
                                          lambda: left_behind(gateway, board))
            after = [accounting.private_memory(pid) for pid in gateway.workers()]
    verdict.tell("turns taken", f"{turns.total():,}")
    for manner, taken in sorted(turns.items()):
        verdict.tell(f"  {manner}", f"{taken:,}")
    statuses = Counter(answer.status for answer in answers)
    verdict.mark("answers to the client that behaves", dict(statuses), "200 only", set(statuses) == {200})
    verdict.at_most("permits, requests and connections are back at zero after", round(settled, 1), PATIENCE, " s")
    growth = max(late - early for early, late in zip(before, after, strict=True)) / MIB
    verdict.at_most("a worker's private memory grew by", round(growth, 2), 2, " MiB")


def config(port: int, small: int, large: int) -> gateways.Document:
    """All are critical: a worker that is late must not turn away whom this is about."""
    route = {"concurrency": {"limit": 1000}, "priority": "critical"}
    found = gateways.config(port, [f"127.0.0.1:{small}"], upstream={"concurrency": {"limit": 1000}}, routes=[
        {"name": "all", "match": {"path": "/**"}, "upstream": "api", **route},
        {"name": "large", "match": {"path": "/large"}, "upstream": "large", **route}])
    found["upstreams"]["large"] = {"endpoints": [f"127.0.0.1:{large}"], "concurrency": {"limit": 1000}}
    found["listeners"][0]["timeouts"] = {"head": "2s", "body": "2s", "send": "2s", "keep_alive": "5s"}
    return found


def in_flight(board: Board) -> int:
    """Permits held, of routes and upstreams, requests and tunnels, over all workers."""
    return sum(board.in_flight(section, row, tunnels=tunnels) for section in ("routes", "upstreams")
               for row in board.names(section).values() for tunnels in (False, True))


def at_rest(gateway: Gateway, board: Board) -> bool:
    found = gateway.status()
    return found["connections"] == found["active_requests"] == in_flight(board) == 0


def left_behind(gateway: Gateway, board: Board) -> str:
    found = gateway.status()
    return (f"left behind: {found['connections']} connections, {found['active_requests']} requests, "
            f"{in_flight(board)} permits")


# ---------------------------------------------------------------------- the clients

def disorder(port: int, seconds: float) -> Counter[str]:
    """How many turns were taken in each manner; on a thread and loop of its own."""
    turns: Counter[str] = Counter()

    async def crowd() -> None:
        await asyncio.gather(*(misbehave(port, number, time.monotonic() + seconds, turns) for number in range(CLIENTS)))

    thread = threading.Thread(target=lambda: asyncio.run(crowd()))
    thread.start()
    thread.join()
    return turns


async def misbehave(port: int, number: int, end: float, turns: Counter[str]) -> None:
    chance = random.Random(number)
    while time.monotonic() < end:
        manner = chance.choice(list(MANNERS))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await asyncio.wait_for(MANNERS[manner](chance, (reader, writer)), 10)
            finally:
                writer.transport.abort()
        turns[manner] += 1


async def behaves(chance: random.Random, streams: Streams) -> None:
    streams[1].write(HEAD + b"\r\n")
    await whole_answer(streams[0])


async def dribbles_its_head(chance: random.Random, streams: Streams) -> None:
    for piece in (HEAD[:7], HEAD[7:20], HEAD[20:]):
        streams[1].write(piece)
        await asyncio.sleep(chance.uniform(0, 0.05))


async def stalls_in_its_body(chance: random.Random, streams: Streams) -> None:
    streams[1].write(POST + bytes(chance.randrange(90_000)))
    await asyncio.sleep(chance.uniform(0, 0.1))


async def reads_slowly(chance: random.Random, streams: Streams) -> None:
    streams[1].write((HEAD + b"\r\n") * 4)
    for _ in range(chance.randrange(5)):
        await streams[0].read(1000)
        await asyncio.sleep(0.01)


async def half_closes(chance: random.Random, streams: Streams) -> None:
    streams[1].write(HEAD + b"\r\n" if chance.random() < 0.7 else HEAD)
    streams[1].write_eof()
    await streams[0].read(-1)


async def resets(chance: random.Random, streams: Streams) -> None:
    streams[1].write(chance.choice((HEAD, HEAD + b"\r\n", POST, POST + bytes(50_000))))
    await asyncio.sleep(chance.uniform(0, 0.01))
    sock: socket.socket = streams[1].get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def is_malformed(chance: random.Random, streams: Streams) -> None:
    streams[1].write(chance.choice(MALFORMED))
    await streams[0].read(-1)


async def asks_for_an_upgrade(chance: random.Random, streams: Streams) -> None:
    streams[1].write(HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n")
    await streams[0].read(100)


async def whole_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))


MANNERS: dict[str, Callable[[random.Random, Streams], Awaitable[None]]] = {
    "behaves": behaves, "dribbles": dribbles_its_head, "stalls": stalls_in_its_body, "reads slowly": reads_slowly,
    "half-closes": half_closes, "resets": resets, "malformed": is_malformed, "upgrades": asks_for_an_upgrade}
