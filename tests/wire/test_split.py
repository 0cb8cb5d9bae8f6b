"""A revision on probation, on real processes: each client keeps its side, whoever dies; then all have it."""
import http.client
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, get_json, wait_until

from gateway.cli.asking import ask

pytestmark = pytest.mark.wire

CLIENTS = [f"127.0.1.{number}" for number in range(1, 61)]
CONFIG = """\
version: 1
workers: 2
listeners: [{{address: 127.0.0.1:{port}}}]
probation: {{for: 20s}}
routes: [{{name: all, respond: {{status: {status}}}}}]
"""


def sides(port: int) -> dict[str, int]:
    """What each client is answered."""
    found = {}
    for client in CLIENTS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(client, 0))
        try:
            connection.request("GET", "/")
            found[client] = connection.getresponse().status
        finally:
            connection.close()
    return found


def apply(gateway: Gateway, folder: Path, old: str, new: str) -> None:
    text = (folder / "gateway.yaml").read_text().replace(old, new)
    ask(f"127.0.0.1:{gateway.admin_port}", "/v1/config", {"documents": {"gateway.yaml": text}})


def served(gateway: Gateway) -> Any:
    return get_json(gateway.admin_port, "/v1/config")[1]


def test_a_worker_that_is_killed_in_a_split_comes_back_with_the_same_split_and_then_all_have_it(tmp_path: Path) -> None:
    port = free_port()
    with processes.gateway(CONFIG.format(port=port, status=200), tmp_path) as gateway:
        apply(gateway, tmp_path, "status: 200", "status: 299")
        before = sides(port)
        assert set(before.values()) == {200, 299}
        assert 0 < list(before.values()).count(299) < 20
        killed = gateway.pid_of("worker 0")
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: gateway.pid_of("worker 0") != killed and gateway.is_complete(), 15, "its successor is ready")
        assert sides(port) == before
        wait_until(lambda: served(gateway)["probation"], 5, "control has begun to watch it")
        assert served(gateway)["probation"]["step"] == 1

        wait_until(lambda: served(gateway)["probation"]["share"] == 1.0, 40, "all clients are to have it")
        wait_until(lambda: set(sides(port).values()) == {299}, 10, "all have it: a worker unites at its next look")
        assert served(gateway)["last_known_good"] == 1
