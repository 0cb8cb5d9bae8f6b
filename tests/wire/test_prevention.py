"""From a wrong port in a config to a rule that refuses it for ever: real processes and the real commands."""
import http.client
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from wire import gateway_process as processes
from wire.gateway_process import REPOSITORY, Gateway, free_port, get_json, get_status, wait_until

from gateway.cli import main

pytestmark = pytest.mark.wire

CONFIG = """\
version: 1
listeners: [{{address: "127.0.0.1:{port}"}}]
workers: 1
upstreams:
  orders:
    endpoints: ["127.0.0.1:{api}"]      # the shop's own
routes:
  - {{name: list, match: {{path: /list}}, upstream: orders}}
"""


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def command(*arguments: str, code: int = 0) -> str:
    done = subprocess.run([sys.executable, "-m", "gateway", *arguments], cwd=REPOSITORY, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def post(gateway: Gateway, path: str, **body: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=5)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 201
    connection.close()


def incidents(gateway: Gateway, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["incidents", "--admin", f"127.0.0.1:{gateway.admin_port}", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_mistake_that_caused_an_incident_is_refused_by_check_with_the_incidents_number(
        tmp_path: Path, api: int) -> None:
    port, wrong = free_port(), free_port()
    good = CONFIG.format(port=port, api=api)
    with processes.gateway(good, tmp_path) as gateway:
        file = tmp_path / "gateway.yaml"
        served, mistake = file.read_text(), file.read_text().replace(f"127.0.0.1:{api}", f"127.0.0.1:{wrong}")
        ask = lambda: get_status(port, "/list")  # noqa: E731
        for _ in range(40):
            assert ask() == 204
            time.sleep(0.02)
        file.write_text(mistake)
        wait_until(lambda: ask() >= 500, what="the mistake is served")
        post(gateway, "/v1/reports", target="route:list", words="the list does not load")

        def explained() -> bool:
            ask()
            found = get_json(gateway.admin_port, "/v1/incidents/1")
            return found[0] == 200 and "analysed" in found[1]["times"]

        wait_until(explained, 40, "the incident is explained")
        assert get_json(gateway.admin_port, "/v1/incidents/1")[1]["fault"] == "misconfiguration"
        back = "serve the config of revision 1 again"
        wait_until(lambda: back in incidents(gateway, "proposals", "1"), 40, "the correction is drafted")
        correction = incidents(gateway, "proposals", "1").split()[0]
        assert "replayed on recorded requests" in incidents(gateway, "proposals", "1", correction)
        assert f"proposal {correction} is drafted: {back}" in incidents(gateway, "show", "1")
        incidents(gateway, "accept", "1", correction, "the port was wrong")
        assert "revision 3 is served" in gateway.log.read_text()
        assert file.read_text() == served
        wait_until(lambda: ask() == 204, what="requests are answered again")
        post(gateway, "/v1/maintenance", target="gateway", reason="the report stands for a while", ttl="10m")
        incidents(gateway, "resolve", "1", "the port was wrong")
        wait_until(lambda: (tmp_path / "state" / "post-mortems" / "1.html").exists(), 60, "the post-mortem is there")
        told = incidents(gateway, "proposals", "1")
        assert f"upstreams.orders: 127.0.0.1:{wrong} must not come back here" in told
        assert told.count(back) == 1
        number = next(line.split()[0] for line in told.splitlines() if "must not come back" in line)
        assert "refuses revision 2" in incidents(gateway, "proposals", "1", number)
        incidents(gateway, "accept", "1", number, "never again")
        bad = tmp_path / "again.yaml"
        bad.write_text(mistake)
        assert command("check", str(bad), code=1).splitlines() == [
            f"{bad}:6:16: upstreams.orders.endpoints: 127.0.0.1:{wrong} must not come back here "
            "(rule incident-1-orders-endpoints, incident 1)", "1 problem"]
        assert command("check", str(file)).endswith("; 1 rule obeyed\n")
        bad.unlink()
        file.write_text(mistake)
        wait_until(lambda: "rule incident-1-orders-endpoints" in gateway.log.read_text(), what="the reload is refused")
        assert ask() == 204
        report = incidents(gateway, "report", "1")
        assert "misconfiguration" in report
        assert "accepted proposal" in incidents(gateway, "show", "1")
        assert "incident 1" in (tmp_path / "CHANGES.md").read_text()
        assert "incident 1" in (tmp_path / "runbook" / "list.md").read_text()
