"""A post-mortem as one web page that needs nothing else: no script, no link to be loaded, everything escaped.

Its style is one constant, so that whoever serves it can allow just that by its hash (`STYLE_HASH`).
"""

import base64
import hashlib
import html
from collections.abc import Iterator

from gateway.prevent import charts, document
from gateway.prevent.document import Block, Bullets, Chart, Code, Heading, Paragraph, Table
from gateway.prevent.post_mortem import Record

STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5a6478; --line: #d7dce6; --paper: #fff; --bad: #b3261e;
  --one: #2457c5; --two: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --soft: #a5aec0; --line: #3a4356; --paper: #151a24;
  --bad: #ff8a80; --one: #8ab4ff; --two: #ffcf70; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th { color: var(--soft); } pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); font-size: .85rem; }
figure { margin: 1rem 0; } figcaption, .tick { color: var(--soft); fill: var(--soft); font-size: 12px; }
svg { width: 100%; height: auto; } .grid { stroke: var(--line); } .mark { stroke: var(--soft); stroke-dasharray: 2 3; }
.requests, .failed, .refused, .p99 { fill: none; stroke-width: 1.8; }
.requests { stroke: var(--one); } .failed { stroke: var(--bad); stroke-dasharray: 6 3; }
.refused { stroke: var(--two); stroke-dasharray: 2 3; } .p99 { stroke: var(--one); }
@media print { body { max-width: none; } }
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def page(record: Record) -> str:
    title = html.escape(document.title(record))
    body = "\n".join(part for block in document.blocks(record) for part in _parts(block))
    return (f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n<h1>{title}</h1>\n{body}\n'
            f'</main></body>\n</html>\n')


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading(text):
            yield f"<h2>{html.escape(text)}</h2>"
        case Paragraph(text):
            yield f"<p>{html.escape(text)}</p>"
        case Bullets(items):
            yield f"<ul>{''.join(f'<li>{html.escape(each)}</li>' for each in items)}</ul>" if items else ""
        case Table(columns, rows):
            yield _table(columns, rows)
        case Code(text):
            yield f'<pre tabindex="0">{html.escape(text)}</pre>'
        case Chart(series, marks):
            yield charts.figure(series, marks)


def _table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    head = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in columns)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(each)}</td>' for each in row)}</tr>" for row in rows)
    return (f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")
