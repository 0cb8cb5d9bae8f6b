"""`gateway demo --with-gateway`: both are up, answer, and end together."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from wire.gateway_process import REPOSITORY, free_port, get_json, wait_until

pytestmark = pytest.mark.wire


def config(tmp_path: Path, port: int, admin: int, api: int) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"""\
version: 1
listeners: [{{address: 127.0.0.1:{port}}}]
admin: {{address: 127.0.0.1:{admin}}}
state: {{dir: {tmp_path / "state"}}}
workers: 1
upstreams: {{demo: {{endpoints: [127.0.0.1:{api}]}}}}
routes: [{{name: all, upstream: demo}}]
""")
    return file


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_its_api_through_the_gateway_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    port, admin, api = free_port(), free_port(), free_port()
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(api), "--with-gateway",
               str(config(tmp_path, port, admin, api))]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONWARNINGS": "error"}) as demo:
        try:
            wait_until(lambda: get_json(admin, "/readyz")[0] == 200, 15, "the gateway is ready")
            assert get_json(port, "/customers/7") == (200, {"id": 7, "name": "Ada"})
            assert get_json(port, "/customers/9")[0] == 404
            assert get_json(port, "/slow?seconds=0.1") == (200, {"waited_seconds": 0.1})
            assert demo.stdout
            told = [demo.stdout.readline() for _ in range(5)]
            assert told[-1] == f"try        curl -i http://127.0.0.1:{port}/orders\n"
        finally:
            demo.send_signal(number)
        _, errors = demo.communicate(timeout=10)
    assert demo.returncode == 0
    assert "Traceback" not in errors


def test_the_gateway_ends_when_the_demo_is_killed(tmp_path: Path) -> None:
    port, admin, api = free_port(), free_port(), free_port()
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(api), "--with-gateway",
               str(config(tmp_path, port, admin, api))]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
        wait_until(lambda: get_json(admin, "/readyz")[0] == 200, 15, "the gateway is ready")
        [supervisor] = children_of(demo.pid)
        demo.kill()
    wait_until(lambda: not Path(f"/proc/{supervisor}").exists(), 5, "the gateway has ended")
