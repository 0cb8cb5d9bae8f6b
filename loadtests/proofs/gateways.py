"""The gateway under proof: real processes, spoken to as an operator would, killed as a machine would."""

import contextlib
import http.client
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from gateway.board import Board
from loadtests import processes
from loadtests.errors import LoadTestError
from loadtests.site import Site

Document = dict[str, Any]
START_SECONDS = 100.0


class Gateway:
    """`config` without `admin` and `state`, which are added; the file can be replaced while it runs, and all clients
    have it at once unless it says so itself. `prepare`: is told where the state folder will be."""

    def __init__(self, config: Document, where: Site, cores: frozenset[int],
                 prepare: Callable[[Path], None] = lambda state: None) -> None:
        self.folder = where.subfolder("gateway")
        self.file = self.folder / "gateway.yaml"
        self._admin = where.port()
        self._cores = cores
        self.write(config)
        prepare(self.folder / "state")
        self.program = self._start()

    def _start(self) -> processes.Program:
        command = [sys.executable, "-m", "gateway", "run", str(self.file)]
        return processes.Program("gateway", command, cores=self._cores, folder=self.folder,
                                 environment={"PYTHONPATH": str(processes.CHECKOUT)})

    def whole(self, config: Document) -> str:
        return yaml.safe_dump({"probation": {"mode": "off"}, **config, "admin": {"address": self.admin},
                               "state": {"dir": str(self.folder / "state")}}, sort_keys=False)

    @property
    def admin(self) -> str:
        return f"127.0.0.1:{self._admin}"

    def write(self, config: Document) -> None:
        """Replace the file as an editor does: whole, by a rename."""
        self.write_text(self.whole(config))

    def write_text(self, text: str) -> None:
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        fresh.rename(self.file)

    def restart(self) -> None:
        """After the supervisor has died."""
        self.program.stop()
        self.program = self._start()
        self.wait_complete()

    def ask(self, method: str, path: str, body: Document | None = None, patience: float = 20.0) -> tuple[int, Any]:
        """(status, document). Raises OSError and HTTPException while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._admin, timeout=patience)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def status(self) -> Document:
        return cast(Document, self.ask("GET", "/v1/status")[1])

    def is_complete(self) -> bool:
        found = self.status()
        return found["plan"]["agreed"] and all(each["state"] == "ready" for each in found["processes"])

    def wait_complete(self) -> None:
        """Every process is ready and serves the same plan."""
        wait_until(self.is_complete, START_SECONDS, lambda: f"the gateway is not whole:\n{self.program.last_words()}")

    def pids(self) -> dict[str, int]:
        """Process id by name: "worker 0", …, "control"."""
        return {each["name"]: each["pid"] for each in self.status()["processes"]}

    def workers(self) -> list[int]:
        return [pid for name, pid in self.pids().items() if name.startswith("worker")]

    def signal(self, name: str, number: signal.Signals) -> int:
        """Returns the process id that was signalled."""
        pid = self.program.pid if name == "supervisor" else self.pids()[name]
        os.kill(pid, number)
        return pid

    def wait_replaced(self, name: str, old: int) -> None:
        wait_until(lambda: self.pids()[name] != old and self.is_complete(), START_SECONDS,
                   lambda: f"{name} was not replaced:\n{self.program.last_words()}")

    def board(self) -> Board:
        """The shared segment itself, through the supervisor's descriptor."""
        folder = Path(f"/proc/{self.program.pid}/fd")
        for link in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(link).startswith("/memfd:gateway-board"):
                    return Board.attach(os.open(link, os.O_RDWR))
        raise LoadTestError("the supervisor has no board open")

    def safeguard(self, target: str, kind: str) -> Document:
        """What `/v1/status` says of one safeguard of a target."""
        return next(each for each in self.status()["safeguards"]
                    if each["target"] == target and each["safeguard"] == kind)


@contextlib.contextmanager
def running(config: Document, where: Site, *, cores: frozenset[int]) -> Iterator[Gateway]:
    """A gateway that is complete."""
    gateway = Gateway(config, where, cores)
    try:
        gateway.wait_complete()
        yield gateway
    finally:
        gateway.program.stop()


@contextlib.contextmanager
def without_control(gateway: Gateway, number: signal.Signals) -> Iterator[None]:
    """Give control this signal (SIGSTOP or SIGKILL), and each successor that the supervisor starts for it."""
    over, board = threading.Event(), gateway.board()
    slot = board.slot(board.workers)

    def strike() -> None:
        while not over.wait(0.02):
            with contextlib.suppress(ProcessLookupError):
                if slot["pid"]:
                    os.kill(slot["pid"], number)

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(slot["pid"], signal.SIGCONT)


def wait_until(holds: Callable[[], object], seconds: float, otherwise: Callable[[], str], pause: float = 0.02) -> float:
    """Poll; what cannot be asked is not so yet. Returns the seconds it took; raises LoadTestError when it does not."""
    start = time.monotonic()
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError, ValueError):
            if holds():
                return time.monotonic() - start
        if time.monotonic() - start > seconds:
            raise LoadTestError(otherwise())
        time.sleep(pause)


def config(port: int, endpoints: list[str], *, workers: int = 2, upstream: Document | None = None,
           route: Document | None = None, routes: list[Document] | None = None) -> Document:
    """One listener, one upstream `api`, one route `all` unless `routes` says otherwise."""
    return {
        "version": 1,
        "listeners": [{"address": f"127.0.0.1:{port}"}],
        "workers": workers,
        "upstreams": {"api": {"endpoints": endpoints, **(upstream or {})}},
        "routes": routes or [{"name": "all", "match": {"path": "/**"}, "upstream": "api", **(route or {})}],
    }
