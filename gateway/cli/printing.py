"""How commands print: tables for people, every text as it is, without markup; JSON for scripts.

`--json` prints one document where a command shows one thing, and one object a line where it shows a list, so that
`| jq` and `| while read` work on any length.
"""

import json
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 160                              # where the output is no terminal


def screen() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def busy(words: str) -> AbstractContextManager[object]:
    """Tells people at a terminal, on stderr, that something takes its time."""
    return Console(stderr=True).status(words) if sys.stderr.isatty() else nullcontext()


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def json_lines(items: Iterable[Any]) -> None:
    for each in items:
        click.echo(json.dumps(each))


def json_document(document: Any) -> None:
    click.echo(json.dumps(document, indent=2))


def failed(words: object) -> None:
    """Say why the command fails, where scripts do not read it."""
    click.echo(words, err=True)
