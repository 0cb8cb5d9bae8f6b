"""The access log of a running gateway: a line for every request, whoever answered it, and files that stay bounded."""
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, wait_until
from wire.peers import addresses
from wire.peers.raw_client import RawClient, ask, exchange, request
from wire.peers.scripted_upstream import Send, answer, upstream

pytestmark = pytest.mark.wire
COMBINED = re.compile(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}(?::\d\d){3} \+0000\] "([^"]*)" (\d{3}) \d+ "-" "([^"]*)"')
MANY, AT_ONCE = 6000, 100


def config(listener: str, endpoint: str, log: str) -> str:
    return f"""\
version: 1
listeners: [{{address: "{listener}"}}]
workers: 2
drain: {{timeout: 1s}}
upstreams:
  api: {{endpoints: ["{endpoint}"]}}
routes:
  - {{name: all, match: {{path: /api/**}}, upstream: api}}
  - {{name: ours, match: {{path: /ours}}, respond: {{status: 204}}}}
  - name: scarce
    match: {{path: /scarce}}
    limits: [{{name: few, key: route, rate: 1/h, burst: 1}}]
    respond: {{status: 204}}
log: {{access: {log}}}
"""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def written(gateway: Gateway) -> int:
    return int(gateway.status()["access_log"]["lines"])


def test_every_request_has_its_line_refused_ones_too_and_a_reload_changes_the_format(tmp_path: Path) -> None:
    listener, first, second = addresses.free_address(), tmp_path / "access.log", tmp_path / "combined.log"
    with upstream() as api:
        api.on("/api/1?token=secret", Send(answer(200, b"hello")))
        asked = config(listener, api.address, f'{{path: "{first}"}}')
        with processes.gateway(asked, tmp_path) as gateway:
            ask(listener, "/api/1?token=secret", "User-Agent: curl/8.1")
            for path in ("/scarce", "/scarce", "/nowhere"):
                ask(listener, path)
            exchange(listener, b"GET /api/1 HTTP/1.1\r\nHost: gate\r\nContent-Length: +1\r\n\r\n")
            wait_until(lambda: written(gateway) == 5, what="five lines")
            told = gateway.metrics()
            assert 'gateway_access_log_lines_total{result="written"} 5.0' in told
            assert "gateway_config_revision 1.0" in told
            assert re.search(r'gateway_open_files{process="worker 1"} [1-9]', told)

            reload_with(gateway, tmp_path, config(listener, api.address, f'{{path: "{second}", format: combined}}'))
            ask(listener, "/ours?token=secret", "User-Agent: curl/8.1")
        found = lines(first)
    assert "secret" not in first.read_text() + second.read_text()
    assert {(each.get("path", ""), each["status"], each.get("decision"), each.get("limit")) for each in found} == {
        ("/api/1", 200, None, None), ("/scarce", 204, None, None), ("/scarce", 429, "limited", "few"),
        ("/nowhere", 404, "refused", None), ("", 400, "refused", None)}
    hello = next(each for each in found if each["status"] == 200)
    assert (hello["route"], hello["upstream"], hello["endpoint"]) == ("all", "api", api.address)
    assert (hello["client"], hello["bytes_out"], hello["agent"]) == ("127.0.0.1", 5, "curl")
    combined = COMBINED.fullmatch(second.read_text().rstrip("\n"))      # asked for in the last moment
    assert combined is not None
    assert combined.groups() == ("GET /ours HTTP/1.1", "204", "curl")


def reload_with(gateway: Gateway, folder: Path, text: str) -> None:
    before = gateway.status()["config"]["revision"]["number"]
    own = (folder / "gateway.yaml").read_text().splitlines()[-2:]
    (folder / "gateway.yaml").write_text("\n".join([text, *own, ""]))
    gateway.process.send_signal(signal.SIGHUP)
    wait_until(lambda: gateway.status()["config"]["revision"]["number"] > before, what="the new revision")


def test_a_file_that_is_full_becomes_the_next_older_one_and_no_line_is_lost(tmp_path: Path) -> None:
    listener, path = addresses.free_address(), tmp_path / "access.log"
    log = f'{{path: "{path}", rotate: {{size: 1MiB, keep: 2}}}}'
    with processes.gateway(config(listener, addresses.free_address(), log), tmp_path) as gateway:
        with RawClient(listener) as client:
            for _ in range(MANY // AT_ONCE):
                client.sends(request("/ours") * AT_ONCE)
                for _ in range(AT_ONCE):
                    client.reads_answer()
        wait_until(lambda: written(gateway) == MANY, what="all lines")
        assert gateway.status()["access_log"]["dropped"] == 0
    old = tmp_path / "access.log.1"
    assert len(lines(old)) + len(lines(path)) == MANY
    assert old.stat().st_size <= 2**20
    assert path.stat().st_size <= 2**20
