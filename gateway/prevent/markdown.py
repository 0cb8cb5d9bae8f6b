"""A post-mortem in Markdown. What people or clients wrote stays text: nothing of it becomes markup or a link."""

import re
from collections.abc import Iterator

from gateway.prevent import document
from gateway.prevent.document import Block, Bullets, Chart, Code, Heading, Paragraph, Table
from gateway.prevent.post_mortem import Record

MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def markdown(record: Record) -> str:
    lines = [f"# {_text(document.title(record))}", ""]
    for block in document.blocks(record):
        lines += [*_lines(block), ""]
    return "\n".join(lines)


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(text):
            yield f"## {_text(text)}"
        case Paragraph(text):
            yield _text(text)
        case Bullets(items):
            yield from (f"- {_text(each)}" for each in items)
        case Table(columns, rows):
            yield _row(columns)
            yield "|" + "---|" * len(columns)
            yield from map(_row, rows)
        case Code(text):
            yield from (f"    {line}" for line in text.splitlines())
        case Chart(series, _):
            yield _text(f"{series['target']}: {sum(series['requests'])} requests, {sum(series['errors'])} failed from "
                        f"{series['first']} on, at most {max(series['errors'], default=0)} failed in "
                        f"{series['step']} s; the chart is in the web page.")


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _text(text: str) -> str:
    """On one line, its markup escaped."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
