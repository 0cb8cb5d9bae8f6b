"""Deaths and hangs of each process, and the end of the whole, under load from keep-alive connections."""
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, wait_until
from wire.load import Load, answering_server

pytestmark = pytest.mark.wire

CONNECTIONS = 8


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with answering_server() as port:
        yield port


def config(port: int, upstream: int, more: str = "") -> str:
    return f"""\
version: 1
listeners:
  - address: 127.0.0.1:{port}
    health: /healthz
workers: 2
upstreams:
  orders: {{endpoints: ["127.0.0.1:{upstream}"]}}
routes:
  - {{name: all, match: {{path: /**}}, upstream: orders}}
{more}"""


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_replaced(gateway: Gateway, name: str, old: int, seconds: float = 10) -> None:
    wait_until(lambda: gateway.pid_of(name) != old and gateway.is_complete(), seconds, f"{name} is replaced")


def warm(load: Load) -> None:
    wait_until(lambda: load.tally.answered > 100, what="the load runs")


def test_killing_control_fails_no_request(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream), tmp_path) as gateway, Load(port) as load:
        warm(load)
        control = gateway.pid_of("control")
        os.kill(control, signal.SIGKILL)
        wait_replaced(gateway, "control", control)
        before = load.tally.answered
        wait_until(lambda: load.tally.answered > before + 100)
    assert load.tally.failures == []


def test_stopping_control_fails_no_request_and_replaces_it(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream), tmp_path) as gateway, Load(port) as load:
        warm(load)
        control = gateway.pid_of("control")
        os.kill(control, signal.SIGSTOP)
        wait_until(lambda: not alive(control), 10, "the stopped control is killed")
        wait_replaced(gateway, "control", control)
    assert load.tally.failures == []
    assert load.tally.longest_gap < 1


def test_killing_a_worker_fails_only_what_it_had_in_flight_and_it_is_back_within_a_second(
    tmp_path: Path, upstream: int
) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream), tmp_path) as gateway, Load(port, connections=CONNECTIONS) as load:
        warm(load)
        worker = gateway.pid_of("worker 0")
        killed = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        wait_replaced(gateway, "worker 0", worker, 2)
        back = time.monotonic() - killed
        before = load.tally.answered
        wait_until(lambda: load.tally.answered > before + 100)
    assert back < 1.5
    assert len(load.tally.failures) <= CONNECTIONS
    assert all(killed <= when < killed + 0.5 for when, _ in load.tally.failures)
    assert load.tally.refused == 0


def test_a_stopped_worker_is_replaced_and_connections_are_accepted_meanwhile(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream), tmp_path) as gateway:
        worker = gateway.pid_of("worker 1")
        os.kill(worker, signal.SIGSTOP)
        wait_until(lambda: gateway.status()["processes"][0]["adopted_sockets"] == 1, 4, "worker 0 serves its socket")
        for _ in range(20):                             # the kernel gives about half of them to the stopped worker
            assert processes.get_status(port, "/") == 200
        assert alive(worker)
        wait_replaced(gateway, "worker 1", worker)
        wait_until(lambda: gateway.status()["processes"][0]["adopted_sockets"] == 0, 4, "worker 0 gives it back")


def test_killing_the_supervisor_ends_everything_and_a_restart_works(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    first = processes.start(config(port, upstream), tmp_path)
    first.wait_ready()
    pids = [process["pid"] for process in first.status()["processes"]]
    with Load(port) as load:
        warm(load)
        first.process.kill()
        first.process.wait()
        wait_until(lambda: not any(map(alive, pids)), 2, "all children are dead")
    with processes.gateway(config(port, upstream), tmp_path), Load(port) as load:
        warm(load)
    assert load.tally.failures == []


def test_a_second_instance_is_refused_with_what_to_do(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    other = tmp_path / "other"
    other.mkdir()
    with processes.gateway(config(port, upstream), tmp_path) as gateway:
        same_folder = processes.start(config(free_port(), upstream), tmp_path, name="same-folder")
        same_port = processes.start(config(port, upstream), other, name="same-port")
        assert same_folder.process.wait(10) == 1
        assert f"another gateway (process {gateway.process.pid})" in same_folder.log.read_text()
        assert "--state-dir" in same_folder.log.read_text()
        assert same_port.process.wait(10) == 1
        assert f"cannot listen on 127.0.0.1:{port}: another process listens there" in same_port.log.read_text()
        assert gateway.is_ready()


@pytest.mark.parametrize("path", ["/", "/slow"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ending_fails_no_request_on_an_accepted_connection(
    tmp_path: Path, upstream: int, path: str, number: signal.Signals
) -> None:
    port = free_port()
    gateway = processes.start(config(port, upstream), tmp_path)
    gateway.wait_ready()
    with Load(port, path, connections=32) as load:
        wait_until(lambda: load.tally.answered > 64)
        assert gateway.end(number) == 0
    assert load.tally.failures == []


def test_before_the_drain_health_is_503_and_connections_are_still_accepted(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    gateway = processes.start(config(port, upstream, "drain: {delay: 1s}"), tmp_path)
    gateway.wait_ready()
    assert processes.get_status(port, "/healthz") == 200
    gateway.process.send_signal(signal.SIGTERM)
    wait_until(lambda: processes.get_status(port, "/healthz") == 503, 1, "health answers 503")
    assert not gateway.is_ready()
    assert processes.get_status(port, "/") == 200
    assert gateway.process.wait(10) == 0


def test_a_second_signal_ends_at_once(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    gateway = processes.start(config(port, upstream, "drain: {delay: 20s}"), tmp_path)
    gateway.wait_ready()
    gateway.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not gateway.is_ready())
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(3) == 1


def test_a_worker_that_is_asked_to_end_fails_no_request_and_is_replaced(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream), tmp_path) as gateway, Load(port) as load:
        warm(load)
        worker = gateway.pid_of("worker 0")
        os.kill(worker, signal.SIGTERM)
        wait_replaced(gateway, "worker 0", worker)
    assert load.tally.failures == []
    assert load.tally.refused == 0


def test_processes_say_what_they_are(tmp_path: Path, upstream: int) -> None:
    with processes.gateway(config(free_port(), upstream), tmp_path) as gateway:
        pids = [gateway.process.pid, *(process["pid"] for process in gateway.status()["processes"])]
        titles = [Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ").decode() for pid in pids]
        assert titles == ["gateway: supervisor", "gateway: worker 0", "gateway: worker 1", "gateway: control"]
        assert subprocess.run(["ps", "-o", "ni=", "-p", str(pids[-1])], capture_output=True, text=True,
                              check=True).stdout.strip() == "10"
