"""The stage of the demo: three servers of the demo API, a gateway in front of them, all of them real processes in one
folder, which stays when they have ended.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.readiness import becomes_ready
from gateway.processes import parent

CONFIG = """\
version: 1
listeners: [{{address: 127.0.0.1:{port}}}]
admin: {{address: 127.0.0.1:{admin}}}
state: {{dir: {folder}/state}}
workers: 2

respond:                              # as it is for a demo: enforced for anything, and quick
  mode: enforce
  wider: enforce
  at_most: 90%
  measure: 8s
  calm: 5s

probation: {{mode: off}}                # which would be quicker than the incident that is to be seen

upstreams:
  orders:
    endpoints: [{endpoints}]
    eject: {{for: 10s}}
    breaker: {{window: 10s}}
  search:
    endpoints: [{endpoints}]
    breaker: {{window: 10s}}
  customers:
    endpoints: [{endpoints}]
    breaker: {{window: 10s}}

routes:
  - name: orders
    match: {{path: /orders/**}}
    upstream: orders
  - name: search
    match: {{path: /search/**}}
    upstream: search
    limits: [{{name: per-client, key: client, rate: 60/s, burst: 60}}]
  - name: customers
    match: {{path: /customers/**}}
    upstream: customers
"""
USUAL_PORT, USUAL_ADMIN = 8080, 9900
READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the demo API; once its orders are broken it answers /orders with 500."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def break_orders(self) -> None:
        self.process.send_signal(signal.SIGUSR1)

    def repair_orders(self) -> None:
        self.process.send_signal(signal.SIGUSR2)


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Path
    servers: tuple[Server, ...]
    port: int
    admin: str

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "gateway.yaml"

    def post_mortem(self, number: int) -> Path:
        return self.folder / "state" / "post-mortems" / f"{number}.md"


@contextlib.contextmanager
def stage(folder: Path, servers: int = 3) -> Iterator[Stage]:
    """Everything is ready inside the block. Raises RuntimeError with the gateway's own words if it does not start."""
    if (folder / "state").exists():
        raise RuntimeError(f"{folder} holds the state of another demo; choose another --folder")
    folder.mkdir(parents=True, exist_ok=True)
    port, admin = _port(USUAL_PORT), _port(USUAL_ADMIN)
    with contextlib.ExitStack() as ended:
        apis = tuple(ended.enter_context(_server(_port(0))) for _ in range(servers))
        endpoints = ", ".join(each.address for each in apis)
        (folder / "gateway.yaml").write_text(CONFIG.format(port=port, admin=admin, folder=folder, endpoints=endpoints))
        for each in apis:
            if not becomes_ready(each.address, "/orders", each.process, READY_S):
                raise RuntimeError(f"the demo API does not start on {each.address}")
        process = ended.enter_context(_gateway(folder))
        if not becomes_ready(f"127.0.0.1:{admin}", "/readyz", process, READY_S):
            raise RuntimeError(f"the gateway does not start:\n{(folder / 'gateway.log').read_text()}")
        yield Stage(folder, apis, port, f"127.0.0.1:{admin}")


def _port(wanted: int) -> int:
    """That one if it is free, else another; 0: any."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", wanted))
        except OSError:
            sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def _server(port: int) -> Iterator[Server]:
    with _process(["demo", "--api", "--port", str(port)], subprocess.DEVNULL) as process:
        yield Server(port, process)


@contextlib.contextmanager
def _gateway(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / "gateway.log").open("wb") as log, _process(["run", str(folder / "gateway.yaml")], log) as process:
        yield process


@contextlib.contextmanager
def _process(arguments: Sequence[str], output: object) -> Iterator["subprocess.Popen[bytes]"]:
    """In a group of its own, so that Ctrl-C reaches only us; it ends with the block, and dies with us."""
    ours = os.getpid()
    process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603  our own interpreter and module
        [sys.executable, "-m", "gateway", *arguments], process_group=0, stdin=subprocess.DEVNULL, stdout=output,
        stderr=output, preexec_fn=lambda: parent.die_with(ours))
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]", seconds: float = 10.0) -> None:
    if process.poll() is None:
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()


def rest() -> None:
    """Between two looks."""
    time.sleep(0.25)
