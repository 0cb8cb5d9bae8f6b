"""`gateway explain`: why a request is, or would be, answered as it is."""

from typing import Any
from urllib.parse import urlencode

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli import printing
from gateway.cli.asking import admin_option, ask, json_option, told

COLUMNS = ("", "target", "safeguard", "mode", "state", "seen", "threshold", "window", "so it", "config")


@click.command()
@click.argument("request_id", required=False)
@click.option("--path", help="Of a request that may be made up, such as /orders/7.")
@click.option("--method", default="GET", show_default=True)
@click.option("--host", default="", help="What its Host header says.")
@click.option("--client", default="", help="The address it comes from.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="May be repeated.")
@json_option
@admin_option
def explain(request_id: str | None, path: str | None, method: str, host: str, client: str, headers: tuple[str, ...],
            as_json: bool, admin: str) -> None:
    """Tell the route of a request and why that one, each safeguard it meets, and the config line that says so.

    REQUEST_ID is that of a recorded request (`gateway requests`): what was recorded is shown, and how the same request
    would be decided now. Without it --path says which request is meant; nothing is sent.

    Exits 0 if it could be told, 1 if there is no such record or no gateway answers, 2 on wrong usage.
    """
    if (request_id is None) == (path is None):
        raise click.UsageError("give a REQUEST_ID or --path, one of them")
    if request_id is not None:
        found = ask(admin, f"/v1/explain/{request_id.replace('-', '').lower()}")
    else:
        asked = [("path", path), ("method", method), ("host", host), ("client", client)]
        asked += [("header", each) for each in headers]
        found = ask(admin, "/v1/explain?" + urlencode([(name, value) for name, value in asked if value]))
    if as_json:
        told(found, True, "")
    else:
        show(found, printing.screen())


def show(found: dict[str, Any], console: Console) -> None:
    """Print the document of `/v1/explain` for people."""
    for line in _heading(found):
        console.print(Text(line))
    if found["safeguards"]:
        console.print(_table(found["safeguards"]))
    for each in found["others"]:
        console.print(Text(f"not {each['name']}: {each['why']}{_at(each['config'])}"))
    console.print(Text(f"now: {found['verdict']}", style="bold"))


def _heading(found: dict[str, Any]) -> list[str]:
    asked, record, route = found["request"], found["record"], found["route"]
    lines = [f"{asked['method']} {asked['path']}" + (f" from {asked['client']}" if asked["client"] else "")]
    if record is not None:
        by = f" by {record['limit'] or record['safeguard']}" if record["safeguard"] != "none" else ""
        seen = f", observed {record['observed']}, threshold {record['threshold']}" if by else ""
        shadow = " (shadow)" if record["shadow"] else ""
        lines += [f"recorded at {record['at']} under revision {record['revision']}: status {record['status']}, "
                  f"decision {record['decision']}{by}{shadow}{seen}",
                  f"decided anew at {found['at']} under revision {found['revision']}:"]
    if route is not None:
        lines.append(f"route {route['name']} -> {route['to']}: {route['why']}{_at(route['config'])}")
    return lines


def _table(met: list[dict[str, Any]]) -> Table:
    rows = []
    for each in met:
        place = f"{each['config']['file']}:{each['config']['line']}" if each["config"] else ""
        rows.append((_means(each), each["target"], each["safeguard"], each["mode"], each["state"], each["observed"],
                     each["threshold"], each["window"], each["decision"], place))
    return printing.table("", COLUMNS, rows)


def _means(each: dict[str, Any]) -> str:
    """For the request; one endpoint that is out stops none."""
    if not each["acting"]:
        return "ok"
    if each["mode"] != "enforce":
        return "note"
    return "skip" if each["target"].startswith("endpoint:") else "STOP"


def _at(config: dict[str, Any] | None) -> str:
    return f"  ({config['file']}:{config['line']}: {config['text']})" if config else ""
