"""2 GiB up and 2 GiB down through the gateway: the same bytes on both ends, and flat memory meanwhile.

Then slow sides: clients that read 1 KiB/s of a long answer, and an upstream that reads 1 KiB/s of long uploads.
The worker must hold no more than its bounded buffer for each; several at once make that visible above the noise.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loadtests import accounting, install, lineup, long_content, processes, readiness, site
from loadtests.errors import FailedRequestsError
from loadtests.lineup import Contestant
from loadtests.peers import PEERS
from loadtests.scenarios import KIB, MIB, Scenario
from loadtests.site import Cores, Site

SLOW_CONNECTIONS = 16
SLOW_PIECE = KIB  # bytes per second
HELD_EACH = 512 * KIB  # what may be held in user space for one direction of one exchange
_SMALL_DOWNLOAD = Scenario("stream", "long bodies", "/download?size=1024", KIB)


@dataclass
class Watch:
    """RssAnon of the traffic processes, sampled every 50 ms by a thread of its own."""

    pids: tuple[int, ...]
    samples: list[int] = field(default_factory=list)

    @property
    def growth(self) -> int:
        return max(self.samples) - min(self.samples)

    def __str__(self) -> str:
        return (f"worker's RssAnon {min(self.samples) / MIB:.1f}–{max(self.samples) / MIB:.1f} MiB, "
                f"max - min {self.growth / MIB:.2f} MiB in {len(self.samples)} samples")

    def sample(self) -> None:
        self.samples.append(sum(accounting.private_memory(pid) for pid in self.pids))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=size_in_bytes, default="2GiB", help="of each body (default: %(default)s)")
    parser.add_argument("--chunked", action="store_true", help="upload in chunks instead of by Content-Length")
    parser.add_argument("--slow-seconds", type=float, default=10.0, help="how long the slow sides go on")
    parser.add_argument("--proxy", choices=list(PEERS), default="gateway", help="(default: %(default)s)")
    parser.add_argument("--limit-mib", type=float, default=4.0,
                        help="that the worker's memory may move during a long body (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def size_in_bytes(text: str) -> int:
    """`64KiB`, `100MiB`, `2GiB` or plain bytes. Raises ValueError on anything else."""
    for unit, factor in (("KiB", KIB), ("MiB", MIB), ("GiB", 1024 * MIB)):
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    return int(text)


def main(options: argparse.Namespace) -> int:
    """1 when a checksum differs or memory is above its limit."""
    peer = PEERS[options.proxy]()
    install.prepare([peer], install=False, say=print)
    cores = site.divide_cores(site.available_cores(), 1)
    with (site.temporary_site(options.first_port) as where,
          _upstream(where, cores) as behind,
          lineup.started([peer], _SMALL_DOWNLOAD, (behind,), where, cores) as (contestant,)):
        checks = [_upload(contestant, options), _download(contestant, behind, options),
                  _slow(contestant, "clients reading", _read_slowly, options.slow_seconds),
                  _slow(contestant, "uploads to an upstream reading", _push, options.slow_seconds)]
    print(f"{sum(checks)} passed, {checks.count(False)} failed")
    return 0 if all(checks) else 1


@contextlib.contextmanager
def _upstream(where: Site, cores: Cores) -> Iterator[int]:
    port = where.port()
    program = processes.Program(
        "upstream", [sys.executable, "-m", "loadtests.stream_upstream", f"--port={port}"], cores=cores.load,
        folder=Path(where.subfolder("upstream")), environment={"PYTHONPATH": str(processes.CHECKOUT)})
    with processes.running(program):
        program.wait_until(lambda: readiness.answers(port, _SMALL_DOWNLOAD))
        yield port


def _upload(contestant: Contestant, options: argparse.Namespace) -> bool:
    digest = hashlib.sha256()

    def body() -> Iterator[bytes]:
        for block in long_content.blocks(options.size):
            digest.update(block)
            yield block

    with _watched(contestant) as watch, _connection(contestant.port) as connection:
        begun = time.monotonic()
        framing = {"Transfer-Encoding": "chunked"} if options.chunked else {"Content-Length": str(options.size)}
        connection.request("PUT", "/upload", body(), framing, encode_chunked=options.chunked)
        received = _json(connection.getresponse())
        took = time.monotonic() - begun
    return _judge("upload", digest.hexdigest(), received, watch, took, options)


def _download(contestant: Contestant, behind: int, options: argparse.Namespace) -> bool:
    digest, size = hashlib.sha256(), 0
    with _watched(contestant) as watch, _connection(contestant.port) as connection:
        begun = time.monotonic()
        connection.request("GET", f"/download?size={options.size}")
        response = connection.getresponse()
        while piece := response.read(MIB):
            digest.update(piece)
            size += len(piece)
        took = time.monotonic() - begun
    with _connection(behind) as direct:
        direct.request("GET", "/sent")
        sent = _json(direct.getresponse())
    return _judge("download", digest.hexdigest(), sent, watch, took, options)


def _judge(name: str, own: str, other: dict[str, object], watch: Watch, took: float,
           options: argparse.Namespace) -> bool:
    same = other == {"bytes": options.size, "sha256": own}
    flat = watch.growth <= options.limit_mib * MIB
    sums = "the same on both ends" if same else f"DIFFERS from {other}"
    print(f"{name} of {options.size / MIB:,.0f} MiB in {took:.1f} s: sha256 {own[:16]}… {sums}; {watch}"
          f"{'' if flat else ': NOT FLAT'}", flush=True)
    return same and flat


def _slow(contestant: Contestant, name: str, dawdle: Callable[[int, float], None], seconds: float) -> bool:
    with _watched(contestant) as watch:
        until = time.monotonic() + seconds
        with concurrent.futures.ThreadPoolExecutor(SLOW_CONNECTIONS) as threads:
            list(threads.map(dawdle, [contestant.port] * SLOW_CONNECTIONS, [until] * SLOW_CONNECTIONS))
    each = watch.growth / SLOW_CONNECTIONS
    bounded = each <= HELD_EACH
    print(f"{SLOW_CONNECTIONS} {name} 1 KiB/s for {seconds:g} s: {watch}, {each / KIB:.0f} KiB each, "
          f"{'within' if bounded else 'ABOVE'} the bound of {HELD_EACH // KIB} KiB", flush=True)
    return bounded


def _read_slowly(port: int, until: float) -> None:
    with _small_socket(port) as connection:
        connection.sendall(b"GET /download?size=1073741824 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = connection.recv(SLOW_PIECE)
        if not received.startswith(b"HTTP/1.1 200 "):
            raise FailedRequestsError(f"expected a long answer, found {received[:300]!r}")
        while time.monotonic() < until:
            if not connection.recv(SLOW_PIECE):
                raise FailedRequestsError("a client that reads slowly was cut")
            time.sleep(1)


def _push(port: int, until: float) -> None:
    """Send as fast as the gateway takes it, which must soon be no faster than the upstream reads."""
    with _small_socket(port) as connection:
        connection.sendall(b"PUT /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n")
        connection.settimeout(0.2)
        block = bytes(64 * KIB)
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                connection.send(block)
        connection.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            raise FailedRequestsError(f"an upload was cut off with {connection.recv(300)!r}")


def _small_socket(port: int) -> socket.socket:
    """With a small receive buffer: the rest has to wait in the gateway or before it, not in the kernel's for us."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    return connection


@contextlib.contextmanager
def _connection(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        yield connection


def _json(response: http.client.HTTPResponse) -> dict[str, object]:
    body = response.read()
    if response.status != 200:
        raise FailedRequestsError(f"expected 200, found {response.status}: {body[:200]!r}")
    found: dict[str, object] = json.loads(body)
    return found


@contextlib.contextmanager
def _watched(contestant: Contestant) -> Iterator[Watch]:
    watch, over = Watch(contestant.traffic), threading.Event()

    def run() -> None:
        while not over.wait(0.05):
            watch.sample()

    watch.sample()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        watch.sample()
