"""`gateway status`: what a running gateway is doing now, what is in force, and why."""

import sys
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from gateway.cli import exits, printing
from gateway.cli.asking import admin_option, ask, json_option


@click.command()
@json_option
@admin_option
def status(as_json: bool, admin: str) -> None:
    """What the gateway does now: its processes and routes, the safeguards that act, what stands by hand, and why.

    Exits 0 if it is ready, 3 if it answers but is not, 1 if no gateway answers, 2 on wrong usage.
    """
    document = ask(admin, "/v1/status")
    if as_json:
        printing.json_document(document)
    else:
        show(document, printing.screen())
    sys.exit(exits.DONE if document["ready"] else exits.NOT_READY)


def show(document: dict[str, Any], console: Console) -> None:
    """Print the document of `/v1/status` for people; every text of it as it is, without markup."""
    for line in _heading(document):
        console.print(Text(line))
    for title, columns, rows in _tables(document):
        if rows:
            console.print()
            console.print(printing.table(title, columns, rows))
    if not any(item["acting"] for item in document.get("safeguards", [])):
        console.print(Text("\nNo safeguard holds anything back."))


def _heading(document: dict[str, Any]) -> list[str]:
    state = "ready" if document["ready"] else "NOT READY"
    lines = [f"gateway {document['version']}  {state}: {document['reason']}  up {_span(document['uptime_seconds'])}"]
    config = document.get("config")
    if config:
        revision = config["revision"]
        commit = f"  commit {revision['commit'][:12]}" if revision["commit"] else ""
        lines.append(f"revision {revision['number']} of {revision['at']} ({revision['how']}){commit}")
        if not document["plan"]["agreed"]:
            lines.append("WORKERS SERVE DIFFERENT PLANS at the moment")
        lines += _probation(config.get("probation"))
        if config["drift"]:
            lines.append("DRIFT: the file on the disk is not what is served; `gateway config log` shows what is")
        lines += [f"REFUSED: {each['file']}:{each['line']}: {each['message']}" for each in config["refused"]]
        if config["store_fault"]:
            lines.append(f"THE STORE: {config['store_fault']}")
    detection = _detection(document)
    if detection and not detection["routes"]:
        lines.append(f"detection: {detection['state']}")
    return lines + _faults(document)


def _probation(found: dict[str, Any] | None) -> list[str]:
    if not found:
        return []
    old, new = found["old"], found["new"]
    step = f"step {found['step']} of {len(found['steps'])}, {found['share']:.0%} of the clients"
    lines = [f"ON PROBATION ({found['mode']}): {step}, {_span(found['seconds_left'])} left: {found['verdict']}"
             f"{'' if found['proven'] else ' (not proven)'}",
             f"  {new['requests']} tries under it, {old['requests']} under revision {found['beside']}"]
    return lines + [f"  {found[name]}" for name in ("undivided", "fault") if found[name]]


def _faults(document: dict[str, Any]) -> list[str]:
    """What cannot be written at the moment, while requests are served on."""
    named = {"THE FLIGHT RECORDER": document.get("recorder", {}), "THE ACCESS LOG": document.get("access_log", {}),
             "WHAT THE DETECTORS LEARNED": _detection(document)}
    return [f"{text} cannot be written: {found['fault']}" for text, found in named.items() if found.get("fault")]


def _tables(document: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    acting = [item for item in document.get("safeguards", []) if item["acting"]]
    return [
        ("By hand", ["target", "what", "for another", "who", "why"],
         [_by_hand(each) for each in document.get("by_hand", {}).get("standing", [])]),
        ("Safeguards that act", ["target", "safeguard", "mode", "state", "seen", "threshold", "decision"],
         [[item[name] for name in ("target", "safeguard", "mode", "state", "observed", "threshold", "decision")]
          for item in acting]),
        ("Detection", ["route", "now"], [list(each) for each in _detection(document).get("routes", {}).items()]),
        ("Processes", ["name", "state", "pid", "up", "restarts", "connections", "in flight", "loop lag"],
         [_process(each) for each in document["processes"]]),
        ("Routes", ["name", "requests", "2xx", "4xx", "5xx", "refused", "p50 ms", "p99 ms"],
         [_route(name, each) for name, each in document["routes"].items() if each["requests"]]),
    ]


def _detection(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document.get("deliberation", {}).get("detection", {})
    return found


def _by_hand(each: dict[str, Any]) -> list[str]:
    tunnels = ", tunnels kept" if each.get("keep_open") else ""
    what = f"forced {each['state']}" if "state" in each else f"isolated{tunnels}"
    waiting = " (no such name in the config now)" if each["waiting"] else ""
    who = f"{each['who']} {each['actor']}".strip()
    return [each["target"], what + waiting, _span(each["seconds_left"]), who, each["reason"]]


def _process(each: dict[str, Any]) -> list[str]:
    return [each["name"], each["state"], str(each["pid"]), _span(each["uptime_seconds"]), str(each["restarts"]),
            str(each["connections"]), str(each["active_requests"]), f"{1000 * each['loop_lag_seconds']:.1f} ms"]


def _route(name: str, each: dict[str, Any]) -> list[str]:
    answers, latency = each["answers"], each["latency_ms"]
    return [name, str(each["requests"]), *(str(answers[status]) for status in ("2xx", "4xx", "5xx")),
            str(each["refused"]), *(f"{latency[name]:.1f}" if name in latency else "-" for name in ("p50", "p99"))]


def _span(seconds: float) -> str:
    """`2h 5m`, `5m 3s`, `3s`: the two largest units."""
    whole = int(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    told = [f"{count}{unit}" for count, unit in parts if count]
    return " ".join(told[:2]) or "0s"
