"""`gateway top`: what is shown of the events."""
import io
import json
from pathlib import Path
from typing import Any

from cli.running_api import run, running_api
from rich.console import Console

from gateway.cli import top

SECOND = {"at": 1, "requests": 40, "errors": 10, "client_errors": 0, "refused": 4, "p50": 1.25, "p95": 8.0, "p99": None,
          "in_flight": 3, "connections": 7, "loop_lag_ms": 0.4}
BUSY = {"requests": 400, "errors": 100, "client_errors": 0, "refused": 40, "slow": 0, "latency_ms": 800}


def world(**changes: Any) -> dict[str, Any]:
    return {"traffic": [SECOND | {"requests": 0, "errors": 0, "refused": 0}, SECOND],
            "config": {"revision": {"number": 7}}, "targets": {"seconds": 10, "targets": {"route:orders": BUSY}},
            } | changes


def shown(**changes: Any) -> str:
    console = Console(file=io.StringIO(), width=120, highlight=False)
    console.print(top.page(world(**changes)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_calm_gateway_shows_its_traffic_and_the_busiest() -> None:
    text = shown()
    assert "revision 7   20 requests/s   errors 25.0 %   refused 10.0 %" in text
    assert "p50 1.2 ms   p95 8.0 ms   p99 -   in flight 3   connections 7   loop lag 0.4 ms" in text
    assert "▁█" in text
    assert text.splitlines()[-1].split() == ["route:orders", "40.0", "25.0", "%", "10.0", "%", "2.0", "ms"]
    assert "Incidents" not in text


def test_incidents_and_what_stands_by_hand_are_shown_as_they_are_written() -> None:
    incident = {"id": 3, "severity": "major", "state": "open", "title": "[red]orders fail", "assignee": "",
                "acknowledged_by": "ann"}
    isolated = {"target": "route:orders", "expires": "2026-01-02T03:04:05Z", "who": "ann", "actor": "", "reason": "why"}
    text = shown(incidents=[incident], isolations={"standing": [isolated]})
    assert "[red]orders fail  ann" in text
    assert "route:orders  2026-01-02T03:04:05Z  ann  why" in text


def test_a_target_that_was_refused_everything_has_no_mean() -> None:
    refused = BUSY | {"requests": 0, "errors": 0}
    assert "-" in shown(targets={"seconds": 10, "targets": {"route:orders": refused}}).splitlines()[-1]


def test_once_is_a_page_for_people_and_a_document_for_scripts(tmp_path: Path) -> None:
    with running_api(tmp_path) as address:
        page = run(address, "top")
        assert page.exit_code == 0, page.output
        assert "requests/s" in page.stdout
        document = json.loads(run(address, "top", "--once", "--json").stdout)
        assert document["config"]["revision"]["number"] == 1
        assert document["traffic"]["requests"] == 0
