"""`gateway requests`: look through the flight recorder."""

import time
from typing import Any
from urllib.parse import urlencode

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli import comparing, flagging, printing
from gateway.cli.asking import admin_option, ask

FOLLOW_SECONDS = 1.0
COLUMNS = ("time", "route", "method", "path", "status", "ms", "client", "endpoint", "decision")
ID_WIDTH = 130
"""Columns of a terminal from which on the request id is shown: one that is cut cannot be asked for."""


@click.command()
@click.option("--route", help="Of this route.")
@click.option("--upstream", help="To this upstream.")
@click.option("--endpoint", help="To this endpoint, as host:port.")
@click.option("--status", help="With this status, or of this class, such as 5xx.")
@click.option("--method", help="With this method.")
@click.option("--decision", help="That ended so: limited, open, error, timeout, refused, gone, …")
@click.option("--client", help="From this address.")
@click.option("--path", metavar="PREFIX", help="Whose path begins so.")
@click.option("--id", "request_id", metavar="ID", help="With this request id.")
@click.option("--fallback", is_flag=True, help="That a fallback answered.")
@click.option("--since", default="5m", show_default=True, help="Not older than this.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--follow", is_flag=True, help="Go on showing new ones until interrupted.")
@click.option("--flag", metavar="WORDS", help="Report that those found look wrong: an incident is opened.")
@click.option("--compare", nargs=2, metavar="SPAN BEFORE",
              help="Where are the failures that SPAN has more than BEFORE? A span is FROM-TO in UTC: 10:00-10:05, or "
                   "2026-03-02T10:00/2026-03-02T10:05.")
@click.option("--slow", is_flag=True, help="With --compare: what is slow, not what fails.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@admin_option
def requests(follow: bool, as_json: bool, admin: str, flag: str | None, compare: tuple[str, str] | None, slow: bool,
             **filters: Any) -> None:
    """The latest requests that the flight recorder has, the latest last; everything refused or failed is in it.

    Exits 0, also if none match; 1 if no gateway answers or a filter is refused, 2 on wrong usage.
    """
    if compare:
        return comparing.show(admin, *compare, slow, as_json)
    console = printing.screen()
    answer = _ask(admin, filters)
    _show(answer["requests"][::-1], as_json, console)
    if not as_json:
        console.print(Text(_looked_at(answer["looked_at"])), style="dim")
        if answer["requests"]:
            console.print(Text("why: gateway explain REQUEST_ID; a wider terminal or --json has the ids"
                               if console.width < ID_WIDTH else "why: gateway explain REQUEST_ID"), style="dim")
    if flag:
        return flagging.flag(admin, answer["requests"], flag)
    newest = max((each["at_ns"] for each in answer["requests"]), default=time.time_ns())
    while follow:
        time.sleep(FOLLOW_SECONDS)
        found = _ask(admin, filters | {"since": None, "since_ns": newest + 1, "limit": 1000})["requests"]
        _show(found[::-1], as_json, console, heading=False)
        newest = max((each["at_ns"] for each in found), default=newest)
    return None


def _ask(admin: str, filters: dict[str, Any]) -> Any:
    given = {name: "true" if value is True else value for name, value in filters.items() if value}
    return ask(admin, "/v1/requests?" + urlencode(given))


def _show(found: list[dict[str, Any]], as_json: bool, console: Console, heading: bool = True) -> None:
    if as_json:
        printing.json_lines(found)
        return
    if not found:
        if heading:
            console.print("No request matches.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=heading)
    wide = console.width >= ID_WIDTH
    for column in COLUMNS + (("request id",) if wide else ()):
        table.add_column(column, overflow="fold", justify="right" if column in ("status", "ms") else "left")
    for each in found:
        table.add_row(*(Text(cell) for cell in _cells(each) + ((each["request_id"],) if wide else ())))
    console.print(table)


def _cells(each: dict[str, Any]) -> tuple[str, ...]:
    decided = "" if each["decision"] == "none" else each["decision"]
    by = each["limit"] or ("" if each["safeguard"] == "none" else each["safeguard"])
    shadow = " (shadow)" if each["shadow"] else " (fallback)" if each["fallback"] else ""
    return (each["at"][11:], each["route"] or "-", each["method"], each["path"], str(each["status"] or "-"),
            f"{each['total_ms']:.1f}", each["client"], each["endpoint"] or "-",
            f"{decided} by {by}{shadow}" if decided and by else decided)


def _looked_at(looked: dict[str, Any]) -> str:
    recorder = looked["recorder"]
    partly = "" if looked["complete"] else "; there are more than were searched: narrow it down"
    fault = f"; THE RECORDER CANNOT WRITE: {recorder['fault']}" if recorder["fault"] else ""
    return (f"searched {looked['records']} records, {100 * looked['share_kept']:.4g} % of the requests of their time; "
            f"{recorder['lost']} lost since control began{partly}{fault}")
