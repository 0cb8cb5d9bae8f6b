"""docs/http.md says what the code does: its two tables are the tables of the code."""

import re
from pathlib import Path

from gateway.dataplane import http1
from gateway.model import errors

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text()


def rows(columns: int) -> dict[str, tuple[str, ...]]:
    """The rows of a table of `columns` whose first cell is code, by that cell."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line[:3] == "| `"]
    return {row[0].strip("| `"): tuple(row[1:]) for row in cells if len(row) == columns}


def test_every_fault_is_listed_with_its_status_and_text() -> None:
    assert rows(3) == {name: (str(status), text.decode()) for _, name, status, text in http1.FAULTS}


def test_every_refusal_is_listed_with_its_status_side_and_hint() -> None:
    assert rows(5) == {
        each.reason: (str(each.status), each.side.value, "yes" if each.retry else "no", each.hint)
        for each in errors.REFUSALS
    }


def test_links_lead_to_pages_that_exist() -> None:
    for target in re.findall(r"\]\(([a-z.]+)", PAGE):
        assert (Path(__file__).resolve().parents[2] / "docs" / target).is_file()
