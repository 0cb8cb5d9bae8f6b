"""What anybody may see and say: over real workers and a real control, also while that is away."""
import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, get_json, wait_until

pytestmark = pytest.mark.wire

CONFIG = """\
version: 1
listeners:
  - address: 127.0.0.1:{port}
workers: 1
clients: {{trusted_proxies: [127.0.0.1/32]}}
feedback: {{path: /.well-known/report}}
status: {{path: /.well-known/status}}
routes:
  - {{name: orders, match: {{path: /orders/**, host: shop.example.com}}, respond: {{status: 204}}}}
  - {{name: rest, match: {{path: /**}}, respond: {{status: 204}}}}
"""


class Asking:
    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body or None, fields)
            answer = connection.getresponse()
            text = answer.read()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, json.loads(text) if "json" in told.get("content-type", "") else text, told
        finally:
            connection.close()

    def report(self, client: str, url: str = "/orders/7") -> int:
        body = json.dumps({"url": url, "words": "it looks wrong"}).encode()
        return self("POST", "/.well-known/report", body, Host="shop.example.com", X_Forwarded_For=client)[0]

    def status(self) -> tuple[int, Any, dict[str, str]]:
        return self("GET", "/.well-known/status")


def test_reports_of_independent_people_open_an_incident_that_everybody_may_read_of(tmp_path: Path) -> None:
    ask = Asking(free_port())
    with processes.gateway(CONFIG.format(port=ask.port), tmp_path) as gateway:
        code, told, headers = wait_until(lambda: (found := ask.status())[0] == 200 and found, what="it is told")
        assert (code, told["status"], told["incidents"]) == (200, "operational", [])
        assert headers["access-control-allow-origin"] == "*"
        assert headers["cache-control"] == "public, max-age=5"
        assert ask("OPTIONS", "/.well-known/report", Origin="https://shop.example.com")[0] == 204
        assert ask("POST", "/.well-known/report", b"{}")[0] == 400
        assert ask("POST", "/.well-known/report", b"x" * 5000)[0] == 413
        assert ask.report("192.0.2.1", "/.well-known/status") == 202    # as all that `/**` takes
        assert [ask.report("192.0.2.1") for _ in range(7)] == [202] * 5 + [429] * 2
        assert ask.report("2001:db8::1") == ask.report("2001:db8::2") == 202
        assert get_json(gateway.admin_port, "/v1/incidents")[1]["incidents"] == []     # two people, however often
        assert ask.report("192.0.2.3") == 202
        wait_until(lambda: get_json(gateway.admin_port, "/v1/incidents")[1]["incidents"], what="an incident is open")
        incident = wait_until(lambda: ask.status()[1]["incidents"], what="everybody may read of it")[0]
        assert incident["where"] == ["orders"]
        assert incident["what"] == "users report that something does not look right"
        assert get_json(gateway.admin_port, "/v1/incidents/1")[1]["actions"] == []      # reports cause none
        _while_control_is_away(gateway, ask)


def _while_control_is_away(gateway: Gateway, ask: Asking) -> None:
    """It is stopped, not dead: the worker's time-out answers; then killed, and its successor takes over."""
    control = gateway.pid_of("control")
    os.kill(control, signal.SIGSTOP)
    code, told, _ = ask.status()
    assert (code, told["status"]) == (503, "unknown")
    os.kill(control, signal.SIGKILL)
    code, told, _ = wait_until(lambda: (found := ask.status())[0] == 200 and found, what="control is back")
    assert told["incidents"][0]["where"] == ["orders"]
    wait_until(gateway.is_complete, what="control is replaced")
