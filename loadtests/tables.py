"""The figures as Markdown whose columns line up, so that the same text serves the terminal."""

from collections.abc import Sequence

from loadtests import quiet, summary
from loadtests.rounds import Measured
from loadtests.summary import Row, Spread

_OF = {"traffic": "", "everything": ", all its processes"}


def markdown(title: str, measured: Sequence[Measured]) -> str:
    sections = "\n\n".join(section(each) for each in measured)
    return f"# {title}\n\n{sections}\n"


def section(measured: Measured) -> str:
    verdicts = "".join(f"\n- {line}" for line in summary.verdicts(measured))
    return (f"## {measured.scenario.name}: {measured.scenario.title}\n\n{_about(measured)}\n\n"
            f"{table(summary.rows(measured))}\n{verdicts}").rstrip()


def table(rows: Sequence[Row]) -> str:
    references = [name for name in summary.REFERENCES if name in rows[0].ratios]
    heading = ["proxy", "CPU µs/request", "user", "system", "requests/s", "p50 ms", "p99 ms",
               *(f"CPU ÷ {name}" for name in references)]
    return aligned([heading, *(_cells(row, references) for row in rows)])


def _cells(row: Row, references: Sequence[str]) -> list[str]:
    same = row.of == "everything"  # the load was the same: said once, in the row above
    loads = ['"'] * 3 if same else [_text(row.rate, "{:,.0f}"), _text(row.p50, "{:.2f}"), _text(row.p99, "{:.2f}")]
    return [row.label + _OF[row.of], _text(row.cpu, "{:.2f}"), _text(row.user, "{:.2f}"), _text(row.system, "{:.2f}"),
            *loads, *(_text(row.ratios[name], "{:.3f}") for name in references)]


def _text(spread: Spread, form: str) -> str:
    median, low, high = (form.format(value) for value in (spread.median, spread.low, spread.high))
    return f"{median} ({low}–{high})"


def _about(measured: Measured) -> str:
    rounds = len(next(iter(measured.rounds.values())))
    cores = measured.cores
    lines = [f"Median of {rounds} interleaved rounds (smallest–largest). "
             f"Each proxy on core {_list(cores.proxy)}, load and upstream on core {_list(cores.load)}."]
    if cores.shared:
        lines.append("Proxy and load SHARE these cores: requests/s and latencies are of both, CPU is the proxy's own.")
    lines.append(_quietness(measured))
    if measured.ciphers:
        negotiated = ", ".join(f"{label} {cipher}" for label, cipher in measured.ciphers.items())
        lines.append(f"Negotiated: {negotiated}.")
    return "\n".join(lines)


def _quietness(measured: Measured) -> str:
    others = summary.spread(sample.others for samples in measured.rounds.values() for sample in samples)
    said = f"Other programs took {others.median:.1%} of these cores meanwhile ({others.low:.1%}–{others.high:.1%})"
    return f"{said}." if others.median <= quiet.QUIET else f"{said}: NOT QUIET, measure again before you conclude."


def _list(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))


def aligned(cells: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the first being the heading."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(_padded(cell, width, column) for column, (cell, width)
                               in enumerate(zip(line, widths, strict=True))) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
                          for column, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _padded(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)
