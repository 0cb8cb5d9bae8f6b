"""The admin side of running processes: over a Unix socket, with commands and events."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wire.gateway_process import REPOSITORY, free_port, wait_until

pytestmark = pytest.mark.wire

CONFIG = """\
version: 1
listeners: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "unix:{folder}/admin.sock"}}
state: {{dir: {folder}/state}}
workers: 1
routes: [{{name: ping, match: {{path: /ping}}, respond: {{status: 204}}}}]
"""


def command(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "gateway", *words], cwd=REPOSITORY, capture_output=True, text=True,
                          env=os.environ | {"GATEWAY_ADMIN": f"unix:{folder}/admin.sock"}, timeout=30, check=False)


def test_the_admin_address_may_be_a_unix_socket(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG.format(port=free_port(), folder=tmp_path))
    gateway = subprocess.Popen([sys.executable, "-m", "gateway", "run", str(file)], cwd=REPOSITORY,
                               stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: (tmp_path / "admin.sock").exists() and command(tmp_path, "status").returncode == 0, 15,
                   "it answers there")
        done = command(tmp_path, "isolate", "route:ping", "--reason", "a test", "--json")
        assert (done.returncode, json.loads(done.stdout)["target"]) == (0, "route:ping"), done.stderr
        done = command(tmp_path, "isolate", "route:pong", "--reason", "a test")
        assert (done.returncode, done.stderr) == (1, "there is no route:pong; known here: ping\n")
    finally:
        gateway.terminate()
        assert gateway.wait(20) == 0
