"""Each kind of injected fault, through a real gateway: seen by clients, held against the endpoint, and over in time."""
import http.client
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, wait_until
from wire.load import answering_server
from wire.test_incidents import ask

pytestmark = pytest.mark.wire

CONFIG = """\
version: 1
drills: enabled
workers: 1
listeners: [{{address: 127.0.0.1:{port}}}]
upstreams:
  api:
    endpoints: [127.0.0.1:{api}]
    timeouts: {{first_byte: 300ms}}
    eject: {{mode: 'off'}}
    breaker: {{mode: 'off'}}
routes: [{{name: all, upstream: api}}]
"""


def get(port: int, path: str = "/", source: str = "127.0.0.1") -> tuple[Any, float]:
    """(status, or how it broke; seconds)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(source, 0))
    began = time.monotonic()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began
    finally:
        connection.close()


class Injected:
    """Stands while the block runs."""

    def __init__(self, gateway: Gateway, port: int, **fault: Any) -> None:
        self._gateway, self._port = gateway, port
        self._fault = {"upstream": "api", "reason": "a test", "for": "20s", **fault}

    def __enter__(self) -> None:
        self._id = ask(self._gateway, "/v1/faults", **self._fault)["id"]
        time.sleep(0.25)                    # two beats of the worker

    def __exit__(self, *_: object) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._gateway.admin_port, timeout=5)
        connection.request("DELETE", f"/v1/faults/{self._id}")
        assert connection.getresponse().status == 200
        connection.close()
        wait_until(lambda: get(self._port)[0] == 200, 2, "the fault is over")


def test_every_kind_of_fault_is_seen_and_ends(tmp_path: Path) -> None:
    port = free_port()
    with answering_server() as api, processes.gateway(CONFIG.format(port=port, api=api), tmp_path) as gateway:
        with Injected(gateway, port, kind="status", status=503):
            assert get(port)[0] == 503
        with Injected(gateway, port, kind="abort"):
            assert get(port)[0] == 502
        with Injected(gateway, port, kind="blackhole"):
            assert get(port)[0] == 504
        with Injected(gateway, port, kind="delay", delay="150ms"):
            status, took = get(port)
            assert (status, took >= 0.15) == (200, True)
        with Injected(gateway, port, kind="busy", delay="50ms"):
            status, took = get(port)
            assert (status, took >= 0.05) == (200, True)
        with Injected(gateway, port, kind="slow body", rate=10):
            status, took = get(port)                    # "ok": a byte each 100 ms
            assert (status, took >= 0.1) == (200, True)
        with Injected(gateway, port, kind="status", client="127.0.0.9"):
            assert get(port, source="127.0.0.9")[0] == 503
            assert get(port)[0] == 200
        endpoint = gateway.status()["routes"]["all"]
        assert endpoint["upstream_failures"] >= 3


def test_a_fault_ends_in_time_though_control_is_dead_and_outlives_a_worker(tmp_path: Path) -> None:
    port = free_port()
    with answering_server() as api, processes.gateway(CONFIG.format(port=port, api=api), tmp_path) as gateway:
        ask(gateway, "/v1/faults", kind="status", upstream="api", reason="a test", **{"for": "4s"})
        began = time.monotonic()
        wait_until(lambda: get(port)[0] == 503, 2)
        os.kill(gateway.pid_of("worker 0"), signal.SIGKILL)
        wait_until(lambda: get(port)[0] == 503, 3, "the successor injects it too")
        control = gateway.pid_of("control")
        os.kill(control, signal.SIGSTOP)
        try:
            wait_until(lambda: get(port)[0] == 200, 6, "it ends")
            assert time.monotonic() - began >= 3.5
        finally:
            os.kill(control, signal.SIGCONT)
