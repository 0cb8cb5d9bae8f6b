"""An incident through kill -9 with alerts on their way, and a real Alertmanager that is told of one and of its end."""
import http.client
import http.server
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, get_json, wait_until

pytestmark = pytest.mark.wire

CONFIG = """\
version: 1
listeners:
  - address: 127.0.0.1:{port}
workers: 1
upstreams:
  orders: {{endpoints: ["127.0.0.1:1"]}}
routes:
  - {{name: list, match: {{path: /list}}, upstream: orders}}
  - {{name: login, match: {{path: /login}}, respond: {{status: 204}}}}
alerts:
  wait: 0s
  receivers:
    ops: {receiver}
"""


class Receiver:
    """An HTTP server that is down, refuses (`status` 503) or takes what it is sent."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 200
        self.bodies: list[dict[str, str]] = []
        self.taken: list[dict[str, str]] = []
        self._server: http.server.HTTPServer | None = None

    def start(self) -> None:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                if outer.status == 200:
                    outer.taken.append(body)
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


def ask(gateway: Gateway, path: str, **body: object) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=5)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return json.loads(text)
    finally:
        connection.close()


def open_incidents(gateway: Gateway) -> list[int]:
    """Which there are; how far each has come goes on meanwhile."""
    found = get_json(gateway.admin_port, "/v1/incidents")[1]["incidents"]
    return [each["id"] for each in found]


def kill_control(gateway: Gateway) -> None:
    control = gateway.pid_of("control")
    os.kill(control, signal.SIGKILL)
    wait_until(lambda: gateway.pid_of("control") != control and gateway.is_complete(), 30, "control is replaced")


def test_a_killed_control_goes_on_with_its_incident_and_every_alert_arrives_under_one_key(
        tmp_path: Path, receiver: Receiver) -> None:
    hook = f'{{webhook: {{url: "http://127.0.0.1:{receiver.port}/"}}}}'
    with processes.gateway(CONFIG.format(port=free_port(), receiver=hook), tmp_path) as gateway:
        ask(gateway, "/v1/reports", target="route:list", words="customers call")
        wait_until(lambda: open_incidents(gateway) == [1], what="the incident is open")
        kill_control(gateway)                       # nobody listens at the receiver: the alert waits in the outbox
        assert open_incidents(gateway) == [1]
        told = gateway.metrics()
        assert 'gateway_incident_open{fault="unknown",incident="1",severity="notice"' in told
        assert "gateway_alerts_waiting 1.0" in told
        receiver.status = 503
        receiver.start()
        wait_until(lambda: receiver.bodies, 15, "the alert is tried again")
        kill_control(gateway)                       # refused once: it still waits
        ask(gateway, "/v1/incidents/1/comment", words="I look at it")
        receiver.status = 200
        wait_until(lambda: receiver.taken, 15, "the alert arrives")
        assert open_incidents(gateway) == [1]
    assert {each["event"] for each in receiver.taken} == {"trigger"}
    keys = {each["key"] for each in receiver.bodies}
    assert len(keys) == 1
    assert keys.pop().endswith("-1")


def alertmanager(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    return subprocess.Popen([
        "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_real_alertmanager_shows_one_alert_however_often_control_dies_and_sees_its_end(tmp_path: Path) -> None:
    port = free_port()
    told = f'{{alertmanager: {{url: "http://127.0.0.1:{port}"}}}}'

    def shown() -> list[dict[str, dict[str, str]]]:
        return get_json(port, "/api/v2/alerts")[1]

    with processes.gateway(CONFIG.format(port=free_port(), receiver=told), tmp_path) as gateway:
        ask(gateway, "/v1/reports", target="route:list", words="customers call")
        wait_until(lambda: open_incidents(gateway) == [1], what="the incident is open")
        kill_control(gateway)                           # with the alert queued: no alertmanager is there yet
        assert open_incidents(gateway) == [1]
        manager = alertmanager(tmp_path, port)
        try:
            wait_until(lambda: get_json(port, "/api/v2/status")[0] == 200, 20, "the alertmanager is up")
            alert = wait_until(shown, 20, "the alert is there")[0]
            assert alert["labels"]["alertname"] == "GatewayIncident"
            assert alert["annotations"]["scope"] == "route:list"
            assert alert["status"]["state"] == "active"
            kill_control(gateway)
            ask(gateway, "/v1/incidents/1/comment", words="I look at it")
            assert len(shown()) == 1
            ask(gateway, "/v1/maintenance", target="route:list", reason="it is known", ttl="10m")
            ask(gateway, "/v1/incidents/1/resolve", words="a mistake")
            wait_until(lambda: shown() == [], 15, "the alert is over")
        finally:
            manager.terminate()
            manager.wait(10)


def test_the_death_of_a_worker_is_an_incident_that_is_told(tmp_path: Path, receiver: Receiver) -> None:
    receiver.start()
    hook = f'{{webhook: {{url: "http://127.0.0.1:{receiver.port}/"}}}}'
    with processes.gateway(CONFIG.format(port=free_port(), receiver=hook), tmp_path) as gateway:
        wait_until(lambda: gateway.status()["deliberation"]["turn_ms"] > 0, what="control has looked once")
        os.kill(gateway.pid_of("worker 0"), signal.SIGKILL)
        wait_until(lambda: receiver.taken, 15, "the death of a worker is told")
        signals = get_json(gateway.admin_port, "/v1/signals")[1]["signals"]
        assert [each["kind"] for each in signals] == ["worker restarted"]
