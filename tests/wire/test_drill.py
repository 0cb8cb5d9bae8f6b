"""`gateway drill` on a running gateway: a bad endpoint is found and contained in time, and nothing is left of it."""
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import REPOSITORY, Gateway, free_port, get_json, wait_until
from wire.load import answering_server

pytestmark = pytest.mark.wire

CONFIG = """\
version: 1
drills: enabled
workers: 1
listeners: [{{address: 127.0.0.1:{port}}}]
upstreams: {{api: {{endpoints: [127.0.0.1:{one}, 127.0.0.1:{two}], eject: {{for: 30s}}}}}}
routes: [{{name: all, upstream: api}}]
"""
SCENARIO = """\
about: one endpoint fails
place: endpoint
fault: {{kind: status, status: 500}}
for: 15s
expect: {{detect: 10s, isolate: {isolate}}}
"""


def drill(gateway: Gateway, port: int, scenario: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "drill", str(scenario), "--admin", f"127.0.0.1:{gateway.admin_port}",
         "--traffic", "80", "--settle", "3", "--listener", f"http://127.0.0.1:{port}/", "--json"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def faults(gateway: Gateway) -> list[dict[str, Any]]:
    return list(get_json(gateway.admin_port, "/v1/faults")[1]["faults"])


def test_a_drill_is_judged_kept_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port, scenario = free_port(), tmp_path / "one-fails.yaml"
    scenario.write_text(SCENARIO.format(isolate="12s"))
    with answering_server() as one, answering_server() as two, processes.gateway(
            CONFIG.format(port=port, one=one, two=two), tmp_path) as gateway:
        with drill(gateway, port, scenario) as interrupted:
            wait_until(lambda: faults(gateway), 15, "the fault stands")
            interrupted.send_signal(signal.SIGINT)
            assert interrupted.wait(10) == 130
        assert faults(gateway) == []

        with drill(gateway, port, scenario) as run:
            said, errors = run.communicate(timeout=40)
        assert run.returncode == 0, errors
        found = json.loads(said)
        assert found["passed"]
        assert {each["step"] for each in found["checks"] if each["limit"] is not None} == {"detect", "isolate"}
        assert found["traffic"]["asked"] > 40
        assert faults(gateway) == []
        kept = get_json(gateway.admin_port, "/v1/drills")[1]["drills"]
        assert [(each["scenario"], each["incident"]) for each in kept] == [("one-fails", found["incident"])]
