"""A real gateway for tests on the wire: started from a config text as a user would, waited for, and ended cleanly.

    with gateway(CONFIG.format(port=free_port()), tmp_path) as running:
        ...
"""
import contextlib
import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
READY_SECONDS = 15.0
END_SECONDS = 40.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(holds: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Poll until `holds()` is true and return it; OSError counts as not yet. Fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if answer := holds():
                return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {what or holds}")


def get_json(port: int, path: str) -> tuple[int, Any]:
    """(status, document) of a GET on 127.0.0.1."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def get_status(port: int, path: str) -> int:
    """The status of a GET on 127.0.0.1 over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@dataclasses.dataclass
class Gateway:
    """A running `gateway run`. Its stderr is the file `log`."""

    process: "subprocess.Popen[bytes]"
    admin_port: int
    log: Path

    def status(self) -> dict[str, Any]:
        return get_json(self.admin_port, "/v1/status")[1]

    def metrics(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=5)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return get_json(self.admin_port, "/readyz")[0] == 200

    def is_complete(self) -> bool:
        """Every process is ready."""
        return all(process["state"] == "ready" for process in self.status()["processes"])

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, f"the gateway ended at its start:\n{self.log.read_text()}"
            return self.is_complete()

        wait_until(ready, READY_SECONDS, "the gateway is ready")

    def pid_of(self, name: str) -> int:
        """The process id of "worker 0", "control", … as the status says."""
        return next(process["pid"] for process in self.status()["processes"] if process["name"] == name)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor and wait for its exit code."""
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)


def start(config: str, folder: Path, admin_port: int | None = None, name: str = "gateway") -> Gateway:
    """Start `gateway run` on this config text (without `admin:` and `state:`, which are added) and do not wait."""
    port = admin_port or free_port()
    file = folder / f"{name}.yaml"
    watched = "" if "probation:" in config else "probation: {mode: off}\n"        # all clients have a change at once
    file.write_text(f"{config}\n{watched}admin: {{address: 127.0.0.1:{port}}}\nstate: {{dir: {folder / 'state'}}}\n")
    log = folder / f"{name}.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "gateway", "run", str(file)], cwd=REPOSITORY, stderr=stderr,
                                   stdin=subprocess.DEVNULL, env=os.environ | {"PYTHONWARNINGS": "error"})
    return Gateway(process, port, log)


@contextlib.contextmanager
def gateway(config: str, folder: Path) -> Iterator[Gateway]:
    """A gateway that is ready; at the end it must exit with 0 on SIGTERM and must not have logged an exception."""
    running = start(config, folder)
    try:
        running.wait_ready()
        yield running
        code = running.end()
        assert code == 0, f"exit code {code}:\n{running.log.read_text()}"
        assert "Traceback" not in running.log.read_text(), running.log.read_text()
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
