"""Charts of what a target did, in SVG: plain shapes and text; lines differ by their dashes too."""

import datetime
import html
import math
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT = 800, 230
LEFT, RIGHT, TOP, BOTTOM = 50, 120, 60, 24
MARK_ROW = 11
"""Above the lines each mark has a row of its own, so that marks of one moment can be told apart."""
Values = Sequence[float | None]


def figure(series: dict[str, Any], marks: Sequence[tuple[str, str]]) -> str:
    """Requests, failures and refusals per second, and below it the slowest hundredth. `marks`: (RFC 3339, word)."""
    step = series["step"]
    rates = [(name, kind, [each / step for each in series[column]]) for name, kind, column in (
        ("requests/s", "requests", "requests"), ("failed/s", "failed", "errors"), ("refused/s", "refused", "refused"))]
    lines = [rates[0], *(each for each in rates[1:] if any(each[2]))]
    shown = [_svg(f"{series['target']}, per second", lines, series, marks)]
    if any(series["p99_ms"]):
        shown.append(_svg(f"{series['target']}, 99th percentile in ms", [("p99 ms", "p99", series["p99_ms"])], series,
                          marks))
    caption = html.escape(f"{series['target']} from {series['first']} on, {step} s a point")
    return f"<figure>{''.join(shown)}<figcaption>{caption}</figcaption></figure>"


def _svg(label: str, lines: Sequence[tuple[str, str, Values]], series: dict[str, Any],
         marks: Sequence[tuple[str, str]]) -> str:
    count = max(2, len(lines[0][2]))
    top = _nice(max((each or 0.0 for _, _, values in lines for each in values), default=0.0))
    parts = [_grid(share * top, top) for share in (0.0, 0.5, 1.0)]
    parts += [_mark(at, word, index, series, count) for index, (at, word) in enumerate(marks)]
    parts += [_line(kind, values, count, top) for _, kind, values in lines]
    parts += [_name(name, kind, index) for index, (name, kind, _) in enumerate(lines)]
    parts.append(_times(series, count))
    said = html.escape(f"{label}: {'; '.join(_said(name, values) for name, _, values in lines)}")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">{"".join(parts)}</svg>'


def _said(name: str, values: Values) -> str:
    known = [each for each in values if each is not None]
    return f"{name} at most {max(known):.3g}" if known else f"{name} not measured"


def _x(index: float, count: int) -> float:
    return LEFT + index / (count - 1) * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _nice(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= value)


def _grid(value: float, top: float) -> str:
    y = _y(value, top)
    return (f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')


def _line(kind: str, values: Values, count: int, top: float) -> str:
    """Runs without gaps; a point by itself is a dot."""
    drawn, pen = [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{_x(index, count):.1f} {_y(value, top):.1f}{'h1' if pen == 'M' else ''}")
        pen = "L"
    return f'<path class="{kind}" d="{"".join(drawn)}"/>' if drawn else ""


def _name(name: str, kind: str, index: int) -> str:
    """With a piece of its line."""
    x, y = WIDTH - RIGHT + 8, TOP + 10 + 16 * index
    return (f'<line class="{kind}" x1="{x}" x2="{x + 24}" y1="{y - 4}" y2="{y - 4}"/>'
            f'<text class="tick" x="{x + 30}" y="{y}">{html.escape(name)}</text>')


def _mark(at: str, word: str, index: int, series: dict[str, Any], count: int) -> str:
    place = (_moment(at) - _moment(series["first"])).total_seconds() / series["step"]
    if not 0 <= place <= count - 1:
        return ""
    x = _x(place, count)
    return (f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            f'<text class="tick" x="{x + 3:.1f}" y="{MARK_ROW * (1 + index % 5)}">{html.escape(word)}</text>')


def _times(series: dict[str, Any], count: int) -> str:
    first = _moment(series["first"])
    last = first + datetime.timedelta(seconds=series["step"] * (count - 1))
    return "".join(f'<text class="tick" x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">{moment:%H:%M:%S}</text>'
                   for moment, x, anchor in ((first, LEFT, "start"), (last, WIDTH - RIGHT, "end")))


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
