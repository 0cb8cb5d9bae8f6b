"""`gateway status`: what people see of the document."""
import io
from typing import Any

from rich.console import Console

from gateway.cli import status

REVISION = {"number": 7, "at": "2026-01-02T03:04:05Z", "how": "apply", "commit": "0123456789abcdef"}
PROCESS = {"name": "worker 0", "state": "ready", "pid": 42, "uptime_seconds": 62, "restarts": 0, "connections": 3,
           "active_requests": 1, "loop_lag_seconds": 0.0012}
ROUTE = {"requests": 10, "refused": 2, "answers": {"1xx": 0, "2xx": 7, "3xx": 0, "4xx": 1, "5xx": 2}, "latency_ms": {}}
BREAKER = {"target": "upstream:api", "safeguard": "breaker", "mode": "enforce", "state": "open", "acting": True,
           "observed": "failures 9 of 10 (90 %)", "threshold": "50 %", "decision": "OPEN for another 4 s"}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "version": "1", "ready": True, "reason": "1 of 1 workers are ready", "uptime_seconds": 7500,
        "plan": {"agreed": True}, "processes": [PROCESS], "routes": {"orders": ROUTE, "-": ROUTE | {"requests": 0}},
        "config": {"revision": REVISION, "drift": False, "refused": [], "store_fault": ""},
        "safeguards": [], "by_hand": {"fault": "", "standing": []},
    } | changes


def shown(**changes: Any) -> str:
    console = Console(file=io.StringIO(), width=160, highlight=False)
    status.show(document(**changes), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_all_is_well() -> None:
    text = shown()
    assert "ready: 1 of 1 workers are ready  up 2h 5m" in text
    assert "revision 7 of 2026-01-02T03:04:05Z (apply)  commit 0123456789ab" in text
    assert "No safeguard holds anything back." in text
    assert "worker 0" in text
    assert "orders" in text
    assert "By hand" not in text


def test_what_stands_by_hand_is_shown_with_its_reason_as_it_was_written() -> None:
    isolation = {"kind": "isolation", "target": "route:orders", "keep_open": True, "waiting": False, "who": "loopback",
                 "actor": "ann", "reason": "leaks [bold]data[/bold]", "seconds_left": 1752.4}
    forced = isolation | {"kind": "breaker", "target": "upstream:api", "state": "open", "waiting": True}
    text = shown(by_hand={"fault": "", "standing": [isolation, forced]})
    assert "isolated, tunnels kept" in text
    assert "29m 12s" in text
    assert "leaks [bold]data[/bold]" in text
    assert "forced open (no such name in the config now)" in text


def test_a_safeguard_that_acts_is_shown_with_what_it_saw() -> None:
    text = shown(safeguards=[BREAKER, BREAKER | {"target": "upstream:quiet", "acting": False}])
    assert "failures 9 of 10 (90 %)" in text
    assert "OPEN for another 4 s" in text
    assert "quiet" not in text


def test_what_is_wrong_is_said_at_the_top() -> None:
    config = {"revision": REVISION, "drift": True, "store_fault": "disk full",
              "refused": [{"file": "gateway.yaml", "line": 3, "message": "unknown key"}]}
    text = shown(ready=False, reason="draining", plan={"agreed": False}, config=config)
    for told in ("NOT READY: draining", "WORKERS SERVE DIFFERENT PLANS", "DRIFT", "gateway.yaml:3: unknown key",
                 "disk full"):
        assert told in text
