"""`gateway top`: what goes on, live in a terminal."""

import contextlib
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli import printing
from gateway.cli.asking import admin_option, json_option, listen

EVENTS, TRAFFIC = "/v1/events", "traffic"
KEPT_SECONDS = 300
SHOWN = 12
SPARK = "▁▂▃▄▅▆▇█"
SPARK_SECONDS = 40
READY = "ready"                         # after what a listener is told of the past
NEEDED = {READY, "config", "targets"}   # a gateway that starts has told the traffic before the others
World = dict[str, Any]


@click.command()
@click.option("--once", is_flag=True, help="Show it once and end; so it is where the output is no terminal, too.")
@json_option
@admin_option
def top(once: bool, as_json: bool, admin: str) -> None:
    """Requests, errors, percentiles, the busiest targets, open incidents and safeguards in force, each second.

    With --json each event is a line, {"kind", "data"}; with --once too, one document with the latest of each kind.
    """
    console = printing.screen()
    with contextlib.suppress(KeyboardInterrupt):
        if once or not (as_json or console.is_terminal):
            _once(admin, as_json, console)
        elif as_json:
            printing.json_lines({"kind": kind, "data": data} for kind, data in listen(admin, EVENTS))
        else:
            _draw(admin, console)


def _once(admin: str, as_json: bool, console: Console) -> None:
    world = next(_worlds(admin))
    if as_json:
        printing.json_document(world | {TRAFFIC: world[TRAFFIC][-1]})
    else:
        console.print(page(world))


def _draw(admin: str, console: Console) -> None:
    with Live(console=console, auto_refresh=False, screen=True) as screen:
        for world in _worlds(admin):
            screen.update(page(world), refresh=True)


def _worlds(admin: str) -> Iterator[World]:
    """The latest event of each kind, and the traffic of five minutes: once complete, then each second."""
    world: World = {TRAFFIC: []}
    for kind, data in listen(admin, EVENTS):
        world[kind] = [*world[TRAFFIC], data][-KEPT_SECONDS:] if kind == TRAFFIC else data
        if world.keys() >= NEEDED and world[TRAFFIC] and kind in (READY, TRAFFIC):
            yield world


def page(world: World) -> Group:
    """All that is shown, of the events so far."""
    parts: list[Text | Table] = [Text(line) for line in _heading(world)]
    for title, columns, rows in _tables(world):
        if rows:
            parts += [Text(), printing.table(title, columns, rows)]
    return Group(*parts)


def _heading(world: World) -> list[str]:
    last, revision = world["traffic"][-1], world["config"]["revision"]
    ten = world["traffic"][-10:]
    total = {name: sum(each[name] for each in ten) for name in ("requests", "errors", "refused")}
    shown = {name: "-" if last[name] is None else f"{last[name]:.1f} ms" for name in ("p50", "p95", "p99")}
    spark = "".join(_bars([each["requests"] for each in world["traffic"][-SPARK_SECONDS:]]))
    return [
        f"revision {revision['number']}   {total['requests'] / len(ten):.0f} requests/s   "
        f"errors {_share(total['errors'], total['requests'])}   refused {_share(total['refused'], total['requests'])}",
        f"p50 {shown['p50']}   p95 {shown['p95']}   p99 {shown['p99']}   in flight {last['in_flight']}   "
        f"connections {last['connections']}   loop lag {last['loop_lag_ms']:.1f} ms",
        spark]


def _bars(values: list[int]) -> list[str]:
    most = max(values, default=0) or 1
    return [SPARK[min(len(SPARK) - 1, value * len(SPARK) // (most + 1))] for value in values]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _tables(world: World) -> list[tuple[str, list[str], list[list[str]]]]:
    seconds, busy = world["targets"]["seconds"], list(world["targets"]["targets"].items())[:SHOWN]
    return [
        ("Incidents", ["no.", "severity", "state", "what", "who"],
         [[str(each["id"]), each["severity"], each["state"], each["title"], each["assignee"] or each["acknowledged_by"]]
          for each in world.get("incidents", [])[:SHOWN]]),
        ("By hand", ["target", "until", "who", "why"],
         [[each["target"], each["expires"], f"{each['who']} {each['actor']}".strip(), each["reason"]]
          for each in world.get("isolations", {}).get("standing", [])[:SHOWN]]),
        ("Safeguards that act", ["target", "safeguard", "mode", "state", "seen", "so it"],
         [[each[name] for name in ("target", "safeguard", "mode", "state", "observed", "decision")]
          for each in world.get("safeguards", [])[:SHOWN]]),
        ("Busiest", ["target", "requests/s", "errors", "refused", "mean"],
         [[name, f"{each['requests'] / seconds:.1f}", _share(each["errors"], each["requests"]),
           _share(each["refused"], each["requests"]),
           f"{each['latency_ms'] / each['requests']:.1f} ms" if each["requests"] else "-"] for name, each in busy]),
    ]
