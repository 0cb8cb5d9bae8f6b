"""The figures as one SVG: CPU per request of each proxy's traffic process, user and system stacked.

A panel per scenario, each with its own scale. Readable without colour: user space is hatched, system space is plain,
the figures stand beside the bars, and a thin line shows the spread over the rounds.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from loadtests import summary
from loadtests.rounds import Measured
from loadtests.summary import Row

WIDTH = 860
LABELS = 150  # width kept for the proxies' names
FIGURES = 200  # and for the figures behind the bars
BAR = 18
STEP = 28
HEADING = 40
LEGEND = 46

_STYLE = """\
<style>
text { font: 13px sans-serif; fill: #222 } .title { font-weight: bold }
.user { fill: url(#hatch); stroke: #222 } .system { fill: #d5dde5; stroke: #222 }
.spread { stroke: #222; stroke-width: 1.5 }
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" fill="#fff"/><rect width="2.5" height="6" fill="#37618e"/></pattern></defs>"""


def svg(title: str, measured: Sequence[Measured]) -> str:
    parts, top = [], LEGEND + 10
    for each in measured:
        rows = [row for row in summary.rows(each) if row.of == "traffic"]
        parts.append(_panel(each, rows, top))
        top += HEADING + STEP * len(rows)
    height = top + 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img">\n<title>{escape(title)}</title>\n{_STYLE}\n<rect width="100%" height="100%" fill="#fff"/>\n'
            f"{_legend(title)}\n" + "\n".join(parts) + "\n</svg>\n")


def _legend(title: str) -> str:
    return (f'<text x="10" y="20" class="title">{escape(title)}: CPU µs per request</text>\n'
            '<rect x="10" y="30" width="24" height="12" class="user"/><text x="40" y="41">user space</text>\n'
            '<rect x="130" y="30" width="24" height="12" class="system"/><text x="160" y="41">system (kernel)</text>\n'
            '<line x1="290" y1="36" x2="314" y2="36" class="spread"/>'
            '<text x="320" y="41">smallest to largest round</text>')


def _panel(measured: Measured, rows: Sequence[Row], top: int) -> str:
    scale = (WIDTH - LABELS - FIGURES) / max(row.cpu.high for row in rows)
    heading = f"{measured.scenario.name}: {measured.scenario.title}"
    bars = [_bar(row, top + HEADING + STEP * number, scale) for number, row in enumerate(rows)]
    return f'<text x="10" y="{top + 26}" class="title">{escape(heading)}</text>\n' + "\n".join(bars)


def _bar(row: Row, top: int, scale: float) -> str:
    # user and system are medians of their own; shares of the total's median keep the bar as long as its figure says
    whole = row.user.median + row.system.median
    user = row.cpu.median * scale * (row.user.median / whole if whole else 0)
    total = row.cpu.median * scale
    middle = top + BAR / 2
    return (f'<text x="{LABELS - 10}" y="{top + 14}" text-anchor="end">{escape(row.label)}</text>\n'
            f'<rect x="{LABELS}" y="{top}" width="{user:.1f}" height="{BAR}" class="user"/>\n'
            f'<rect x="{LABELS + user:.1f}" y="{top}" width="{total - user:.1f}" height="{BAR}" class="system"/>\n'
            f'<line x1="{LABELS + row.cpu.low * scale:.1f}" y1="{middle}" x2="{LABELS + row.cpu.high * scale:.1f}" '
            f'y2="{middle}" class="spread"/>\n'
            f'<text x="{LABELS + row.cpu.high * scale + 8:.1f}" y="{top + 14}">{escape(_figures(row))}</text>')


def _figures(row: Row) -> str:
    ratio = row.ratios.get("nginx")
    beside = f" ({ratio.median:.2f} x nginx)" if ratio and row.label != "nginx" else ""
    return f"{row.cpu.median:.1f} µs{beside}"
