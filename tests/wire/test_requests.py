"""The flight recorder of a real gateway: each kind of request with what was decided, also when control was killed."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, wait_until
from wire.load import answering_server

pytestmark = pytest.mark.wire


def config(port: int, upstream: int) -> str:
    return f"""\
version: 1
listeners: [{{address: "127.0.0.1:{port}"}}]
workers: 2
upstreams:
  orders: {{endpoints: ["127.0.0.1:{upstream}"]}}
  nobody: {{endpoints: ["127.0.0.1:1"]}}
routes:
  - {{name: all, match: {{path: /**}}, upstream: orders}}
  - {{name: few, match: {{path: /few}}, upstream: orders, limits: [{{name: hourly, key: route, rate: 1/h, burst: 1}}]}}
  - {{name: gone, match: {{path: /gone}}, upstream: nobody}}
"""


def asked(gateway: Gateway, *words: str) -> list[dict[str, Any]]:
    """`gateway requests --json …`."""
    done = subprocess.run([sys.executable, "-m", "gateway", "requests", "--json", *words,
                           "--admin", f"127.0.0.1:{gateway.admin_port}"],
                          capture_output=True, text=True, check=True, timeout=30)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_kind_of_request_is_found_with_its_decision(tmp_path: Path) -> None:
    port = free_port()
    with answering_server() as upstream, processes.gateway(config(port, upstream), tmp_path) as gateway:
        for path, status in (("/x", 200), ("/few", 200), ("/few", 429), ("/gone", 502)):
            assert processes.get_status(port, path) == status
        assert [(each["status"], each["decision"]) for each in asked(gateway, "--route", "few")] == [
            (200, "none"), (429, "limited")]
        [limited] = asked(gateway, "--decision", "limited")
        assert (limited["safeguard"], limited["limit"], limited["client"]) == ("limit", "hourly", "127.0.0.1")
        [gone] = asked(gateway, "--status", "5xx")
        assert (gone["route"], gone["upstream"], gone["decision"]) == ("gone", "nobody", "error")

        control = gateway.pid_of("control")
        os.kill(control, signal.SIGKILL)
        assert processes.get_status(port, "/while-control-is-away") == 200
        wait_until(lambda: gateway.pid_of("control") != control and gateway.is_complete(), 10, "control is back")
        assert len(asked(gateway, "--path", "/while-control-is-away")) == 1
        assert len(asked(gateway, "--route", "few")) == 2, "nothing twice, nothing missing"
