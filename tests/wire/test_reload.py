"""Reload, refusal, rollback and deaths in the midst of them, on real processes under load."""
import http.client
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire import gateway_process as processes
from wire.gateway_process import Gateway, free_port, get_status, wait_until
from wire.load import Load, answering_server

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with answering_server() as port:
        yield port


def config(port: int, upstream: int, turn: int) -> str:
    """The route `turn-N` answers 200 itself: which plan a worker serves can be asked for."""
    return f"""\
version: 1
listeners:
  - address: 127.0.0.1:{port}
workers: 2
probation: {{mode: off}}
upstreams:
  orders: {{endpoints: ["127.0.0.1:{upstream}"]}}
routes:
  - {{name: all, match: {{path: /**}}, upstream: orders}}
  - {{name: turn, match: {{path: /turn-{turn}}}, respond: {{status: 299}}}}
"""


def write(gateway: Gateway, folder: Path, text: str) -> None:
    """Rename-and-replace, as editors and deployments do."""
    whole = f"{text}\nadmin: {{address: 127.0.0.1:{gateway.admin_port}}}\nstate: {{dir: {folder / 'state'}}}\n"
    (folder / "fresh").write_text(whole)
    (folder / "fresh").rename(folder / "gateway.yaml")


def ask(gateway: Gateway, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def number(gateway: Gateway) -> int:
    return int(gateway.status()["config"]["revision"]["number"])


def newest(gateway: Gateway) -> tuple[int, list[str]]:
    """The number of the newest revision in the store, and the states of those that are active."""
    revisions = ask(gateway, "GET", "/v1/revisions")[1]["revisions"]
    return revisions[0]["number"], [each["state"] for each in revisions if each["state"] == "active"]


def wait_number(gateway: Gateway, least: int) -> None:
    wait_until(lambda: number(gateway) >= least and gateway.status()["plan"]["agreed"], 15, f"revision {least}")


def serves(port: int, turn: int) -> bool:
    """Over a few connections, so that each worker has its say."""
    return {get_status(port, f"/turn-{turn}") for _ in range(8)} == {299}


def test_reloads_under_load_fail_no_request(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream, 0), tmp_path) as gateway, Load(port) as load:
        first = number(gateway)
        for turn in range(1, 31):
            if turn == 15:
                write(gateway, tmp_path, "version: 1\nroutez: []\n")
                wait_until(lambda: gateway.status()["config"]["refused"], 10, "the bad file is refused")
                refused = gateway.status()["config"]["refused"]
                assert any(problem["line"] == 2 and "unknown key" in problem["message"] for problem in refused)
                assert serves(port, turn - 1)
            write(gateway, tmp_path, config(port, upstream, turn))
            wait_number(gateway, first + turn)
            assert serves(port, turn)
        assert load.tally.answered > 100
        assert gateway.status()["config"]["refused"] == []
    assert load.tally.failures == []


def test_sighup_reloads_and_a_swapped_link_is_seen(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream, 0), tmp_path) as gateway:
        first = number(gateway)
        text = (tmp_path / "gateway.yaml").read_text()
        for turn in (1, 2):
            (tmp_path / f"{turn}").mkdir()
            (tmp_path / f"{turn}" / "gateway.yaml").write_text(text.replace("turn-0", f"turn-{turn}"))
        for turn in (1, 2):
            (tmp_path / "link").symlink_to(tmp_path / f"{turn}" / "gateway.yaml")
            (tmp_path / "link").rename(tmp_path / "gateway.yaml")
            gateway.process.send_signal(signal.SIGHUP)
            wait_number(gateway, first + turn)
            assert serves(port, turn)


def test_a_rollback_stays_until_the_file_changes_or_a_person_asks(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream, 0), tmp_path) as gateway:
        first = number(gateway)
        write(gateway, tmp_path, config(port, upstream, 1))
        wait_number(gateway, first + 1)
        status, made = ask(gateway, "POST", "/v1/config/rollback", {"to": None, "actor": "ann"})
        assert (status, made["how"], made["base"], made["note"]) == (200, "rollback", first, "ann")
        assert serves(port, 0)
        control = gateway.pid_of("control")
        os.kill(control, signal.SIGKILL)                # its successor must not take the file either
        wait_until(lambda: gateway.pid_of("control") != control and gateway.is_complete())
        time.sleep(1.5)
        assert serves(port, 0)
        assert gateway.status()["config"]["drift"] is True
        assert ask(gateway, "GET", "/v1/revisions")[1]["revisions"][1]["state"] == "rolled back"
        gateway.process.send_signal(signal.SIGHUP)
        wait_number(gateway, first + 3)
        assert serves(port, 1)
        assert gateway.status()["config"]["drift"] is False


def test_what_needs_a_restart_is_refused_with_its_place(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream, 0), tmp_path) as gateway:
        write(gateway, tmp_path, config(port, upstream, 1).replace("workers: 2", "workers: 3"))
        problem = wait_until(lambda: gateway.status()["config"]["refused"])[0]
        assert (problem["line"], problem["path"]) == (4, "workers")
        assert "restart" in problem["message"]
        assert serves(port, 0)


@pytest.mark.parametrize("victims", [("control",), ("worker 0", "control", "worker 1")])
def test_deaths_during_apply_leave_all_on_the_same_plan(
    tmp_path: Path, upstream: int, victims: tuple[str, ...]
) -> None:
    port, draw = free_port(), random.Random(7)
    with processes.gateway(config(port, upstream, 0), tmp_path) as gateway:
        for turn in range(1, 6):
            write(gateway, tmp_path, config(port, upstream, turn))
            time.sleep(draw.uniform(0.3, 1.0))
            for victim in (draw.choice(victims),):
                os.kill(gateway.pid_of(victim), signal.SIGKILL)
            wait_until(lambda: gateway.is_complete() and gateway.status()["plan"]["agreed"], 20, "all agree")
            wait_until(lambda turn=turn: serves(port, turn), 20, f"turn {turn} is served")  # type: ignore[misc]
        # The store is history: it is told last, after the flip, and by a later try where a death came between.
        wait_until(lambda: newest(gateway) == (number(gateway), ["active"]), 20, "the store knows what is served")


def test_the_last_good_plan_is_served_if_the_file_does_not_load_at_the_start(tmp_path: Path, upstream: int) -> None:
    port = free_port()
    with processes.gateway(config(port, upstream, 5), tmp_path) as before:
        admin = before.admin_port
    bad = config(port, upstream, 6).replace("routes:", "routez: []\nroutes:")
    gateway = processes.start(bad, tmp_path, admin)
    try:
        gateway.wait_ready()
        assert serves(port, 5)
        wait_until(lambda: gateway.status()["config"]["refused"])
        assert gateway.status()["config"]["drift"] is True
        assert "serving the last good one, revision" in gateway.log.read_text()
    finally:
        assert gateway.end() == 0
